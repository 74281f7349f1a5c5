import type { InsertOutcome, UpdateOutcome } from '../queries.ts'
import { WEBHOOK_COLUMNS } from '../webhook-columns.ts'
import type { WebhookStore } from '../webhook-port.ts'
import type { WebhookRecord } from '../webhook-records.ts'
import { RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'

export class MongoWebhookStore implements WebhookStore {
  readonly #records: RecordCollection<WebhookRecord>

  constructor(database: MongoDatabase) {
    this.#records = new RecordCollection<WebhookRecord>(database, { name: 'webhooks', columns: WEBHOOK_COLUMNS })
  }

  async insert(webhook: WebhookRecord): Promise<InsertOutcome> {
    return (await this.#records.insert([webhook]))[0]!
  }

  async get(id: string): Promise<WebhookRecord | undefined> {
    return (await this.#records.get(this.#records.whole, [id]))[0]
  }

  async replace(webhook: WebhookRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return (await this.#records.update([{ id: webhook.id, filter: expect, set: webhook }]))[0]!
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#records.remove({ _id: id })) === 1
  }
}
