import type { InsertOutcome, UpdateOutcome } from './queries.ts'
import type { WebhookRecord } from './webhook-records.ts'

/** Which jobs other systems may start, and by which secrets. */
export interface WebhookStore {
  insert(webhook: WebhookRecord): Promise<InsertOutcome>
  get(id: string): Promise<WebhookRecord | undefined>
  /** Replaces the whole record if its stored revision is the expected one. */
  replace(webhook: WebhookRecord, expect: { revision: number }): Promise<UpdateOutcome>
  /** Whether there was one. */
  remove(id: string): Promise<boolean>
}
