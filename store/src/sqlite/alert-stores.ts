import { ALERT_CHANNEL_COLUMNS, ALERT_RULE_COLUMNS, DELIVERY_COLUMNS, INCIDENT_COLUMNS } from '../alert-columns.ts'
import type { AlertChannelStore, AlertRuleStore, DeliveryStore, IncidentStore, IncidentsQuery, RevisedStore } from '../alert-ports.ts'
import type { AlertChannelRecord, AlertRuleRecord, DeliveryRecord, IncidentRecord } from '../alert-records.ts'
import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, UpdateOutcome } from '../ports.ts'
import { decodeCursor, type PageQuery, type Slice, sliceOf } from '../slice.ts'
import type { Connection } from './connection.ts'
import { dueOf } from './due.ts'
import { Table } from './table.ts'

class Revised<Item extends { readonly id: string; readonly revision: number }> implements RevisedStore<Item> {
  protected readonly connection: Connection
  protected readonly table: Table<Item>

  constructor(connection: Connection, name: string, columns: Columns<Item>) {
    this.connection = connection
    this.table = new Table<Item>(connection, name, columns)
  }

  async insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    return this.table.insert(items)
  }

  async get(ids: readonly string[]): Promise<(Item | undefined)[]> {
    return this.table.get(this.table.whole, ids)
  }

  async replace(item: Item, expect: { revision: number }): Promise<UpdateOutcome> {
    return this.table.replace(item, expect)
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    const sql = `delete from "${this.table.name}" where "id" = ? and "revision" = ?`
    return this.connection.run(sql, [id, revision]) === 1 ? 'applied' : 'refused'
  }

  protected removeOldest(where: string, { before, limit }: { before: number; limit: number }): number {
    const { name } = this.table
    return this.connection.run(`delete from "${name}" where "id" in (select "id" from "${name}" ${where} limit ?)`, [before, limit])
  }
}

/** Records with names. */
class Named<Item extends { readonly id: string; readonly name: string; readonly revision: number }> extends Revised<Item> {
  async list({ namespace, ...query }: PageQuery & { namespace: string }): Promise<Slice<Item>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = 'where "namespace" = ? and "name" > ? order by "name"'
    return sliceOf(this.table.page(this.table.whole, { rest, values: [namespace, after] }, query), (last) => [last.name])
  }
}

export class SqliteAlertRuleStore extends Named<AlertRuleRecord> implements AlertRuleStore {
  constructor(connection: Connection) {
    super(connection, 'alertRules', ALERT_RULE_COLUMNS)
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.connection, 'alertRules', query)
  }
}

export class SqliteAlertChannelStore extends Named<AlertChannelRecord> implements AlertChannelStore {
  constructor(connection: Connection) {
    super(connection, 'alertChannels', ALERT_CHANNEL_COLUMNS)
  }
}

export class SqliteIncidentStore extends Revised<IncidentRecord> implements IncidentStore {
  constructor(connection: Connection) {
    super(connection, 'incidents', INCIDENT_COLUMNS)
  }

  /** What sorts before a dot is a dash. */
  async latest(prefix: string): Promise<IncidentRecord | undefined> {
    const rest = 'where "id" > ? and "id" < ? order by "id" desc limit 1'
    return this.table.select(this.table.whole, rest, [`${prefix}-`, `${prefix}.`])[0]
  }

  async list({ namespace, rule, isCurrent, ...query }: IncidentsQuery): Promise<Slice<IncidentRecord>> {
    const [at, id] = decodeCursor(query.cursor, ['number', 'string']) ?? [Number.MAX_SAFE_INTEGER, '']
    const only = `${rule === undefined ? '' : '"rule" = ? and '}${isCurrent === undefined ? '' : '"isCurrent" = ? and '}`
    const filters = [rule, isCurrent].filter((value) => value !== undefined)
    const rest = `where "isShown" = 1 and "namespace" = ? and ${only}("openedAt", "id") < (?, ?) order by "openedAt" desc, "id" desc`
    const values = [namespace, ...filters, at, id]
    return sliceOf(this.table.page(this.table.whole, { rest, values }, query), (last) => [last.openedAt, last.id])
  }

  async current({ namespace, rule, ...query }: Parameters<IncidentStore['current']>[0]): Promise<Slice<IncidentRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const rest = 'where "isCurrent" = 1 and "namespace" = ? and "rule" = ? and "id" > ? order by "id"'
    return sliceOf(this.table.page(this.table.whole, { rest, values: [namespace, rule, after] }, query), (last) => [last.id])
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.connection, 'incidents', query)
  }

  async removeOlder(query: { before: number; limit: number }): Promise<number> {
    return this.removeOldest('where "isCurrent" = 0 and "lastAt" < ? order by "lastAt", "id"', query)
  }
}

export class SqliteDeliveryStore extends Revised<DeliveryRecord> implements DeliveryStore {
  constructor(connection: Connection) {
    super(connection, 'deliveries', DELIVERY_COLUMNS)
  }

  /** What sorts before a slash is a dot. */
  async of(incident: string): Promise<DeliveryRecord[]> {
    return this.table.select(this.table.whole, 'where "id" > ? and "id" < ? order by "id"', [`${incident}.`, `${incident}/`])
  }

  async channelsDue({ until, after, limit }: Parameters<DeliveryStore['channelsDue']>[0]): Promise<string[]> {
    const sql =
      'select distinct "channel" from "deliveries" where "wakeAt" is not null and "channel" > ? and "wakeAt" <= ? order by "channel" limit ?'
    return this.connection.all(sql, [after, until, limit]).map((row) => row['channel'] as string)
  }

  async dueOf({ channel, until, limit }: Parameters<DeliveryStore['dueOf']>[0]): Promise<DeliveryRecord[]> {
    const rest = 'where "wakeAt" is not null and "channel" = ? and "wakeAt" <= ? order by "at", "id" limit ?'
    return this.table.select(this.table.whole, rest, [channel, until, limit])
  }

  async due(query: DueQuery): Promise<Due[]> {
    return dueOf(this.connection, 'deliveries', query)
  }

  async removeOlder(query: { before: number; limit: number }): Promise<number> {
    return this.removeOldest('where "at" < ? order by "at", "id"', query)
  }
}
