import type { RunView } from '@carillon/contracts'
import { makeCall } from '../../api/call.ts'
import type { StreamMessage } from '../../stream/rules.ts'
import { patchRun, type RunChange } from '../run/run-states.ts'
import { RowPages } from './row-pages.ts'
import { filterOf, mayMatch, type RunsSearch } from './runs-search.ts'

export interface RunsSourceOptions {
  readonly namespace: string
  readonly search: RunsSearch
  readonly now: number
}

/** What the page shows beside the rows. */
export interface RunsSnapshot {
  readonly version: number
  readonly error: Error | undefined
  /** Runs that came since the list was read: shown when someone asks for them, so that nothing jumps. */
  readonly fresh: number
  readonly isLoaded: boolean
  /** What of the request counts: shown, so that there is no silent limit. */
  readonly applied: { readonly since?: string; readonly until?: string } | undefined
  readonly searchedBackTo: string | undefined
}

const PAGE = 200
/** After a gap: the first page, and what is around the rows that are shown. */
const REREAD_PAGES = 3

/** The rows of the list: read as they are scrolled to, changed in place by the stream. */
export class RunsSource {
  readonly pages = new RowPages<RunView>(({ runId }) => runId)
  readonly #options: RunsSourceOptions
  readonly #listeners = new Set<() => void>()
  readonly #loading = new Set<number>()
  readonly #freshIds = new Set<string>()
  #abort = new AbortController()
  #frame: number | undefined
  #snapshot: RunsSnapshot = { version: 0, error: undefined, fresh: 0, isLoaded: false, applied: undefined, searchedBackTo: undefined }
  /** As it will be told with the next frame. */
  #next = this.#snapshot

  constructor(options: RunsSourceOptions) {
    this.#options = options
  }

  get snapshot(): RunsSnapshot {
    return this.#snapshot
  }

  /** The filter with its times fixed. */
  get filter() {
    return filterOf(this.#options.search, this.#options.now)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start(): void {
    this.#abort = new AbortController()
    this.need(0, 0)
  }

  stop(): void {
    this.#abort.abort()
    this.#loading.clear()
  }

  /** Reads what is missing of these rows. */
  need(from: number, to: number): void {
    if (this.#next.error !== undefined) return
    for (const { page, cursor } of this.pages.missing(from, to)) this.#load(page, cursor).catch(() => undefined)
  }

  /** Changes may have been missed: what is in memory of the beginning and around what is shown is read again, and stays in its place. */
  async resync(): Promise<void> {
    if (!this.#next.isLoaded) return
    for (const { page, cursor } of this.pages.newestUsed(REREAD_PAGES)) {
      const { items } = await this.#read(cursor)
      for (const run of items) if (!this.pages.patch(run.runId, () => run) && page === 0) this.#countFresh(run)
    }
    this.#changed({})
  }

  retry(): void {
    this.#changed({ error: undefined })
    this.need(0, 0)
  }

  take({ body }: StreamMessage): void {
    const change = body as unknown as RunChange & Pick<RunView, 'runId' | 'job' | 'handler' | 'createdAt'>
    if (this.pages.patch(change.runId, (run) => patchRun(run, change))) {
      this.#changed({})
      return
    }
    this.#countFresh(change)
  }

  #countFresh(run: Pick<RunView, 'runId' | 'job' | 'handler' | 'state' | 'createdAt'>): void {
    if (this.#freshIds.has(run.runId) || !this.#isNew(run.createdAt) || !mayMatch(this.#options.search, run)) return
    this.#freshIds.add(run.runId)
    this.#changed({ fresh: this.#freshIds.size })
  }

  #isNew(createdAt: string | undefined): boolean {
    const first = this.pages.row(0)
    return this.#next.isLoaded && createdAt !== undefined && (first === undefined || createdAt > first.createdAt)
  }

  async #load(page: number, cursor: string | undefined): Promise<void> {
    if (this.#loading.has(page)) return
    this.#loading.add(page)
    const { signal } = this.#abort
    try {
      const { items, next, applied, searchedBackTo } = await this.#read(cursor)
      this.pages.load(page, { items, next })
      this.#changed({ isLoaded: true, applied, searchedBackTo: next === undefined ? undefined : searchedBackTo })
    } catch (error) {
      if (!signal.aborted) this.#changed({ error: error as Error })
    } finally {
      this.#loading.delete(page)
    }
  }

  #read(cursor: string | undefined) {
    const { namespace, search } = this.#options
    const order = search.order === undefined ? {} : { order: search.order }
    const input = { ...this.filter, ...order, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }
    return makeCall('runsList', input, { namespace, signal: this.#abort.signal })
  }

  #changed(change: Partial<RunsSnapshot>): void {
    this.#next = { ...this.#next, ...change, version: this.#next.version + 1 }
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined
      this.#snapshot = this.#next
      for (const listener of this.#listeners) listener()
    })
  }
}
