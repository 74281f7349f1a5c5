import { CarillonError, isEnded } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { RunHead, Store, TaskRecord, UpdateOutcome } from '@carillon/store'
import type { ParentTasks } from '../child-ports.ts'
import type { Events, Offers, Reconciler, Routes, Runs, Tasks, Timers, WorkQueue } from '../ports.ts'
import type { Programs } from '../program-ports.ts'
import { isRouted, mayBeRouted, routedDecision } from '../routing/rules/routed.ts'
import type { TaskChange } from './rules/change.ts'
import { isPinnedAfter, isRefused } from './rules/decision.ts'
import { decideFault } from './rules/fault.ts'
import { mayLeaveChildren } from './rules/leaves-children.ts'
import { withCheck } from './rules/new-tasks.ts'
import { held } from './rules/pause.ts'
import type { MovedTask } from './rules/views.ts'
import { endOfWait } from './rules/waits-of-nodes.ts'
import { runOf, type TaskOfRun } from './rules/work.ts'
import { attemptCounter, updateLives } from './update-lives.ts'

/** Every write of a task of a fan-out run, and what follows from it: commit, then publish. */
export class TaskWriter implements Tasks {
  readonly #store: Store
  readonly #work: WorkQueue
  readonly #runs: Runs
  readonly #clock: Clock
  readonly #log: Logger
  readonly #timers: Timers
  readonly #reconciler: Reconciler
  readonly #parents: ParentTasks
  readonly #offers: Offers
  readonly #routes: Routes
  readonly #programs: Programs
  readonly #events: Pick<Events, 'tasksMoved'>
  readonly #countEnds = attemptCounter()

