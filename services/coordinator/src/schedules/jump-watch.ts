import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { RepairTimes } from './repair-times.ts'

const ROUND_MS = 1_000

/** Repairs times that a wrong clock has stored: at the start, after a jump of the mesh's time, and for shares taken over from another coordinator. */
export class JumpWatch extends LoopService {
  readonly #repairTimes: RepairTimes
  readonly #clock: Clock
  readonly #log: Logger
  readonly #shares: () => readonly number[]
  #done: readonly number[] = []
  #jumps = 0
  /** Aborts the pass under way: it has to start again. */
  #underWay = new AbortController()

  constructor(options: { repairTimes: RepairTimes; clock: Clock; log: Logger; shares: () => readonly number[] }) {
    super()
    this.#repairTimes = options.repairTimes
    this.#clock = options.clock
    this.#log = options.log
    this.#shares = options.shares
  }

  /** The mesh's time has jumped: any stored time may be wrong. */
  again(): void {
    this.#jumps++
    this.#done = []
    this.#underWay.abort()
    this.#underWay = new AbortController()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    this.again()
    do {
      await this.#round(signal).catch((error: unknown) =>
        this.#log.warn(
          { evt: 'clock.set-right-failed', err: error },
          'times that a wrong clock has stored could not be repaired; trying again',
        ),
      )
    } while (await pause(this.#clock, ROUND_MS, signal))
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'clock.watch-died', err: error }, 'jumps of the clock are not followed any more')
  }

  async #round(signal: AbortSignal): Promise<void> {
    const [shares, jumps] = [this.#shares(), this.#jumps]
    const fresh = shares.filter((share) => !this.#done.includes(share))
    if (fresh.length > 0) {
      const count = await this.#repairTimes.execute(fresh, AbortSignal.any([signal, this.#underWay.signal]))
      if (count > 0) this.#log.warn({ evt: 'clock.set-right', count }, 'times that a wrong clock had stored are repaired')
    }
    if (jumps === this.#jumps) this.#done = shares
  }
}
