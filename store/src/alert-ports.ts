import type { AlertChannelRecord, AlertRuleRecord, DeliveryRecord, IncidentRecord } from './alert-records.ts'
import type { Due, DueQuery, InsertOutcome, UpdateOutcome } from './queries.ts'
import type { PageQuery, Slice } from './slice.ts'

/** Records that are replaced as a whole, each write on the condition that none came before it. */
export interface RevisedStore<Item> {
  insert(items: readonly Item[]): Promise<InsertOutcome[]>
  get(ids: readonly string[]): Promise<(Item | undefined)[]>
  /** Replaces the whole record if its stored revision is the expected one. */
  replace(item: Item, expect: { revision: number }): Promise<UpdateOutcome>
  /** Deletes the record if its stored revision is the expected one. */
  remove(id: string, expect: { revision: number }): Promise<UpdateOutcome>
}

export interface AlertRuleStore extends RevisedStore<AlertRuleRecord> {
  /** By name, ascending. */
  list(query: PageQuery & { namespace: string }): Promise<Slice<AlertRuleRecord>>
  /** wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
}

export interface AlertChannelStore extends RevisedStore<AlertChannelRecord> {
  /** By name, ascending. */
  list(query: PageQuery & { namespace: string }): Promise<Slice<AlertChannelRecord>>
}

export interface IncidentStore extends RevisedStore<IncidentRecord> {
  /** The newest incident whose id begins so. */
  latest(prefix: string): Promise<IncidentRecord | undefined>
  /** Those that are shown, newest first. */
  list(query: IncidentsQuery): Promise<Slice<IncidentRecord>>
  /** Those of a rule that are not over, shown or not, by id. */
  current(query: PageQuery & { namespace: string; rule: string }): Promise<Slice<IncidentRecord>>
  /** wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
  /** Deletes what is over and was last seen before then, the oldest first, at most `limit`; answers how many. */
  removeOlder(query: { before: number; limit: number }): Promise<number>
}

export interface IncidentsQuery extends PageQuery {
  readonly namespace: string
  readonly rule?: string | undefined
  /** As in the record. */
  readonly isCurrent?: 0 | 1 | undefined
}

export interface DeliveryStore extends RevisedStore<DeliveryRecord> {
  /** Those of an incident, by id. */
  of(incident: string): Promise<DeliveryRecord[]>
  /** Channels that have deliveries with wakeAt <= until: their ids after `after`, ascending. */
  channelsDue(query: { until: number; after: string; limit: number }): Promise<string[]>
  /** Those of a channel with wakeAt <= until, the oldest first. */
  dueOf(query: { channel: string; until: number; limit: number }): Promise<DeliveryRecord[]>
  /** wakeAt <= until in these shares, earliest first. */
  due(query: DueQuery): Promise<Due[]>
  /** Deletes what was made before then, the oldest first, at most `limit`; answers how many. */
  removeOlder(query: { before: number; limit: number }): Promise<number>
}
