import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { WorkPublisher } from '../app/publish-work.ts'
import type { RepairQueue } from '../app/repair-queue.ts'

const ROUND_MS = 1_000
/** How long a run is queued before its message is asked for. */
const QUEUED_FOR_MS = 120_000
const AUDIT_EVERY_MS = 60_000

/** Takes care that queued tasks have their message: at once where the broker refused one, and slowly all that have waited for minutes. */
export class Auditor extends LoopService {
  readonly #repair: RepairQueue
  readonly #work: WorkPublisher
  readonly #clock: Clock
  readonly #log: Logger
  readonly #shares: () => readonly number[]
  #nextAudit: number

  constructor(options: { repair: RepairQueue; work: WorkPublisher; clock: Clock; log: Logger; shares: () => readonly number[] }) {
    super()
    this.#repair = options.repair
    this.#work = options.work
    this.#clock = options.clock
    this.#log = options.log
    this.#shares = options.shares
    this.#nextAudit = options.clock.now() + AUDIT_EVERY_MS
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (await pause(this.#clock, ROUND_MS, signal)) {
      await this.#round(signal).catch((error: unknown) =>
        this.#log.warn({ evt: 'auditor.failed', err: error }, 'the queue could not be checked; trying again'),
      )
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'auditor.died', err: error }, 'the auditor died')
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (this.#work.refused.size > 0) await this.#repair.these([...this.#work.refused], signal)
    const now = this.#clock.now()
    if (now < this.#nextAudit) return
    this.#nextAudit = now + AUDIT_EVERY_MS
    await this.#repair.span({ from: 0, before: now - QUEUED_FOR_MS, shares: new Set(this.#shares()) }, signal)
  }
}
