import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { AuditStore } from '@carillon/store'

const EVERY_MS = 3_600_000
const AT_ONCE = 1_000

export interface RemoveOldParts {
  readonly audit: AuditStore
  readonly clock: Clock
  readonly log: Logger
  /** Records older than this go. */
  readonly retentionMs: number
}

/** Removes records that were kept for their time. Gateways need no coordination: removal is idempotent. */
export class RemoveOld extends LoopService {
  readonly #parts: RemoveOldParts

  constructor(parts: RemoveOldParts) {
    super()
    this.#parts = parts
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { audit, clock, log, retentionMs } = this.#parts
    while (await pause(clock, EVERY_MS, signal)) {
      try {
        const before = clock.now() - retentionMs
        while ((await audit.removeOlder({ before, limit: AT_ONCE })) === AT_ONCE && !signal.aborted);
      } catch (error) {
        log.warn({ evt: 'audit.unremoved', err: error }, 'old records of the audit log could not be removed; trying again')
      }
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'audit.died', err: error }, 'the removal of old records of the audit log died')
  }
}
