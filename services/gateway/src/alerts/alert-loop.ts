import { LoopService, WakeablePause } from '@carillon/runtime'
import { SHARES } from '@carillon/store'
import type { AdvanceIncidents } from './advance-incidents.ts'
import type { AlertsParts } from './alerts-parts.ts'
import type { CompareRules } from './compare-rules.ts'
import type { SendDeliveries } from './send-deliveries.ts'

type Parts = Pick<AlertsParts, 'store' | 'clock' | 'log'> & {
  readonly compareRules: CompareRules
  readonly advanceIncidents: AdvanceIncidents
  readonly sendDeliveries: SendDeliveries
}

const ROUND_MS = 1_000
const AT_ONCE = 100
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)
/** How long what is over is kept: a quarter. */
const KEPT_MS = 90 * 86_400_000
const SWEEP_EVERY_MS = 3_600_000
const SWEEP_AT_ONCE = 500

/** The timer of alerts: each round is an indexed read of what is due. Gateways need no agreement about who does it: every write is conditional. */
export class AlertLoop extends LoopService {
  readonly #parts: Parts
  readonly #pause: WakeablePause
  #nextSweep = 0

  constructor(parts: Parts) {
    super()
    this.#parts = parts
    this.#pause = new WakeablePause(parts.clock)
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts
    do {
      await this.#round().catch((error: unknown) =>
        log.warn({ evt: 'alerts.round-failed', err: error }, 'alerts could not be handled; trying again'),
      )
    } while (await this.#pause.wait(ROUND_MS, signal))
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'alerts.died', err: error }, 'the loop of alerts died')
  }

  async #round(): Promise<void> {
    const { store, clock, compareRules, advanceIncidents, sendDeliveries } = this.#parts
    const due = { until: clock.now(), shares: ALL_SHARES, limit: AT_ONCE }
    await compareRules.execute((await store.alertRules.due(due)).map(({ id }) => id))
    const incidents = await store.incidents.due(due)
    await advanceIncidents.execute(incidents.map(({ id }) => id))
    const deliveries = await store.deliveries.due(due)
    await sendDeliveries.execute(deliveries.map(({ id }) => id))
    if (clock.monotonic() >= this.#nextSweep) await this.#sweep()
    // There may be more.
    if (incidents.length === AT_ONCE) this.#pause.end()
  }

  async #sweep(): Promise<void> {
    const { store, clock } = this.#parts
    const query = { before: clock.now() - KEPT_MS, limit: SWEEP_AT_ONCE }
    const removed = (await store.incidents.removeOlder(query)) + (await store.deliveries.removeOlder(query))
    this.#nextSweep = clock.monotonic() + (removed < SWEEP_AT_ONCE ? SWEEP_EVERY_MS : ROUND_MS)
  }
}
