import type { Document } from 'mongodb'
import { ALERT_CHANNEL_COLUMNS, ALERT_RULE_COLUMNS, DELIVERY_COLUMNS, INCIDENT_COLUMNS } from '../alert-columns.ts'
import type { AlertChannelStore, AlertRuleStore, DeliveryStore, IncidentStore, IncidentsQuery, RevisedStore } from '../alert-ports.ts'
import type { AlertChannelRecord, AlertRuleRecord, DeliveryRecord, IncidentRecord } from '../alert-records.ts'
import type { Columns } from '../columns.ts'
import type { Due, DueQuery, InsertOutcome, UpdateOutcome } from '../ports.ts'
import { decodeCursor, type PageQuery, type Slice, sliceOf } from '../slice.ts'
import { DUE, dueFilter, RecordCollection } from './collection.ts'
import type { MongoDatabase } from './database.ts'
import { Selection } from './document.ts'

const ID = new Selection<{ id: string }>({ id: 'text' })
const CHANNEL = new Selection<{ channel: string }>({ channel: 'text' })

class Revised<Item extends { readonly id: string; readonly revision: number }> implements RevisedStore<Item> {
  protected readonly records: RecordCollection<Item>

  constructor(database: MongoDatabase, name: string, columns: Columns<Item>) {
    this.records = new RecordCollection<Item>(database, { name, columns })
  }

  insert(items: readonly Item[]): Promise<InsertOutcome[]> {
    return this.records.insert(items)
  }

  get(ids: readonly string[]): Promise<(Item | undefined)[]> {
    return this.records.get(this.records.whole, ids)
  }

  async replace(item: Item, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return (await this.records.update([{ id: item.id, filter: { revision }, set: item }]))[0]!
  }

  async remove(id: string, { revision }: { revision: number }): Promise<UpdateOutcome> {
    return (await this.records.remove({ _id: id, revision })) === 1 ? 'applied' : 'refused'
  }

  async due(query: DueQuery): Promise<Due[]> {
    const { filter, options } = dueFilter(query)
    return this.records.find(DUE, filter, options)
  }

  protected async removeOldest(filter: Document, { column, limit }: { column: string; limit: number }): Promise<number> {
    const old = await this.records.find(ID, filter, { sort: { [column]: 1, _id: 1 }, limit })
    return old.length === 0 ? 0 : this.records.remove({ _id: { $in: old.map(({ id }) => id) } })
  }
}

/** Records with names. */
class Named<Item extends { readonly id: string; readonly name: string; readonly revision: number }> extends Revised<Item> {
  async list({ namespace, ...query }: PageQuery & { namespace: string }): Promise<Slice<Item>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace, name: { $gt: after } }
    return sliceOf(await this.records.page(this.records.whole, { filter, sort: { name: 1 } }, query), (last) => [last.name])
  }
}

export class MongoAlertRuleStore extends Named<AlertRuleRecord> implements AlertRuleStore {
  constructor(database: MongoDatabase) {
    super(database, 'alertRules', ALERT_RULE_COLUMNS)
  }
}

export class MongoAlertChannelStore extends Named<AlertChannelRecord> implements AlertChannelStore {
  constructor(database: MongoDatabase) {
    super(database, 'alertChannels', ALERT_CHANNEL_COLUMNS)
  }
}

export class MongoIncidentStore extends Revised<IncidentRecord> implements IncidentStore {
  constructor(database: MongoDatabase) {
    super(database, 'incidents', INCIDENT_COLUMNS)
  }

  /** What sorts before a dot is a dash. */
  async latest(prefix: string): Promise<IncidentRecord | undefined> {
    const filter = { _id: { $gt: `${prefix}-`, $lt: `${prefix}.` } }
    return (await this.records.find(this.records.whole, filter, { sort: { _id: -1 }, limit: 1 }))[0]
  }

  async list({ namespace, rule, isCurrent, ...query }: IncidentsQuery): Promise<Slice<IncidentRecord>> {
    const after = decodeCursor(query.cursor, ['number', 'string'])
    const behind = after && { $or: [{ openedAt: { $lt: after[0] } }, { openedAt: after[0], _id: { $lt: after[1] } }] }
    const only = { ...(rule === undefined ? {} : { rule }), ...(isCurrent === undefined ? {} : { isCurrent }) }
    const filter = { namespace, isShown: 1, ...only, ...behind }
    const page = await this.records.page(this.records.whole, { filter, sort: { openedAt: -1, _id: -1 } }, query)
    return sliceOf(page, (last) => [last.openedAt, last.id])
  }

  async current({ namespace, rule, ...query }: Parameters<IncidentStore['current']>[0]): Promise<Slice<IncidentRecord>> {
    const [after] = decodeCursor(query.cursor, ['string']) ?? ['']
    const filter = { namespace, rule, isCurrent: 1, _id: { $gt: after } }
    return sliceOf(await this.records.page(this.records.whole, { filter, sort: { _id: 1 } }, query), (last) => [last.id])
  }

  removeOlder({ before, limit }: { before: number; limit: number }): Promise<number> {
    return this.removeOldest({ isCurrent: 0, lastAt: { $lt: before } }, { column: 'lastAt', limit })
  }
}

export class MongoDeliveryStore extends Revised<DeliveryRecord> implements DeliveryStore {
  constructor(database: MongoDatabase) {
    super(database, 'deliveries', DELIVERY_COLUMNS)
  }

  /** What sorts before a slash is a dot. */
  of(incident: string): Promise<DeliveryRecord[]> {
    return this.records.find(this.records.whole, { _id: { $gt: `${incident}.`, $lt: `${incident}/` } }, { sort: { _id: 1 } })
  }

  /** One read of the index for each channel: there are few, and each may have thousands of deliveries. */
  async channelsDue({ until, after, limit }: Parameters<DeliveryStore['channelsDue']>[0]): Promise<string[]> {
    const channels: string[] = []
    while (channels.length < limit) {
      const filter = { channel: { $gt: channels.at(-1) ?? after }, wakeAt: { $gte: 0, $lte: until } }
      const [next] = await this.records.find(CHANNEL, filter, { sort: { channel: 1, at: 1, _id: 1 }, limit: 1 })
      if (next === undefined) break
      channels.push(next.channel)
    }
    return channels
  }

  dueOf({ channel, until, limit }: Parameters<DeliveryStore['dueOf']>[0]): Promise<DeliveryRecord[]> {
    const filter = { channel, wakeAt: { $gte: 0, $lte: until } }
    return this.records.find(this.records.whole, filter, { sort: { at: 1, _id: 1 }, limit })
  }

  removeOlder({ before, limit }: { before: number; limit: number }): Promise<number> {
    return this.removeOldest({ at: { $lt: before } }, { column: 'at', limit })
  }
}