  constructor(options: {
    store: Store
    work: WorkQueue
    runs: Runs
    timers: Timers
    reconciler: Reconciler
    parents: ParentTasks
    offers: Offers
    routes: Routes
    programs: Programs
    events: Pick<Events, 'tasksMoved'>
    clock: Clock
    log: Logger
  }) {
    this.#timers = options.timers
    this.#reconciler = options.reconciler
    this.#parents = options.parents
    this.#offers = options.offers
    this.#routes = options.routes
    this.#programs = options.programs
    this.#events = options.events
    this.#store = options.store
    this.#work = options.work
    this.#runs = options.runs
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Inserts tasks that tasks have created, queued or waiting; answers which of them are new. `follow` publishes them. */
  async insert(given: readonly TaskRecord[]): Promise<TaskRecord[]> {
    const tasks = withCheck(given, this.#clock.now())
    const expected = tasks.map((task) => (task.state === 'queued' ? this.#work.expect(task) : undefined))
    try {
      const outcomes = await this.#store.tasks.insert(tasks)
      for (const [i, outcome] of outcomes.entries()) if (outcome !== 'created') this.#work.release(expected[i])
      const created = tasks.filter((_, i) => outcomes[i] === 'created')
      this.#announce(created.map((task) => ({ task, run: { id: task.runId, namespace: task.namespace } })))
      return created
    } catch (error) {
      this.unconfirmed(tasks)
      throw error
    }
  }

  /** Publishes and arms what inserted tasks need. */
  follow(run: RunHead, tasks: readonly TaskRecord[]): void {
    for (const task of tasks) {
      if (task.wakeAt !== null) this.#timers.arm('tasks', { id: task.id, wakeAt: task.wakeAt })
      if (task.state === 'queued') this.#work.publish({ run: runOf(run, task), task })
    }
    if (tasks.some((task) => task.state === 'waiting')) this.#reconciler.soon(run.id)
  }

  /** Whether they are to be published is not known: the repair decides. */
  unconfirmed(tasks: readonly TaskRecord[]): void {
    for (const task of tasks) if (task.state === 'queued') this.#work.unconfirmed(task.id, 'whether it was written is not known')
  }

  /** Writes decisions; answers per item. A task about which nothing can be stored ends as failed, and the error is its outcome. */
  async write(given: readonly TaskChange[]): Promise<readonly (UpdateOutcome | CarillonError)[]> {
    if (given.length === 0) return []
    const now = this.#clock.now()
    const changes = given.map((change) => this.#inPlace(change, now))
    const outcomes = await this.#update(changes)
    const [ended, stopped] = [new Set<string>(), new Set<string>()]
    const moved: TaskChange[] = []
    const faulty: { work: TaskOfRun; error: CarillonError }[] = []
    for (const [i, change] of changes.entries()) {
      const { task, run, decision } = change
      const outcome = outcomes[i]
      if (outcome === 'applied') {
        if (isRouted(change)) this.#routes.written({ task, run }, decision)
        if (decision.event !== 'checked') moved.push(change)
        if (isEnded(decision.set.state ?? task.state)) {
          this.#work.settled(task.id)
          ended.add(run.id)
        } else this.#follow({ task: { ...task, ...decision.set }, run })
        if (stopsChildren(change)) stopped.add(run.id)
      }
      // Losing its progress is better than failing the task.
      else if (CarillonError.is(outcome) && decision.event !== 'progress') faulty.push({ work: { task, run }, error: outcome })
    }
    this.#announce(moved)
    for (const runId of ended) this.#reconciler.soon(runId)
    for (const runId of stopped) this.#parents.changed(runId)
    await this.endFaulty(faulty)
    return outcomes
  }

  /** What a decision becomes by the state of the run, and by where the task runs. */
  #inPlace(change: TaskChange, now: number): TaskChange {
    const { run } = change
    let { decision } = change
    if (run.state === 'paused') decision = held(run, decision)
    if (mayBeRouted(change, decision)) decision = routedDecision(change, decision, { now, programs: this.#programs })
    decision = endOfWait(change, decision, now)
    return decision === change.decision ? change : { ...change, decision }
  }

  #update(changes: readonly TaskChange[]): Promise<readonly (UpdateOutcome | CarillonError)[]> {
    const store = this.#store.tasks
    return updateLives(changes, {
      store,
      work: this.#work,
      countEnds: this.#countEnds,
      lifeOf: ({ task }) => task,
      owesWork: ({ task, run, decision }) => task.target === null && run.routing === null && !isPinnedAfter(task, decision),
    })
  }

  /**
   * Ends tasks about which nothing can be decided or stored.
   * @throws CarillonError when not even that can be stored: then it is not the task that is at fault
   */
  async endFaulty(faulty: readonly { work: TaskOfRun; error: CarillonError }[]): Promise<void> {
    if (faulty.length === 0) return
    const changes: TaskChange[] = []
    for (const { work, error } of faulty) {
      this.#log.error(
        { evt: 'task.faulty', taskId: work.task.id, err: error },
        'what became of a task could not be stored; it ends as failed',
      )
      const decision = decideFault(work.task, { error, now: this.#clock.now() })
      if (!isRefused(decision)) changes.push({ ...work, decision })
    }
    const outcomes = await this.#update(changes)
    for (const [i, { run, task }] of changes.entries()) {
      if (outcomes[i] !== 'applied') continue
      if (task.owner) this.#runs.control(run.namespace, task.owner, { type: 'cancel', taskId: task.id })
      this.#reconciler.soon(run.id)
    }
    for (const outcome of outcomes) if (CarillonError.is(outcome)) throw outcome
  }

  /** One message for each run, however many of its tasks were written together. */
  #announce(moved: readonly (MovedTask & { readonly run: Pick<RunHead, 'id' | 'namespace'> })[]): void {
    const byRun = new Map<string, { run: Pick<RunHead, 'id' | 'namespace'>; tasks: MovedTask[] }>()
    for (const change of moved) {
      const ofRun = byRun.get(change.run.id)
      if (ofRun) ofRun.tasks.push(change)
      else byRun.set(change.run.id, { run: change.run, tasks: [change] })
    }
    for (const { run, tasks } of byRun.values()) this.#events.tasksMoved(run, tasks)
  }

  /** Publishes and arms what the state of a written task needs that has not ended. */
  #follow({ task, run }: TaskOfRun): void {
    if (task.wakeAt !== null) this.#timers.arm('tasks', { id: task.id, wakeAt: task.wakeAt })
    if (task.state === 'queued') {
      if (isRouted({ task, run })) this.#routes.soon({ run, task })
      else if (task.target === null) this.#work.publish({ run, task })
      else this.#offers.soon({ task, run })
    } else if (task.state === 'cancelling' && task.owner) this.#runs.control(run.namespace, task.owner, { type: 'cancel', taskId: task.id })
  }
}

function stopsChildren({ task, decision: { set } }: TaskChange): boolean {
  const { state, startedAt = task.startedAt, attempt = task.attempt } = set
  return state === 'cancelling' || (state !== undefined && mayLeaveChildren({ state, startedAt, attempt }))
}
