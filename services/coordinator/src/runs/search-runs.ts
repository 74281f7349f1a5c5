import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  CarillonError,
  type CountRuns,
  LIMITS,
  type ListRuns,
  printable,
  type RunFilter as RequestedFilter,
  type RunsCounted,
  type RunsListed,
} from '@carillon/contracts'
import { type Clock, FilterCursor, pageThatFits, runIdOfKey } from '@carillon/runtime'
import type { RunFilter, RunHead, RunListQuery, RunSlice, Store } from '@carillon/store'
import type { Presence } from '../ports.ts'
import type { ReadRuns } from './read-runs.ts'
import { accepts, appliedOf, type LiveNames, storeFilter } from './rules/run-filter.ts'

/** How long one call searches where no index serves a filter: people wait for it, and an embedded store searches on this thread. */
const SEARCH_MS = 400

/** Finds runs that pass filters. */
export class SearchRuns {
  readonly #store: Store
  readonly #presence: Presence
  readonly #reads: ReadRuns
  readonly #clock: Clock

  constructor(options: { store: Store; presence: Presence; reads: ReadRuns; clock: Clock }) {
    this.#store = options.store
    this.#presence = options.presence
    this.#reads = options.reads
    this.#clock = options.clock
  }

  /** Without payloads and results: those are read by id. @throws CarillonError INVALID_REQUEST of a cursor or a service */
  async list(namespace: string, { cursor, limit, order, ...requested }: ListRuns): Promise<RunsListed> {
    const seal = new FilterCursor({ ...requested, order })
    const from = seal.open(cursor)
    const filter = this.filterOf(namespace, requested)
    let reached: number | undefined
    const page = await pageThatFits(
      async (maxBytes) => {
        const slice = await this.find(filter, { key: requested.key, order, cursor: from, limit, maxBytes })
        reached = slice.reached
        return slice
      },
      (runs) => runs.map((run) => this.#reads.view(run)),
    )
    return {
      items: page.items,
      ...(page.next === undefined ? {} : { next: seal.seal(page.next) }),
      ...(page.next === undefined || reached === undefined ? {} : { searchedBackTo: new Date(reached).toISOString() }),
      applied: appliedOf(filter, order),
    }
  }

  /** @throws CarillonError INVALID_REQUEST of a service */
  async count(namespace: string, requested: CountRuns): Promise<RunsCounted> {
    const filter = this.filterOf(namespace, requested)
    const applied = appliedOf(filter)
    if (requested.key !== undefined) return { count: (await this.#ofKey(filter, requested.key)).length, applied }
    // One more shows that there are more.
    const atMost = LIMITS.countedRuns + 1
    const until = this.#clock.monotonic() + SEARCH_MS
    let [count, cursor, reached]: [number, string | undefined, number | undefined] = [0, undefined, undefined]
    do {
      const part = await this.#store.runs.count({ ...filter, cursor, atMost: atMost - count })
      count += part.count
      cursor = part.cursor
      reached = part.reached
      await nextTurn()
    } while (cursor !== undefined && count < atMost && this.#clock.monotonic() < until)
    if (count >= atMost) return { count: LIMITS.countedRuns, atLeast: true, applied }
    if (cursor === undefined) return { count, applied }
    return { count, atLeast: true, ...(reached === undefined ? {} : { searchedBackTo: new Date(reached).toISOString() }), applied }
  }

  /** @throws CarillonError INVALID_REQUEST of a service */
  filterOf(namespace: string, requested: RequestedFilter): RunFilter {
    return storeFilter(namespace, requested, this.#liveNames(namespace, requested))
  }

  /** Searches page after page of the store until a page is full, or the time is over. */
  async find(filter: RunFilter, { key, ...page }: Omit<RunListQuery, keyof RunFilter> & { key?: string | undefined }): Promise<RunSlice> {
    if (key !== undefined) return { items: await this.#ofKey(filter, key) }
    const until = this.#clock.monotonic() + SEARCH_MS
    const items: RunHead[] = []
    const { limit, maxBytes = Number.POSITIVE_INFINITY } = page
    let slice: RunSlice = { items }
    let left = maxBytes
    do {
      slice = await this.#store.runs.list({
        ...filter,
        ...page,
        limit: limit - items.length,
        maxBytes: left,
        cursor: slice.cursor ?? page.cursor,
      })
      for (const run of slice.items) {
        items.push(run)
        if (left !== Number.POSITIVE_INFINITY) left -= Buffer.byteLength(JSON.stringify(run))
      }
      await nextTurn()
      // Less room would only hold a run at a time.
    } while (slice.cursor !== undefined && items.length < limit && left > maxBytes / 2 && this.#clock.monotonic() < until)
    return { ...slice, items }
  }

  async #ofKey(filter: RunFilter, key: string): Promise<RunHead[]> {
    const [run] = await this.#store.runs.get([runIdOfKey(filter.namespace, key)])
    if (run?.namespace !== filter.namespace || !accepts(filter, run)) return []
    return (await this.#store.runs.heads([run.id])).filter((head) => head !== undefined)
  }

  /** Which service, and which label, an instance had that is gone is not stored: those of live instances count. */
  #liveNames(namespace: string, { handler, service, instance, label }: RequestedFilter): LiveNames {
    const named = handler === undefined ? undefined : [handler]
    return {
      handlers: service === undefined ? named : this.#handlersOf(namespace, service, handler),
      owners: label === undefined ? (instance === undefined ? undefined : [instance]) : this.#instancesWith(namespace, label, instance),
    }
  }

  #handlersOf(namespace: string, service: string, only: string | undefined): string[] {
    const services = this.#presence.services(namespace)
    const handlers = services.get(service)
    if (handlers) return [...handlers].filter((name) => only === undefined || name === only)
    throw unknownService(service, [...services.keys()])
  }

  #instancesWith(namespace: string, label: string, only: string | undefined): string[] {
    const at = label.indexOf('=')
    const [name, value] = [label.slice(0, at), label.slice(at + 1)]
    const all = this.#presence.handlers(namespace).flatMap((handler) => this.#presence.holding(namespace, handler))
    const having = all.filter(({ labels }) => Object.hasOwn(labels, name) && labels[name] === value)
    const names = new Set(having.map(({ instance }) => instance))
    return [...names].filter((instance) => only === undefined || instance === only)
  }
}

/** Services that an error names. */
const NAMES_SHOWN = 5

function unknownService(service: string, live: readonly string[]): CarillonError {
  const more = live.length - NAMES_SHOWN
  const these = `${[...live].sort().slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return new CarillonError('INVALID_REQUEST', `no live instance is of service ${printable(service)}`, {
    field: 'service',
    value: printable(service),
    hint: `${live.length > 0 ? `Live instances are of: ${these}.` : 'No instance is live.'} Runs of a service that is gone are found by handler or job.`,
  })
}
