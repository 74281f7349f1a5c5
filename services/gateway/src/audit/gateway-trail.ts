import { type Clock, freshRunId, type Logger } from '@carillon/runtime'
import type { AuditRecord, AuditStore } from '@carillon/store'

/** What concerns accounts and no namespace is kept under the name of all. */
const EVERYWHERE = '*'

export type AuditEntry = Omit<AuditRecord, 'id' | 'at' | 'namespace' | 'details'> & Partial<Pick<AuditRecord, 'namespace' | 'details'>>

/** Writes the audit records of changes that are no calls of the mesh: accounts, tokens, secrets of webhooks. */
export class GatewayTrail {
  readonly #audit: AuditStore
  readonly #clock: Clock
  readonly #log: Logger

  constructor({ audit, clock, log }: { audit: AuditStore; clock: Clock; log: Logger }) {
    this.#audit = audit
    this.#clock = clock
    this.#log = log
  }

  /** @throws CarillonError STORE_UNAVAILABLE: what cannot be recorded is not answered as done */
  async keep(entry: AuditEntry): Promise<void> {
    const record = { namespace: EVERYWHERE, details: null, ...entry, id: freshRunId(), at: this.#clock.now() }
    await this.#audit.insert([record])
    this.#log.info({ evt: 'account.changed', action: entry.action, outcome: entry.outcome }, 'an account was used or changed')
  }
}
