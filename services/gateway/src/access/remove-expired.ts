import { LoopService, pause } from '@carillon/runtime'
import type { AccessParts } from './access-parts.ts'

const EVERY_MS = 3_600_000
const AT_ONCE = 1_000
/** What has expired is refused before; it is kept a little for who asks why. */
const KEPT_MS = 86_400_000

/** Removes sessions, tokens and links that have expired. Gateways need no coordination: removal is idempotent. */
export class RemoveExpired extends LoopService {
  readonly #parts: Pick<AccessParts, 'accounts' | 'clock' | 'log'>

  constructor(parts: Pick<AccessParts, 'accounts' | 'clock' | 'log'>) {
    super()
    this.#parts = parts
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { accounts, clock, log } = this.#parts
    while (await pause(clock, EVERY_MS, signal)) {
      try {
        const count = await accounts.removeExpired({ before: clock.now() - KEPT_MS, limit: AT_ONCE })
        if (count > 0) log.info({ evt: 'accounts.expired', count }, 'sessions, tokens and links that have expired were removed')
      } catch (error) {
        log.warn({ evt: 'accounts.unremoved', err: error }, 'what has expired could not be removed; trying again')
      }
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'accounts.died', err: error }, 'the removal of expired sessions died')
  }
}
