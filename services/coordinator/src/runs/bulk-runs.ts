import { setImmediate as nextTurn } from 'node:timers/promises'
import { type BulkAction, type BulkRuns as BulkRequest, CarillonError, printable, type RunsBulk } from '@carillon/contracts'
import { type Clock, FilterCursor } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { ChangeRuns } from './change-runs.ts'
import { Skipped, unsuited } from './rules/bulk.ts'
import { runNotFound } from './rules/missing.ts'
import type { SearchRuns } from './search-runs.ts'

/** Far within the deadline of the call: the next call does the rest. */
const WORK_MS = 2_000
/** Runs that are read together. */
const PAGE = 200
/** Changes under way at once: their writes are put together, and other work has its turn. */
const AT_ONCE = 16

/** Runs to be changed, and where the following ones are. */
interface Part {
  readonly runs: readonly (RunHead | string)[]
  readonly next?: string | undefined
}

interface Tally {
  matched: number
  eligible: number
  done: number
  readonly skipped: Skipped
}

/** Changes many runs, each as its own call does. Nothing is kept between two calls: the cursor says all. */
export class BulkRuns {
  readonly #store: Store
  readonly #search: SearchRuns
  readonly #changes: ChangeRuns
  readonly #clock: Clock
  readonly #stopping: AbortSignal

  constructor(options: { store: Store; search: SearchRuns; changeRuns: ChangeRuns; clock: Clock; stopping: AbortSignal }) {
    this.#store = options.store
    this.#search = options.search
    this.#changes = options.changeRuns
    this.#clock = options.clock
    this.#stopping = options.stopping
  }

  /**
   * Works for a limited time; `next` is the cursor of the rest. What is done already does not suit the action any more, so a request may be repeated at any point.
   * @throws CarillonError INVALID_REQUEST of the cursor; STORE_UNAVAILABLE and others that may pass, if nothing is done so far
   */
  async execute(namespace: string, request: BulkRequest): Promise<RunsBulk> {
    const { action, filter, ids, dryRun = false } = request
    const seal = new FilterCursor({ action, filter, ids })
    const begun = openCursor(seal.open(request.cursor))
    const asOf = begun?.asOf ?? (request.asOf === undefined ? this.#clock.now() : Date.parse(request.asOf))
    const tally: Tally = { matched: 0, eligible: 0, done: 0, skipped: new Skipped() }
    const until = this.#clock.monotonic() + WORK_MS
    let cursor = begun?.cursor
    do {
      this.#stopping.throwIfAborted()
      const part = await this.#part(namespace, request, { asOf, cursor })
      const passing = await this.#change(namespace, { action, asOf, dryRun, runs: part.runs }, tally)
      if (passing) {
        if (tally.done === 0) throw passing
        break
      }
      cursor = part.next
      await nextTurn()
    } while (cursor !== undefined && this.#clock.monotonic() < until)
    const next = cursor === undefined ? {} : { next: seal.seal(`${asOf}.${cursor}`) }
    const { skipped, ...counts } = tally
    return { ...counts, skipped: skipped.list(), asOf: new Date(asOf).toISOString(), ...next }
  }

  /** The next runs of a request, newest first, or in the order of the ids. */
  async #part(namespace: string, { filter, ids }: BulkRequest, at: { asOf: number; cursor: string | undefined }): Promise<Part> {
    if (filter === undefined) return this.#named(namespace, ids ?? [], Number(at.cursor ?? 0))
    const accepted = this.#search.filterOf(namespace, filter)
    const found = await this.#search.find(
      { ...accepted, until: Math.min(accepted.until ?? Number.POSITIVE_INFINITY, at.asOf + 1) },
      { key: filter.key, order: 'newest', cursor: at.cursor, limit: PAGE },
    )
    return { runs: found.items, next: found.cursor }
  }

  async #named(namespace: string, ids: readonly string[], from: number): Promise<Part> {
    const these = [...new Set(ids.slice(from, from + PAGE))]
    const heads = await this.#store.runs.heads(these)
    const runs = these.map((id, i) => (heads[i]?.namespace === namespace ? heads[i] : id))
    return { runs, next: from + PAGE < ids.length ? String(from + PAGE) : undefined }
  }

  /** Answers an error that may pass: what it met is not done. */
  async #change(
    namespace: string,
    { action, asOf, dryRun, runs }: { action: BulkAction; asOf: number; dryRun: boolean; runs: readonly (RunHead | string)[] },
    tally: Tally,
  ): Promise<CarillonError | undefined> {
    const suited: string[] = []
    for (const run of runs) {
      const why = typeof run === 'string' ? runNotFound(run) : unsuited(action, run, asOf)
      if (why) tally.skipped.add(why, typeof run === 'string' ? run : run.id)
      else suited.push((run as RunHead).id)
    }
    tally.matched += runs.length
    tally.eligible += suited.length
    for (let i = 0; !dryRun && i < suited.length; i += AT_ONCE) {
      const these = suited.slice(i, i + AT_ONCE)
      const outcomes = await Promise.allSettled(these.map((runId) => this.#one(namespace, action, runId)))
      const errors = outcomes.map((outcome) => (outcome.status === 'rejected' ? CarillonError.from(outcome.reason) : undefined))
      for (const [n, error] of errors.entries()) {
        if (error === undefined) tally.done++
        else if (!mayPass(error)) tally.skipped.add(error, these[n] as string)
      }
      const passing = errors.find((error) => error !== undefined && mayPass(error))
      if (passing) return passing
    }
    return undefined
  }

  #one(namespace: string, action: BulkAction, runId: string): Promise<unknown> {
    if (action === 'cancel') return this.#changes.cancel(namespace, runId)
    if (action === 'pause') return this.#changes.pause(namespace, runId)
    if (action === 'resume') return this.#changes.resume(namespace, runId)
    return this.#changes.retry(namespace, action === 'retry' ? { runId } : { runId, only: 'failed' })
  }
}

/** Of the store or the broker, not of the run. */
const mayPass = ({ code }: CarillonError) => code === 'STORE_UNAVAILABLE' || code === 'STORE_FULL' || code === 'QUEUE_FULL'

/** @throws CarillonError INVALID_REQUEST */
function openCursor(text: string | undefined): { asOf: number; cursor: string } | undefined {
  if (text === undefined) return undefined
  const [, asOf, cursor] = /^(\d{1,15})\.(.+)$/.exec(text) ?? []
  if (asOf !== undefined && cursor !== undefined) return { asOf: Number(asOf), cursor }
  throw new CarillonError('INVALID_REQUEST', 'cursor is not one that this request gave out', {
    field: 'cursor',
    value: printable(text),
    hint: 'Pass `next` of the answer before unchanged, or none.',
  })
}
