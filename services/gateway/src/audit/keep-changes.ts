import { type AuditEntry, auditEventSchema, CarillonError } from '@carillon/contracts'
import type { Clock, Incoming, RejectedMessages } from '@carillon/runtime'
import type { AuditStore } from '@carillon/store'
import { recordOf } from './rules/records.ts'

/** Keeps what services publish about changes. An entry that is delivered again is a duplicate in the store. */
export class KeepChanges {
  readonly #audit: AuditStore
  readonly #rejected: RejectedMessages
  readonly #clock: Clock

  constructor({ audit, rejected, clock }: { audit: AuditStore; rejected: RejectedMessages; clock: Clock }) {
    this.#audit = audit
    this.#rejected = rejected
    this.#clock = clock
  }

  /** @throws CarillonError STORE_UNAVAILABLE: the batch is delivered again */
  async execute(batch: readonly Incoming[]): Promise<void> {
    const records = batch.flatMap((message) => this.#entriesOf(message).map((entry) => recordOf(message.namespace, entry)))
    if (records.length > 0) await this.#audit.insert(records)
  }

  #entriesOf({ subject, body }: Incoming): readonly AuditEntry[] {
    const { success, data } = auditEventSchema.safeParse(body)
    if (success) return data.entries
    const error = new CarillonError('INVALID_REQUEST', 'This is no message of the audit log')
    this.#rejected.reject({ subject, text: JSON.stringify(body) ?? '', error, stream: 'EVENTS', now: this.#clock.now() })
    return []
  }
}
