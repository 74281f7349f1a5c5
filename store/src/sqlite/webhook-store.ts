import type { InsertOutcome, UpdateOutcome } from '../queries.ts'
import { WEBHOOK_COLUMNS } from '../webhook-columns.ts'
import type { WebhookStore } from '../webhook-port.ts'
import type { WebhookRecord } from '../webhook-records.ts'
import type { Connection } from './connection.ts'
import { Table } from './table.ts'

export class SqliteWebhookStore implements WebhookStore {
  readonly #connection: Connection
  readonly #table: Table<WebhookRecord>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#table = new Table<WebhookRecord>(connection, 'webhooks', WEBHOOK_COLUMNS)
  }

  async insert(webhook: WebhookRecord): Promise<InsertOutcome> {
    return this.#table.insert([webhook])[0]!
  }

  async get(id: string): Promise<WebhookRecord | undefined> {
    return this.#table.get(this.#table.whole, [id])[0]
  }

  async replace(webhook: WebhookRecord, expect: { revision: number }): Promise<UpdateOutcome> {
    return this.#table.replace(webhook, expect)
  }

  async remove(id: string): Promise<boolean> {
    return this.#connection.run('delete from "webhooks" where "id" = ?', [id]) === 1
  }
}
