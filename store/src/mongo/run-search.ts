import type { RunState } from '@carillon/contracts'
import type { Document } from 'mongodb'
import type { RunHead, RunRecord } from '../records.ts'
import { TOMBSTONE_CREATED_AT } from '../retention-port.ts'
import {
  type Branch,
  branchesOf,
  mergeBranches,
  type Places,
  placeAfter,
  positionOf,
  type RunPlaceInList,
  SEARCHED_PAYLOAD,
  timeOf,
  withinJson,
} from '../run-search.ts'
import type { RunCount, RunCountQuery, RunFilter, RunListQuery, RunSlice } from '../search-port.ts'
import { READ_PER_PAGE } from '../slice.ts'
import { ANY_TIME, countThatFits, type RecordCollection, sizeOf } from './collection.ts'
import { Selection } from './document.ts'
import { exactly } from './text-pattern.ts'

type SearchQuery = RunFilter & Pick<RunListQuery, 'order' | 'cursor'>
type Place = Pick<RunRecord, 'id' | 'createdAt' | 'endedAt'>
const PLACE = new Selection<Place>({ id: 'text', createdAt: 'number', endedAt: 'number' })

/**
 * How far back the newest runs are looked for, one after the other. FerretDB sorts all that an index finds, by time as well: for the newest fifty of 60,000 that
 * takes 400 ms, of those of the last minutes 25.
 */
const LOOKED_BACK_MS = [1, 4, 16, 64, 256, 1_440].map((minutes) => minutes * 60_000)

/** One read sorts so many runs in the time of a few reads. */
const FEW_RUNS = 5_000
/** Lists between two estimates of how many runs there are. */
const ESTIMATED_EVERY = 64

/** What is read of an index. */
interface Reading {
  readonly state: RunState | undefined
  readonly end?: RunPlaceInList | undefined
  /** Conditions that each run has to meet. */
  readonly tested: readonly Document[]
  readonly skip?: number
  readonly limit: number
  /** No run of the list is newer; undefined: not known. */
  readonly newest: number | undefined
}

/** Finds runs for lists: first where they stand, by an index, then the runs themselves. */
export class MongoRunSearch {
  readonly #records: RecordCollection<RunRecord>
  readonly #head: Selection<RunHead>
  readonly #time: () => Promise<number | undefined>
  #lists = 0
  #areMany: Promise<boolean> = Promise.resolve(false)

  /** @param options.time the clock of the engine */
  constructor(options: { records: RecordCollection<RunRecord>; head: Selection<RunHead>; time: () => Promise<number | undefined> }) {
    this.#records = options.records
    this.#head = options.head
    this.#time = options.time
  }

  async list(query: RunListQuery): Promise<RunSlice> {
    const { places, end } = await this.#places(query, query.limit)
    const ids = places.map(({ id }) => id)
    const found = await this.#records.get(this.#head, ids)
    const fit =
      query.maxBytes === undefined
        ? found.length
        : countThatFits(
            found.map((run) => (run ? sizeOf(run) : 0)),
            query.maxBytes,
          )
    const items = found.slice(0, fit).filter((run) => run !== undefined)
    const last = fit < places.length ? places[fit - 1] : end
    return { items, ...placeAfter(last) }
  }

  async count(query: RunCountQuery): Promise<RunCount> {
    if (filterOf(query).length > 0) {
      const { places, end } = await this.#places(query, Math.min(query.atMost, READ_PER_PAGE))
      return { count: places.length, ...placeAfter(end) }
    }
    let count = 0
    for (const state of branchesOf(query, isIndexed(query))) {
      if (count === query.atMost) break
      const counted = [
        { $match: scanOf(query, { state }).filter },
        { $limit: query.atMost - count },
        { $group: { _id: null, count: { $sum: 1 } } },
      ]
      count += (await this.#records.aggregate(counted))[0]?.['count'] ?? 0
    }
    return { count }
  }

  async #places(query: SearchQuery, limit: number): Promise<Places> {
    const branches = branchesOf(query, isIndexed(query))
    const tested = filterOf(query)
    const newest = await this.#newest(query)
    const find = async (state: RunState | undefined): Promise<Branch> => {
      // The last run that one page reads; undefined when there are fewer.
      const skip = Math.floor(READ_PER_PAGE / branches.length) - 1
      const [end] = tested.length === 0 ? [] : await this.#read(query, { state, tested: [], skip, limit: 1, newest })
      const found = await this.#read(query, { state, end, tested, limit: limit + 1, newest })
      // What is behind a full page was not looked for.
      return found.length > limit ? { found } : { found, end }
    }
    return mergeBranches(await Promise.all(branches.map(find)), { order: query.order, limit })
  }

