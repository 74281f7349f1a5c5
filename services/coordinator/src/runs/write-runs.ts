import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, type Control, isEnded, runIdOfTask, subjects } from '@carillon/contracts'
import { type Broker, type Clock, inIsolation, type Logger, RecentMap } from '@carillon/runtime'
import type { InsertOutcome, RunHead, RunRecord, Store, UpdateOutcome } from '@carillon/store'
import type { Assignments } from '../assignment-ports.ts'
import type { ParentTasks } from '../child-ports.ts'
import { isAssigned, unassigned } from '../dispatch/rules/assigned.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { Events, Gates, Presence, Reconciler, Routes, RunEnds, Runs, Timers, WorkQueue } from '../ports.ts'
import type { Programs } from '../program-ports.ts'
import { isRouted, mayBeRouted, routedDecision } from '../routing/rules/routed.ts'
import type { Children } from '../trigger-ports.ts'
import type { RunChange } from './rules/change.ts'
import { isPinnedAfter, isRefused } from './rules/decision.ts'
import { withFailedTry } from './rules/failed-tries.ts'
import { decideFault } from './rules/fault.ts'
import { mayLeaveChildren } from './rules/leaves-children.ts'
import { CHECK_QUEUED_MS } from './rules/life.ts'
import { withinLimits } from './rules/limits.ts'
import type { EndedRun } from './rules/views.ts'
import { needsMessage, onlyTask } from './rules/work.ts'
import { attemptCounter, updateLives } from './update-lives.ts'

/** A run as it was written: with its result and what else came with its end, if it has just ended. */
type WrittenRun = EndedRun

/** So few runs are published before their caller is answered: publishing them takes less time than another turn of the event loop. */
const PUBLISHED_FIRST = 8
/** A run whose payload is no longer than this is kept in memory as it is. */
const SMALL_LETTERS = 512
/** A terminal event that was not published, because its coordinator died, is published by another one after this. */
const TELL_AGAIN_MS = 10_000

/**
 * Every write of a run, and what follows from it: commit, then publish. What is published depends on the state alone, so it may be
 * done again at any time (level-triggered).
 */
export class RunWriter implements Runs {
  readonly #store: Store
  readonly #work: WorkQueue
  readonly #events: Events
  readonly #broker: Broker
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #log: Logger
  /** Open runs as last written here: spares a read for most reports. The conditions of a write guard against its age. */
  readonly #recent: RecentMap<RunHead>
  /** The change that was sent to the store last, of each run that is being written. */
  readonly #sent = new Map<string, RunChange>()
  readonly #timers: Timers
  readonly #ends: RunEnds
  readonly #gates: Gates
  readonly #children: () => Children
  readonly #reconciler: Reconciler
  readonly #parents: ParentTasks
  readonly #routes: Routes
  readonly #assignments: Assignments
  readonly #programs: Programs
  readonly #countEnds = attemptCounter()

