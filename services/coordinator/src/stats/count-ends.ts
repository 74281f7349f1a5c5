import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, type Logger, LoopService, pagesOf, pause } from '@carillon/runtime'
import type { RollupChange, RollupRecord, StatsStore, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import type { EndedEvents, EndsPage, StreamState } from './read-ends.ts'
import { RecountEnds } from './recount-ends.ts'
import { counted, type EndsOfPlace, groupEnds, type Stretch } from './rules/group-ends.ts'
import { firstMark, hasLost, isSettled, MARK_ID, type Mark, markOf, markRecord, owedMark } from './rules/mark.ts'
import type { EndedFacts } from './rules/rollup.ts'

const ROUND_MS = 5_000
/** Counting may take this share of the time, without what others do between its batches: where very many jobs run, it is done less often. */
const SHARE_OF_TIME = 1 / 50
/** Documents that are not read again: those of the current minute, hour and day. */
const DOCUMENTS_KNOWN = 20_000
/** To add up so many, and to write them to SQLite, takes the thread that also starts runs for some milliseconds. */
const DOCUMENTS_AT_ONCE = 100
/** Ends of which a second event is recognized: it comes within seconds, when the answer to the first was lost. */
const ENDS_KNOWN = 50_000
/** Events before the mark that are read again by a coordinator that begins to count, to know them. */
const LOOK_BACK = 10_000
/** Requests to the broker: when it was away, a whole page of ends may have been published before. */
const LOOKED_UP_AT_ONCE = 100
/** Another coordinator counts, too: after so many times the round is given up, and comes again. */
const TRIES = 5
/** One coordinator counts, that with the first share. */
export const SHARE_OF_COUNTING = 0

/**
 * Counts the ends of runs into documents, a batch every few seconds, from the events that are published anyway. Every document has a fence, so that a batch
 * may be counted any number of times, by any number of coordinators.
 */
export class CountEnds extends LoopService {
  readonly #events: EndedEvents
  readonly #stats: StatsStore
  readonly #recount: RecountEnds
  readonly #shares: () => readonly number[]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new LRUCache<string, RollupRecord>({ max: DOCUMENTS_KNOWN })
  #seen = new LRUCache<string, number>({ max: ENDS_KNOWN })
  /** The last sequence whose ends are seen. */
  #seenUpTo: { readonly stream: number; readonly sequence: number } | undefined
  /** For how long others have had their turns between its batches. */
  #yieldedMs = 0
  #failure: unknown
  #last: Promise<void> = Promise.resolve()

  constructor(options: {
    events: EndedEvents
    store: Pick<Store, 'stats' | 'runs' | 'retention'>
    shares: () => readonly number[]
    clock: Clock
    log: Logger
  }) {
    super()
    this.#events = options.events
    this.#stats = options.store.stats
    this.#recount = new RecountEnds(options)
    this.#shares = options.shares
    this.#clock = options.clock
    this.#log = options.log
  }

  protected async run(signal: AbortSignal): Promise<void> {
    for (let waitMs = ROUND_MS; await pause(this.#clock, waitMs, signal); ) {
      const begun = this.#clock.monotonic()
      const yieldedBefore = this.#yieldedMs
      try {
        await this.round(signal)
        this.#failure = undefined
      } catch (error) {
        if (signal.aborted) return
        this.#failure = error
        this.#log.warn({ evt: 'stats.failed', err: error }, 'what has ended could not be counted; trying again')
      }
      const ownMs = this.#clock.monotonic() - begun - (this.#yieldedMs - yieldedBefore)
      waitMs = Math.max(ROUND_MS, ownMs / SHARE_OF_TIME)
    }
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'stats.died', err: error }, 'the counting of ended runs died')
  }

  /** @throws Error that keeps ends from being counted */
  describe(): string {
    if (this.#failure !== undefined) throw this.#failure
    return this.#isMine() ? 'counts what ends' : 'another coordinator counts what ends'
  }

  /** How far behind it is; undefined: another coordinator counts. */
  async lagMs(): Promise<number | undefined> {
    const mark = this.#isMine() ? await this.#markStored() : undefined
    return mark && this.#clock.now() - mark.at
  }

  #isMine(): boolean {
    return this.#shares().includes(SHARE_OF_COUNTING)
  }

  /** What ended before is counted; 0: nothing is yet. The coordinator that counts does so now. */
  async countedUntil(): Promise<number> {
    await this.round(new AbortController().signal)
    return (await this.#markStored())?.at ?? 0
  }

  /** Counts what has ended until now; one round at a time. */
  round(signal: AbortSignal): Promise<void> {
    const round = this.#last.then(() => this.#round(signal))
    this.#last = round.catch(() => undefined)
    return round
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (!this.#isMine()) {
      this.#known.clear()
      this.#seenUpTo = undefined
      return
    }
    const begunAt = this.#clock.now()
    // The mark first: what another coordinator counts meanwhile would look like a loss.
    const stored = await this.#markStored()
    const state = await this.#events.state()
    const whole = stored && (await this.#withoutLoss(stored, state, signal))
    if (stored && !whole) return
    const begun = whole ?? { ...firstMark(state), revision: 0, at: 0 }
    await this.#lookBack(begun, state.first)
    const { stream } = begun
    let mark = begun
    let { storedAt: storedBefore } = begun
    let isWhole = false
    // Also what another coordinator has counted meanwhile is read: of its ends a second event may follow.
    for (let { upTo } = begun; !signal.aborted && upTo < state.last; ) {
      const query = { after: upTo, last: state.last }
      const page: EndsPage = await (isWhole ? this.#events.wholePage(query) : this.#events.page(query))
      const storedAt = await this.#events.storedAt(page.upTo)
      // Where the page begins, so that nothing between it and what was counted before is missing.
      const there = await this.#events.state()
      if (there.last < page.upTo || hasLost({ ...mark, upTo, storedAt: storedBefore }, there, await this.#events.storedAt(upTo))) return
      const groups = await this.#groups(page, mark)
      // Where a part does not count, or is counted, only the ends themselves say what is left.
      isWhole = groups === undefined || !(await this.#count(groups, { stream, from: upTo + 1, upTo: page.upTo }))
      if (isWhole) continue
      if (mark.upTo < page.upTo) mark = await this.#writeMark(mark, { ...mark, upTo: page.upTo, storedAt, at: page.moreAt ?? begunAt })
      if (mark.stream !== stream) return
      upTo = page.upTo
      storedBefore = storedAt
      this.#seenUpTo = { stream, sequence: upTo }
    }
    if (mark === begun && !signal.aborted) await this.#writeMark(mark, { ...mark, at: begunAt })
  }

  /**
   * The mark from which counting goes on. Where the broker has lost events, what ended meanwhile is counted from the runs first, once all of them are stored.
   * @returns undefined: they are not yet
   */
  async #withoutLoss(stored: Mark, state: StreamState, signal: AbortSignal): Promise<Mark | undefined> {
    let mark = stored
    const isKept = state.first <= mark.upTo && mark.upTo <= state.last
    if (hasLost(mark, state, isKept ? await this.#events.storedAt(mark.upTo) : undefined)) {
      const owed = owedMark(mark, state, { now: this.#clock.now(), storedAt: await this.#events.storedAt(state.last) })
      const written = await this.#putMark(owed, mark.revision)
      // Another coordinator has counted since, or has noticed it first.
      if (written === undefined) return undefined
      mark = written
      this.#log.warn(
        { evt: 'stats.events-lost', stream: state.stream, last: state.last, upTo: stored.upTo },
        'the broker has lost events; what ended meanwhile is counted from the runs',
      )
    }
    if (!mark.isOwed) return mark
    if (!isSettled(mark, this.#clock.now())) return undefined
    const ends = await this.#recount.execute(mark, signal)
    this.#known.clear()
    if (ends === undefined || signal.aborted) return undefined
    this.#log.info({ evt: 'stats.recounted', ends }, 'what ended while the broker lost events is counted')
    const done = await this.#writeMark(mark, { ...mark, at: mark.since, isOwed: false })
    return done.isOwed ? undefined : done
  }

  async #markStored(): Promise<Mark | undefined> {
    const [record] = await this.#stats.get([MARK_ID])
    return record && markOf(record)
  }

  /** High-water mark: every end before it is counted. Writes are conditional, so it never moves back, with several writers neither. */
  async #writeMark(before: Mark | undefined, mark: Mark): Promise<Mark> {
    const written = await this.#putMark(mark, before?.revision ?? 0)
    if (written) return written
    const other = await this.#markStored()
    if (other === undefined || other.stream < mark.stream || (other.stream === mark.stream && other.upTo < mark.upTo))
      return this.#writeMark(other, mark)
    return other
  }

  /** Answers the mark as it is stored then; undefined: another coordinator has written it since it had that revision. */
  async #putMark(mark: Omit<Mark, 'revision'>, revision: number): Promise<Mark | undefined> {
    const next = { ...mark, revision: revision + 1 }
    const [outcome] = await this.#stats.put([{ rollup: markRecord(next), expect: revision || null }])
    return outcome === 'applied' ? next : undefined
  }

  /** What was counted a moment ago by another coordinator, or by this one in its last life, is known from the stream. */
  async #lookBack({ stream, upTo }: Mark, first: number): Promise<void> {
    if (this.#seenUpTo?.stream === stream && this.#seenUpTo.sequence >= upTo) return
    this.#seen = new LRUCache({ max: ENDS_KNOWN })
    for (let at = Math.max(0, first - 1, upTo - LOOK_BACK); at < upTo; ) {
      const page = await this.#events.wholePage({ after: at, last: upTo })
      for (const end of page.ends) if (end.sequence <= upTo) this.#isFirst(end)
      at = page.upTo
    }
    this.#seenUpTo = { stream, sequence: upTo }
  }

  /** What a page adds to documents; undefined: only a part of what it has counted. */
  async #groups({ ends, counts, changes }: EndsPage, { since }: Mark): Promise<Iterable<EndsOfPlace> | undefined> {
    if (counts !== undefined) return counts.earliestAt < since ? undefined : counts.groups()
    const candidates = ends.filter((end) => end.at >= since && this.#isFirst(end))
    const second = await this.#secondOf(candidates)
    return groupEnds(second.size === 0 ? candidates : candidates.filter((end) => !second.has(end)), changes)
  }

  /** Those of which the stream has an earlier event. It may be one that was counted as it was published, which no page shows. */
  async #secondOf(ends: readonly EndedFacts[]): Promise<ReadonlySet<EndedFacts>> {
    const second = new Set<EndedFacts>()
    const repeated = ends.filter(({ isRepeated }) => isRepeated)
    for (let i = 0; i < repeated.length; i += LOOKED_UP_AT_ONCE) {
      const some = repeated.slice(i, i + LOOKED_UP_AT_ONCE)
      const found = await Promise.all(some.map((end) => this.#events.isSecond(end)))
      for (const [at, end] of some.entries()) if (found[at]) second.add(end)
    }
    return second
  }

  #isFirst({ namespace, runId, attempt, state, sequence }: EndedFacts): boolean {
    const key = `${namespace}/${runId}/${attempt}/${state}`
    const first = this.#seen.get(key)
    if (first === undefined) this.#seen.set(key, sequence)
    return first === undefined || first === sequence
  }

  /** Answers false where a document has a part of these already, and only their sum is known. @param all is taken once */
  async #count(all: Iterable<EndsOfPlace>, stretch: Stretch): Promise<boolean> {
    let groups = all
    for (let tries = 0; tries < TRIES; tries++) {
      const refused: EndsOfPlace[] = []
      for (const some of pagesOf(groups, DOCUMENTS_AT_ONCE)) {
        const ofOthers = await this.#write(some, stretch)
        if (ofOthers === 'split') return false
        refused.push(...ofOthers)
        const begun = this.#clock.monotonic()
        await nextTurn()
        this.#yieldedMs += this.#clock.monotonic() - begun
      }
      if (refused.length === 0) return true
      groups = refused
    }
    throw new Error('another coordinator counts at the same time')
  }

  /** Answers those whose document another coordinator has written; `split`: nothing is written. */
  async #write(groups: readonly EndsOfPlace[], stretch: Stretch): Promise<EndsOfPlace[] | 'split'> {
    const missing = groups.map(({ place }) => place.id).filter((id) => !this.#known.has(id))
    const read = missing.length > 0 ? await this.#stats.get(missing) : []
    const stored = new Map(missing.map((id, i) => [id, read[i]]))
    const changes: { group: EndsOfPlace; change: RollupChange }[] = []
    for (const group of groups) {
      const before = this.#known.get(group.place.id) ?? stored.get(group.place.id)
      const rollup = counted(before, group, stretch)
      if (rollup === 'stale') throw new Error('the broker has lost events since these were read, as another coordinator has noticed')
      if (rollup === 'split') return 'split'
      if (rollup) changes.push({ group, change: { rollup, expect: before?.revision ?? null } })
    }
    const outcomes = await this.#stats.put(changes.map(({ change }) => change)).catch((error: unknown) => {
      // Some may be written.
      for (const { change } of changes) this.#known.delete(change.rollup.id)
      throw error
    })
    const refused: EndsOfPlace[] = []
    for (const [i, { group, change }] of changes.entries()) {
      if (outcomes[i] === 'applied') this.#known.set(change.rollup.id, change.rollup)
      else {
        this.#known.delete(change.rollup.id)
        refused.push(group)
      }
    }
    return refused
  }
}