  /** When the newest run of the list can be; undefined: one read finds it sooner. */
  async #newest({ order, cursor, until }: SearchQuery): Promise<number | undefined> {
    if (this.#lists++ % ESTIMATED_EVERY === 0) this.#areMany = this.#estimate()
    if (order === 'oldest' || !(await this.#areMany)) return undefined
    return positionOf(cursor)?.time ?? until ?? (await this.#time())
  }

  /** An engine that cannot be reached refuses the list itself. */
  #estimate(): Promise<boolean> {
    return this.#records.estimate().then(
      (count) => count > FEW_RUNS,
      () => false,
    )
  }

  async #read(query: SearchQuery, reading: Reading): Promise<RunPlaceInList[]> {
    const { end, newest, limit } = reading
    for (const backMs of end === undefined && newest !== undefined ? LOOKED_BACK_MS : []) {
      const since = (newest ?? 0) - backMs
      if (since <= (query.since ?? 0)) break
      const found = await this.#scan({ ...query, since }, reading)
      if (found.length === limit) return found
    }
    return this.#scan(query, reading)
  }

  async #scan(query: SearchQuery, { state, end, tested, skip = 0, limit }: Reading): Promise<RunPlaceInList[]> {
    const { filter, sort, placeOf } = scanOf(query, { state, end })
    const matching = tested.length === 0 ? filter : { $and: [filter, ...tested] }
    return (await this.#records.find(PLACE, matching, { sort, skip, limit })).map(placeOf)
  }
}

/** The conditions that each scanned run has to meet. */
function filterOf(query: RunFilter): Document[] {
  const { job, states, handlers, triggers, owners, text } = query
  const conditions: Document[] = []
  const oneOf = (column: string, names: readonly string[] | undefined) => {
    if (names !== undefined) conditions.push({ [column]: { $in: [...names] } })
  }
  if (!states?.every(isIndexed(query))) oneOf('state', states)
  if (timeOf(query) === 'endedAt' && job !== undefined) oneOf('job', [job])
  oneOf('handler', handlers)
  oneOf('trigger', triggers)
  oneOf('owner', owners)
  if (text !== undefined) conditions.push({ $or: containing(text) })
  return conditions
}

/** A payload is measured only when it contains the text. */
function containing(text: string): Document[] {
  const short = { $expr: { $lte: [{ $strLenCP: '$payload' }, SEARCHED_PAYLOAD] } }
  return [
    { key: { $regex: exactly(text) } },
    { error: { $regex: `"(?:name|message|code|stack)":"[^"\\\\]*?(?:\\\\.[^"\\\\]*?)*?${exactly(withinJson(text))}` } },
    { $and: [{ payload: { $regex: exactly(text) } }, short] },
  ]
}

/** What an index has, in its order. */
interface Scan {
  readonly filter: Document
  readonly sort: Readonly<Record<string, 1 | -1>>
  readonly placeOf: (run: Place) => RunPlaceInList
}

/** Not the state that most runs end in. */
const isIndexed = (query: RunFilter) => (state: RunState) => timeOf(query) === 'endedAt' || state !== 'succeeded'

/** @param part.end the last run that is read */
function scanOf(query: SearchQuery, { state, end }: { state: RunState | undefined; end?: RunPlaceInList | undefined }): Scan {
  const time = timeOf(query)
  const filter: Document = { namespace: query.namespace }
  if (query.job !== undefined && time === 'createdAt') filter['job'] = query.job
  if (state !== undefined) filter['state'] = state
  // Redundant, but the index of queued runs requires it.
  if (state === 'queued') filter['queuedAt'] = ANY_TIME
  const isNewest = query.order !== 'oldest'
  const from = positionOf(query.cursor)
  const [lowest, highest] = isNewest ? [end, from] : [from, end]
  const [above, below] = isNewest ? ['$gte', '$lt'] : ['$gt', '$lte']
  const bounds: Document[] = []
  if (lowest) bounds.push({ $or: [{ [time]: { $gt: lowest.time } }, { _id: { [above]: lowest.id } }] })
  if (highest) bounds.push({ $or: [{ [time]: { $lt: highest.time } }, { _id: { [below]: highest.id } }] })
  filter[time] = {
    ...(lowest ? { $gte: lowest.time } : { $gt: Math.max(TOMBSTONE_CREATED_AT, (query.since ?? 0) - 1) }),
    ...(highest ? { $lte: highest.time } : query.until === undefined ? {} : { $lt: query.until }),
  }
  if (bounds.length > 0) filter['$and'] = bounds
  const direction = isNewest ? -1 : 1
  return { filter, sort: { [time]: direction, _id: direction }, placeOf: (run) => ({ time: run[time] ?? 0, id: run.id }) }
}
