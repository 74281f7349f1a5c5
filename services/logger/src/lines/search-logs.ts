import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, checkName, type LinesFound, printable, type SearchLogs as SearchRequest } from '@carillon/contracts'
import { FilterCursor, pageThatFits } from '@carillon/runtime'
import type { LogSearchQuery, LogSlice } from '@carillon/store'
import type { LoggerParts } from '../parts.ts'
import { levelsFrom, logView } from './rules/log-view.ts'

/** How long one call searches: people wait for it, and an embedded store searches on this thread. */
const SEARCH_MS = 400

type Parts = Pick<LoggerParts, 'store' | 'clock'>
type Read = (left: { cursor: string | undefined; limit: number; maxBytes: number }) => Promise<LogSlice>

/** Finds lines of all runs of a namespace, or of those of a job. */
export class SearchLogs {
  readonly #store: Parts['store']
  readonly #clock: Parts['clock']

  constructor({ store, clock }: Parts) {
    this.#store = store
    this.#clock = clock
  }

  /** @throws CarillonError INVALID_NAME, INVALID_REQUEST (cursor), STORE_UNAVAILABLE */
  async execute(namespace: string, { cursor, limit, ...request }: SearchRequest): Promise<LinesFound> {
    checkName('namespace', namespace)
    const { job, level, since, until, ...same } = request
    const seal = new FilterCursor(request)
    const from = seal.open(cursor)
    const levels = level === undefined || level === 'debug' ? undefined : levelsFrom(level)
    const filter = { namespace, levels, ...same, since: since && Date.parse(since), until: until && Date.parse(until) } as Filter
    const read: Read =
      job === undefined ? (left) => this.#store.logs.search({ ...filter, ...left }) : (left) => this.#ofJob(job, filter, left)
    let reached: number | undefined
    const page = await pageThatFits(
      async (maxBytes) => {
        const slice = await this.#collect(read, { cursor: from, limit, maxBytes })
        reached = slice.reached
        return slice
      },
      (lines) => lines.map(logView),
    )
    return {
      items: page.items,
      ...(page.next === undefined ? {} : { next: seal.seal(page.next) }),
      ...(page.next === undefined || reached === undefined ? {} : { searchedBackTo: new Date(reached).toISOString() }),
      applied: {
        ...(filter.since === undefined ? {} : { since: iso(filter.since) }),
        ...(filter.until === undefined ? {} : { until: iso(filter.until) }),
      },
    }
  }

  /** Reads on until a page is full, or the time is over. */
  async #collect(read: Read, { cursor, limit, maxBytes }: Parameters<Read>[0]): Promise<LogSlice> {
    const until = this.#clock.monotonic() + SEARCH_MS
    const items: LogSlice['items'] = []
    let slice: LogSlice = { items }
    let left = maxBytes
    do {
      slice = await read({ cursor: slice.cursor ?? cursor, limit: limit - items.length, maxBytes: left })
      for (const line of slice.items) {
        items.push(line)
        left -= Buffer.byteLength(JSON.stringify(line))
      }
      await nextTurn()
      // Less room would only hold a line at a time.
    } while (slice.cursor !== undefined && items.length < limit && left > maxBytes / 2 && this.#clock.monotonic() < until)
    return { ...slice, items }
  }

  /** Which job a line is of is not stored with it: its newest run is searched, then the one before. The cursor is where a run is found, and that of its lines. */
  async #ofJob(
    job: string,
    { namespace, since, until, ...filter }: Filter,
    { cursor, limit, maxBytes }: Parameters<Read>[0],
  ): Promise<LogSlice> {
    const [runAt, lineAt] = placeOf(cursor)
    const { items, cursor: nextRun } = await this.#store.runs.list({ namespace, job, until, cursor: runAt, limit: 1 })
    const [run] = items
    if (run === undefined) return { items: [] }
    const rest = nextRun === undefined ? {} : { cursor: `${nextRun}:`, reached: run.createdAt }
    if (since !== undefined && run.endedAt !== null && run.endedAt < since) return { items: [], ...rest }
    const query = { namespace, runId: run.id, order: 'newest', since, until, ...filter, limit, maxBytes } as const
    const lines = await this.#store.logs.query({ ...query, cursor: lineAt })
    if (lines.cursor === undefined) return { items: lines.items, ...rest }
    return { items: lines.items, cursor: `${runAt ?? ''}:${lines.cursor}`, reached: run.createdAt }
  }
}

type Filter = Omit<LogSearchQuery, 'cursor' | 'limit' | 'maxBytes'>

const iso = (ms: number) => new Date(ms).toISOString()

/** @throws CarillonError INVALID_REQUEST */
function placeOf(cursor: string | undefined): [run: string | undefined, line: string | undefined] {
  if (cursor === undefined) return [undefined, undefined]
  const parts = cursor.split(':')
  if (parts.length === 2) return [parts[0] || undefined, parts[1] || undefined]
  throw new CarillonError('INVALID_REQUEST', 'cursor is not one that this list gave out', {
    field: 'cursor',
    value: printable(cursor),
    hint: 'Pass the cursor of the previous page unchanged, or none.',
  })
}
