import { CarillonError, type ServiceHealth, VERSION } from '@carillon/contracts'
import type { Clock, MeshClock } from '@carillon/runtime'
import type { Store } from '@carillon/store'

/** The sources of a coordinator's health. */
interface HealthSources {
  readonly id: string
  readonly store: Store
  readonly clock: Clock & Pick<MeshClock, 'describe'>
  readonly shares: () => readonly number[]
  readonly coordinators: () => NonNullable<ServiceHealth['coordinators']>
  readonly streams: () => ServiceHealth['checks'][number]
  /** Tasks whose message the broker refuses, and why. */
  readonly unconfirmed: () => { readonly count: number; readonly why: string }
  /** What was published again recently, or is being published. */
  readonly loss: () => string | undefined
  readonly recentRepair: () => string | undefined
  readonly rejected: () => number
  readonly reports: () => string
  /** @throws Error that keeps runs from being removed */
  readonly retention: () => string
  /** @throws Error that keeps what ends from being counted */
  readonly stats: () => string
}

/** The health of a coordinator. */
export class CheckHealth {
  readonly #options: HealthSources
  readonly #since: number

  constructor(options: HealthSources) {
    this.#options = options
    this.#since = options.clock.monotonic()
  }

  async execute(): Promise<ServiceHealth> {
    const { id, clock, shares, coordinators, streams, rejected, reports } = this.#options
    return {
      service: 'coordinator',
      id,
      version: VERSION,
      uptimeMs: clock.monotonic() - this.#since,
      coordinators: coordinators(),
      checks: [
        await this.#store(),
        { name: 'clock', ...clock.describe() },
        { name: 'shares', ok: true, message: `responsible for ${shares().length} of 64 shares of the key space` },
        streams(),
        this.#queue(),
        { name: 'reports', ok: true, message: reports() },
        part('retention', 'runs cannot be removed', this.#options.retention),
        part('stats', 'what ends cannot be counted', this.#options.stats),
        { name: 'rejected', ok: true, message: `${rejected()} messages rejected since the start` },
      ],
    }
  }

  #queue(): { name: string; ok: boolean; message: string } {
    const [loss, unconfirmed] = [this.#options.loss(), this.#options.unconfirmed()]
    if (loss !== undefined) return { name: 'queue', ok: false, message: loss }
    if (unconfirmed.count === 0)
      return { name: 'queue', ok: true, message: ['the broker takes work', this.#options.recentRepair()].filter(Boolean).join('; ') }
    const message = `the broker has not taken the work of ${unconfirmed.count} runs (${unconfirmed.why}); they are kept and tried again`
    return { name: 'queue', ok: false, message }
  }

  async #store(): Promise<{ name: string; ok: boolean; message: string }> {
    const { store } = this.#options
    try {
      await store.check()
      return { name: 'store', ok: true, message: `${store.describe()} can be read and written` }
    } catch (error) {
      const { code, message } = CarillonError.from(error)
      return { name: 'store', ok: false, message: `${code}: ${message}` }
    }
  }
}

/** @param say @throws Error that keeps the part from its work */
function part(name: string, failure: string, say: () => string): { name: string; ok: boolean; message: string } {
  try {
    return { name, ok: true, message: say() }
  } catch (error) {
    return { name, ok: false, message: `${failure}: ${(error as Error).message}` }
  }
}