  constructor(options: {
    store: Store
    work: WorkQueue
    events: Events
    broker: Broker
    presence: Presence
    timers: Timers
    ends: RunEnds
    gates: Gates
    children: () => Children
    reconciler: Reconciler
    parents: ParentTasks
    routes: Routes
    assignments: Assignments
    programs: Programs
    clock: Clock
    log: Logger
    remembered: { readonly runs: number }
  }) {
    this.#recent = new RecentMap({ max: options.remembered.runs })
    this.#timers = options.timers
    this.#ends = options.ends
    this.#gates = options.gates
    this.#children = options.children
    this.#reconciler = options.reconciler
    this.#parents = options.parents
    this.#routes = options.routes
    this.#assignments = options.assignments
    this.#programs = options.programs
    this.#store = options.store
    this.#work = options.work
    this.#events = options.events
    this.#broker = options.broker
    this.#presence = options.presence
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Runs by id, from memory where they were written recently. */
  async known(ids: readonly string[]): Promise<(RunHead | undefined)[]> {
    const found = ids.map((id) => this.#recent.get(id))
    const missing = ids.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found
    const read = await this.#store.runs.heads(missing)
    let next = 0
    return found.map((run) => run ?? read[next++])
  }

  /** Drops these runs from memory, so that they are read from the store. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#recent.delete(id)
  }

  /**
   * Writes new runs and publishes their work. One that cannot be stored has its error as outcome, and does not affect the others.
   * @param options.answerFirst resolve as soon as they are stored: the caller of many is answered while their work is being published
   * @param options.until called when they are stored; their work is published when it resolves, but of those whose ids it answers
   */
  async insert(
    runs: readonly RunRecord[],
    options: { answerFirst?: boolean; until?: () => Promise<ReadonlySet<string>> } = {},
  ): Promise<readonly (InsertOutcome | CarillonError)[]> {
    const knownAt = this.#clock.monotonic()
    // Those of a slot are stored some time before it.
    if (!options.until) this.#assignments.assign(runs)
    const expected = runs.map((run) => (needsMessage(onlyTask(run)) ? this.#work.expect(run) : undefined))
    const outcomes = await inIsolation(
      runs,
      (some) => this.#store.runs.insert(some),
      (_, error) => error,
    ).catch((error: unknown) => {
      // Some may be stored nevertheless.
      for (const one of expected) this.#work.leaveToRepair(one)
      throw error
    })
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome === 'created') continue
      this.#work.release(expected[i])
      this.#assignments.notStored(runs[i] as RunRecord)
    }
    const created = runs.filter((_, i) => outcomes[i] === 'created')
    const follow = async (withdrawn?: ReadonlySet<string>) => {
      const open = withdrawn?.size ? created.filter(({ id }) => !withdrawn.has(id)) : created
      if (!options.until) {
        // Work messages are sent by a microtask: signals that were written before them would take a write to the socket of their own.
        this.#assignments.send(open, knownAt)
        const followed = this.#follow(open)
        this.#events.created(open)
        return followed
      }
      // What is due at the same moment is in other writes, too: all of it is signalled before the work messages, which cost the broker ten times as much.
      this.#events.created(open)
      await nextTurn()
      await this.#follow(open)
    }
    if (!options.answerFirst) {
      // Events of records that are ended from the beginning (skipped slots) are waited for.
      await follow(await options.until?.())
      if (options.until) await this.#withdrawCancelled(created)
    } else if (created.length > PUBLISHED_FIRST) setImmediate(() => follow().catch((error: unknown) => this.#leaveToRepair(created, error)))
    else follow().catch((error: unknown) => this.#leaveToRepair(created, error))
    return outcomes
  }

  /** They are stored and their caller has the answer: the repair publishes what could not be published. */
  #leaveToRepair(runs: readonly RunRecord[], error: unknown): void {
    for (const run of runs) if (needsMessage(onlyTask(run))) this.#work.unconfirmed(run.id, String(error))
  }

  /** A run that was cancelled between its insert and its slot has no message yet that could be removed. */
  async #withdrawCancelled(created: readonly RunRecord[]): Promise<void> {
    for (const run of await this.#store.runs.heads(created.map(({ id }) => id))) {
      if (run?.state !== 'cancelled') continue
      this.#recent.delete(run.id)
      await this.withdraw(run)
    }
  }

  /**
   * Writes decisions; answers per item. Resolves when terminal events are with the broker. A run about which nothing can be stored ends as failed, and
   * the error is its outcome.
   * @param options.isRepeated the caller repeats the call if this process dies before it answers, so the event will be published. Else a `wakeAt` stays with a
   *   run that ends until its terminal event has been published, and `until` has resolved
   */
  async write(
    given: readonly RunChange[],
    { isRepeated = false, until }: { isRepeated?: boolean; until?: () => Promise<void> } = {},
  ): Promise<readonly (UpdateOutcome | CarillonError)[]> {
    if (given.length === 0) return []
    const changes = given.map((change) => this.#reminded(change, { isRepeated }))
    const { outcomes, overtaken } = await this.#update(changes)
    const written: WrittenRun[] = []
    const faulty: { run: RunHead; error: CarillonError }[] = []
    for (const [i, { run, decision }] of changes.entries()) {
      const outcome = outcomes[i]
      if (outcome !== 'applied') {
        this.#recent.delete(run.id)
        // Losing its progress is better than failing the run.
        if (CarillonError.is(outcome) && decision.event !== 'progress') faulty.push({ run, error: outcome })
        continue
      }
      const { event, set, logLines } = decision
      if (isRouted(onlyTask(run))) this.#routes.written(onlyTask(run), decision)
      else this.#assignments.written(run, decision)
      const after = isEnded(set.state ?? run.state) ? { ...run, ...set, logLines } : { ...run, ...set }
      written.push(after)
      if (run.state === 'paused' && after.state !== 'paused' && !isEnded(after.state)) this.#parents.changed(run.id)
      if (event === 'started') this.#events.live(after, 'started')
      else if (event !== 'progress' && event !== 'checked' && !isEnded(after.state)) this.#events.live(after, after.state)
      // The report that starts a task may carry progress, too.
      if (set.progress) this.#events.live(after, 'progress', set.progress)
    }
    const followed = this.#follow(written)
    this.forget(overtaken)
    await followed
    await until?.()
    if (!isRepeated) await this.#markPublished(written.filter((run) => isEnded(run.state) && !mayHaveLateTasks(run)))
    await this.endFaulty(faulty)
    return outcomes
  }

  /**
   * Two writes of a run may be under way at once, and the one that is stored first may be answered last: `overtaken` are the runs of which memory must
   * not keep what was written here, because a later write of them was sent.
   */
  async #update(changes: readonly RunChange[]): Promise<{ outcomes: readonly (UpdateOutcome | CarillonError)[]; overtaken: string[] }> {
    const overtaken: string[] = []
    for (const change of changes) this.#sent.set(change.run.id, change)
    try {
      const outcomes = await updateLives(changes, {
        store: this.#store.runs,
        work: this.#work,
        countEnds: this.#countEnds,
        lifeOf: ({ run }) => run,
        owesWork: ({ run, decision }) => !isFanOut(run) && run.routing === null && !isPinnedAfter(run, decision),
      })
      return { outcomes, overtaken }
    } finally {
      for (const change of changes) {
        const { id } = change.run
        if (this.#sent.get(id) === change) this.#sent.delete(id)
        else overtaken.push(id)
      }
    }
  }

  /**
   * Ends runs about which nothing can be decided or stored.
   * @throws CarillonError when not even that can be stored: then it is not the run that is at fault
   */
  async endFaulty(faulty: readonly { run: RunHead; error: CarillonError }[]): Promise<void> {
    if (faulty.length === 0) return
    const changes: RunChange[] = []
    for (const { run, error } of faulty) {
      this.#log.error({ evt: 'run.faulty', runId: run.id, err: error }, 'what became of a run could not be stored; it ends as failed')
      const decision = decideFault(run, { error, now: this.#clock.now() })
      if (!isRefused(decision)) changes.push(this.#reminded({ run, decision }, { isRepeated: false }))
    }
    const { outcomes } = await this.#update(changes)
    const ended = changes.flatMap(({ run, decision }, i) => (outcomes[i] === 'applied' ? [{ ...run, ...decision.set }] : []))
    for (const run of ended) if (run.owner) this.control(run.namespace, run.owner, { type: 'cancel', taskId: run.id })
    await this.#follow(ended)
    await this.#markPublished(ended)
    for (const outcome of outcomes) if (CarillonError.is(outcome)) throw outcome
  }

  #reminded(given: RunChange, { isRepeated }: { isRepeated: boolean }): RunChange {
    const { run } = given
    const decision = withFailedTry(run, withinLimits(given, this.#clock.now()), this.#clock.now())
    const { set } = decision
    const isEnd = set.state !== undefined && isEnded(set.state)
    if (isEnd && !isRepeated) return { run, decision: { ...decision, set: { ...set, wakeAt: this.#clock.now() + TELL_AGAIN_MS } } }
    // Only this advances a fan-out run that no coordinator has begun.
    if (set.state === 'queued' && isFanOut(run))
      return { run, decision: { ...decision, set: { ...set, wakeAt: this.#clock.now() + CHECK_QUEUED_MS } } }
    // A child run is checked whether the run that it is within goes on.
    if (set.state === 'queued' && run.parentTask !== null && (set.wakeAt ?? null) === null)
      return this.#routed({ run, decision: { ...decision, set: { ...set, wakeAt: this.#clock.now() + CHECK_QUEUED_MS } } })
    return this.#routed({ run, decision })
  }

  #routed({ run, decision }: RunChange): RunChange {
    const work = onlyTask(run)
    if (!mayBeRouted(work, decision)) return { run, decision: unassigned(run, decision) }
    const routed = routedDecision(work, decision, { now: this.#clock.now(), programs: this.#programs })
    return { run, decision: unassigned(run, routed) }
  }

  /** Their terminal events have been published. */
  async #markPublished(runs: readonly RunHead[]): Promise<void> {
    if (runs.length === 0) return
    await this.#store.runs.update(
      runs.map((run) => ({ id: run.id, expect: { state: [run.state], attempt: run.attempt }, set: { wakeAt: null } })),
    )
  }

  /** Publishes a terminal event again: the report was applied before, and its event may have been lost. */
  async repeatEnd(run: RunHead): Promise<void> {
    if (!isEnded(run.state)) return
    await this.#wakeParents([run])
    const read = async () => (await this.#store.runs.get([run.id]))[0]
    await this.#events.runEndedBefore(run, read)
    const whole = this.#children().concerns([run]) ? await read() : undefined
    if (whole) await this.#children().start([whole])
    if (mayLeaveChildren(run)) this.#parents.changed(run.id)
    if (run.wakeAt !== null) await this.#markPublished([run])
  }

  /** Publishes and arms what the states of written runs need. */
  async #follow(runs: readonly WrittenRun[]): Promise<void> {
    const ended: WrittenRun[] = []
    for (const run of runs) {
      if (isEnded(run.state)) {
        this.#recent.delete(run.id)
        this.#work.settled(run.id)
        ended.push(run)
      } else this.#push(run)
    }
    const beginning = runs.filter(({ parentTask, state }) => parentTask !== null && (state === 'queued' || state === 'delayed'))
    if (beginning.length > 0) this.#parents.begin(beginning)
    if (ended.length === 0) return
    for (const run of ended) {
      this.#ends.ended(run)
      if (mayLeaveChildren(run)) this.#parents.changed(run.id)
    }
    await this.#wakeParents(ended)
    await this.#events.runsEnded(ended)
    const children = this.#children()
    if (children.concerns(ended)) await children.start(ended)
  }

  /** What waits for these. */
  async #wakeParents(runs: readonly RunHead[]): Promise<void> {
    const children = runs.filter(({ parentTask }) => parentTask !== null)
    if (children.length === 0) return
    for (const { parentTask } of children) this.#reconciler.soon(runIdOfTask(parentTask ?? '') ?? '')
    await this.#parents.childrenEnded(children)
  }

  #push(run: RunHead): void {
    if (run.state === 'waiting') {
      this.#recent.delete(run.id)
      this.#gates.arrived(run)
      return
    }
    if (run.wakeAt !== null) this.#timers.arm('runs', { id: run.id, wakeAt: run.wakeAt })
    if (run.state === 'cancelling' || run.state === 'paused') this.#parents.changed(run.id)
    if (isFanOut(run)) {
      this.#recent.delete(run.id)
      this.#reconciler.soon(run.id)
      return
    }
    if (run.state === 'queued') {
      if (isRouted(onlyTask(run))) this.#routes.soon(onlyTask(run))
      else if (!isAssigned(run)) this.#work.publish(onlyTask(run))
    } else if (run.state === 'cancelling' && run.owner) this.control(run.namespace, run.owner, { type: 'cancel', taskId: run.id })
    // No report is due of a run that waits for its time, and there may be very many of them.
    if (run.state === 'delayed') this.#recent.delete(run.id)
    else this.#remember(run)
  }

  /** @param run may be whole: what is large must not stay in memory. Overwritten, not left out: a copy with other members is slow to make and to read */
  #remember(run: RunHead & Partial<RunRecord>): void {
    const { payload, items, graph, result, error } = run
    if (error === null && !items && !graph && !result && (payload?.length ?? 0) <= SMALL_LETTERS) {
      this.#recent.set(run.id, run)
      return
    }
    const head: RunHead & { [Large in 'payload' | 'items' | 'graph' | 'result']?: undefined } = {
      ...run,
      payload: undefined,
      items: undefined,
      graph: undefined,
      result: undefined,
      error: error && { ...error, stack: undefined },
    }
    this.#recent.set(run.id, head)
  }

  /** A queued run that was cancelled must not start: its message is removed, and instances that may hold it already are notified. */
  async withdraw(run: RunHead): Promise<void> {
    for (const { instance } of this.#presence.holding(run.namespace, run.handler))
      this.control(run.namespace, instance, { type: 'cancel', taskId: run.id })
    await this.#work.withdraw(onlyTask(run))
  }

  control(namespace: string, instance: string, control: Control): void {
    this.#broker.connection.publish(subjects.control(namespace, instance), JSON.stringify(control))
  }
}

/**
 * A coordinator that did not know of the cancel, of the failure that stopped a workflow, or of its retry, may make tasks, and stop before it cancels them: the
 * run's `wakeAt` stays for them.
 */
const mayHaveLateTasks = (run: RunHead) =>
  isFanOut(run) &&
  (['cancelled', 'expired', 'timed_out'].includes(run.state) || (run.mode === 'workflow' && (run.state === 'failed' || run.attempt > 1)))
