import { CarillonError, isEnded, TIMES } from '@carillon/contracts'
import { type Clock, inIsolation, mayPass } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { Assignments } from '../assignment-ports.ts'
import type { ParentTasks } from '../child-ports.ts'
import { isAssigned } from '../dispatch/rules/assigned.ts'
import { decideArrival } from '../gates/rules/decide.ts'
import { isGated } from '../gates/rules/gating.ts'
import { readLives } from '../lives.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { isAtRest } from '../modes/workflow/plan.ts'
import type { Faulty, Lives, Offers, Placement, Presence, Reconciler, Routes, Runs, WaitingChecks } from '../ports.ts'
import { isRouted } from '../routing/rules/routed.ts'
import { wasCancelled } from './rules/cancelled.ts'
import type { Change } from './rules/change.ts'
import { type Decision, isRefused } from './rules/decision.ts'
import { CHECK_RUNNING_MS, decideCancel, decideWake } from './rules/life.ts'
import { decideLimit } from './rules/limits.ts'
import { decideLoss } from './rules/loss.ts'
import { isNew } from './rules/new-tasks.ts'
import type { RunRestarts } from './rules/restarts.ts'
import type { ElapsedTime } from './rules/timing.ts'
import { isWaitNode } from './rules/waits-of-nodes.ts'
import { isLeg, isTaskOfRun, onlyTask, type TaskOfRun, type Work } from './rules/work.ts'

/**
 * Decides about runs and tasks whose `wakeAt` has come: terminal events that were not published, delays that are over, offers without an answer,
 * owners that may be gone, time limits, fan-out runs to be reconciled.
 */
export class WakeLives {
  readonly #store: Store
  readonly #lives: Lives
  readonly #runs: Runs
  readonly #offers: Offers
  readonly #routes: Routes
  readonly #assignments: Assignments
  readonly #reconciler: Reconciler
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #elapsed: ElapsedTime
  readonly #placement: Placement
  readonly #waiting: WaitingChecks
  readonly #restarts: Pick<RunRestarts, 'restart'>
  readonly #parents: ParentTasks

  constructor(options: {
    store: Store
    lives: Lives
    runs: Runs
    offers: Offers
    routes: Routes
    assignments: Assignments
    reconciler: Reconciler
    presence: Presence
    clock: Clock
    elapsed: ElapsedTime
    placement: Placement
    waitingChecks: WaitingChecks
    restarts: Pick<RunRestarts, 'restart'>
    parents: ParentTasks
  }) {
    this.#store = options.store
    this.#lives = options.lives
    this.#runs = options.runs
    this.#offers = options.offers
    this.#routes = options.routes
    this.#assignments = options.assignments
    this.#reconciler = options.reconciler
    this.#presence = options.presence
    this.#clock = options.clock
    this.#elapsed = options.elapsed
    this.#placement = options.placement
    this.#waiting = options.waitingChecks
    this.#restarts = options.restarts
    this.#parents = options.parents
  }

  /** A bad record does not affect the others. @throws a transient error, and the first error of bad records, when the others are done */
  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#clock.now()
    const [changes, faulty, errors] = [[] as Change[], [] as Faulty[], [] as unknown[]]
    const [waiting, fresh] = [[] as RunHead[], [] as TaskOfRun[]]
    const read = await inIsolation(
      ids,
      (some) => readLives(this.#store, some),
      (_, error) => {
        errors.push(error)
        return undefined
      },
    )
    const due = read.filter((work) => work !== undefined && work.task.wakeAt !== null && work.task.wakeAt <= now) as Work[]
    const followed = await this.#followParents(due.filter(isOpenChild), errors)
    for (const work of due) {
      if (followed.has(work.run.id) && !isTaskOfRun(work)) continue
      if (!isTaskOfRun(work) && work.run.state === 'waiting' && !this.#limitOf(work, now)) {
        waiting.push(work.run)
        continue
      }
      if (isTaskOfRun(work) && !isEnded(work.task.state) && isNew(work)) {
        fresh.push(work)
        continue
      }
      try {
        const change = await this.#wake(work, now)
        if (change) changes.push(change)
      } catch (error) {
        if (mayPass(error) || isEnded(work.task.state)) errors.push(error)
        else faulty.push({ work, error: CarillonError.from(error) })
      }
    }
    if (waiting.length > 0)
      for (const { run, decision } of await this.#waiting.settled(waiting)) changes.push({ ...onlyTask(run), decision })
    await this.#checkNew(fresh)
    const outcomes = await this.#lives.write(changes)
    for (const [i, { run, decision }] of changes.entries())
      if (outcomes[i] === 'applied' && isLimit(decision) && run.state === 'queued' && !isFanOut(run)) await this.#runs.withdraw(run)
    await this.#lives.endFaulty(faulty)
    if (errors.length > 0) throw errors[0]
  }

  /** Tasks of a run that has ended are cancelled with all that were inserted with them; those of others are checked no more. */
  async #checkNew(tasks: readonly TaskOfRun[]): Promise<void> {
    const left = tasks.filter(({ run, task }) => isEnded(run.state) || task.node?.child !== undefined)
    for (const runId of new Set(left.map(({ run }) => run.id))) this.#reconciler.soon(runId)
    const checked = tasks.filter(({ run }) => !isEnded(run.state)).map(({ task }) => task)
    if (checked.length === 0) return
    await this.#store.tasks.update(
      checked.map(({ id, state, attempt }) => ({ id, expect: { state: [state], attempt }, set: { wakeAt: null } })),
    )
  }

  /** Those that are changed with the runs that they are within, or of which that cannot be decided: they are woken again. */
  async #followParents(children: readonly Work[], errors: unknown[]): Promise<ReadonlySet<string>> {
    if (children.length === 0) return new Set()
    const runs = children.map(({ run }) => run)
    const check = inIsolation(
      runs,
      (some) => this.#parents.check(some),
      ({ id }, error) => {
        errors.push(error)
        return id
      },
    )
    const followed = check.catch((error: unknown) => {
      errors.push(error)
      return runs.map(({ id }) => id)
    })
    return new Set(await followed)
  }

  async #wake(work: Work, now: number): Promise<Change | undefined> {
    const { run, task } = work
    const limit = this.#limitOf(work, now)
    if (limit) return { ...work, decision: limit }
    if (isTaskOfRun(work) && isEnded(task.state) && (isWaitNode(work.task) || isByHand(work.task))) return this.#endOfWait(work, now)
    const isReconciled = isWait(work) || (!isTaskOfRun(work) && isFanOut(run) && run.state !== 'delayed')
    if (isReconciled) this.#reconciler.soon(run.id)
    if (isEnded(task.state)) await this.#lives.repeatEnd(work)
    if (isReconciled || isEnded(task.state)) return undefined
    if (!isTaskOfRun(work) || !isEnded(run.state)) return this.#check(work, now)
    // It ends as its child run does, which is being cancelled.
    if (work.task.node?.child === undefined) return leftOver(work, now)
    this.#reconciler.soon(run.id)
    return { ...work, decision: againLater(work, now) }
  }

  /** What follows from the end of a wait, or from what was said about a node, may not have begun. From now on it is the `wakeAt` of the run that sees to it, where it is open. */
  async #endOfWait({ run, task }: TaskOfRun, now: number): Promise<Change | undefined> {
    if (run.state === 'running' && isAtRest(run, now)) {
      const check = { id: run.id, expect: { state: ['running'], attempt: run.attempt }, set: { wakeAt: now } } as const
      if ((await this.#store.runs.update([check]))[0] !== 'applied') return undefined
    }
    if (isChangedTooLate({ run, task })) await this.#restarts.restart(run.namespace, run.id)
    else this.#reconciler.soon(run.id)
    return { run, task, decision: { event: 'checked', expect: { state: [task.state], attempt: task.attempt }, set: { wakeAt: null } } }
  }

  #limitOf(work: Work, now: number): Decision | undefined {
    return isTaskOfRun(work) || isEnded(work.run.state) ? undefined : decideLimit(work.run, { now, elapsed: this.#elapsed })
  }

  /** A task of an open run, or the only one of a single run. */
  async #check(work: Work, now: number): Promise<Change> {
    const { run, task } = work
    if (!isTaskOfRun(work) && isAssigned(run)) return { run, task: run, decision: this.#assignments.check(run) }
    if (task.state === 'queued' && isRouted(work)) return { ...work, decision: this.#routes.check(work) }
    const holder = task.owner ?? (isLeg(work) ? work.task.target : null)
    const isLost = holder !== null && this.#presence.isLost(run.namespace, holder, task.ownerSession)
    if (isLeg(work) && isLost && task.state !== 'delayed') return this.#offers.loss(work)
    const offeredAgainAt = now + TIMES.ackWaitMs
    // An offer without an answer is repeated.
    if (isTaskOfRun(work) && task.state === 'queued') {
      const expect = { state: ['queued'], attempt: task.attempt } as const
      // From now on it is lost with that process.
      const offered = isLeg(work) ? { ownerSession: this.#presence.sessionOf(run.namespace, work.task.target ?? '') ?? null } : {}
      return { ...work, decision: { event: 'checked', expect, set: { state: 'queued', wakeAt: offeredAgainAt, ...offered } } }
    }
    const decision = decideWake(task, { policy: run, isLost, now, elapsed: this.#elapsed })
    if (task.owner && task.state === 'running' && !isLost) this.#ask(work, task.owner, decision.event === 'checked')
    if (decision.event === 'due' && !isTaskOfRun(work)) {
      const at = await this.#placement.due(run)
      const placed = { ...run, ...at }
      if (arrivesNow(placed)) {
        const { set, ...arrival } = decideArrival(placed, { order: await this.#placement.order(run), now })
        return { ...work, decision: { ...arrival, set: { ...set, ...at } } }
      }
    }
    const isOffered = decision.event === 'due' && isLeg(work)
    return { ...work, decision: isOffered ? { ...decision, set: { ...decision.set, wakeAt: offeredAgainAt } } : decision }
  }

  /** Asks the owner, because the broker may have lost both the message of a task and the report of its end. @param isInTime else it is to stop */
  #ask({ run, task }: Work, owner: string, isInTime: boolean): void {
    const check = { type: 'check', runId: run.id, taskId: task.id, attempt: task.attempt } as const
    this.#runs.control(run.namespace, owner, isInTime ? check : { type: 'cancel', taskId: task.id })
  }
}

/** An operator has said what becomes of a node. */
const isByHand = ({ reason }: TaskOfRun['task']) => reason === 'skipped-by-request' || reason === 'succeeded-by-request'

/** The end of the run was decided before a node of it was changed by request, and written after that: it goes on, as if it had ended before. */
const isChangedTooLate = ({ run, task }: TaskOfRun) =>
  isByHand(task) &&
  isEnded(run.state) &&
  !wasCancelled(run) &&
  run.compensation === null &&
  run.parentTask === null &&
  (task.endedAt ?? 0) > (run.endedAt ?? 0)

/** Of a workflow: what is waited for here is decided by its plan. */
const isWait = (work: Work) => isTaskOfRun(work) && work.task.state === 'delayed' && isWaitNode(work.task)

const isOpenChild = (work: Work) => !isTaskOfRun(work) && work.run.parentTask !== null && !isEnded(work.run.state)

const isLimit = ({ event }: Decision) => event === 'expired' || event === 'overrun'

/** It was requested for later, and has to pass its gate now. Waiting for a further try it keeps its place. */
const arrivesNow = (run: RunHead) => isGated(run) && run.gateOrder === null

const againLater = ({ task }: TaskOfRun, now: number): Decision => ({
  event: 'checked',
  expect: { state: [task.state], attempt: task.attempt },
  set: { wakeAt: now + CHECK_RUNNING_MS },
})

/** It was created while its run was being cancelled. */
function leftOver(work: TaskOfRun, now: number): Change | undefined {
  const decision = work.task.state === 'cancelling' ? decideLoss(work.task, { now }) : decideCancel(work.task, now)
  return isRefused(decision) ? undefined : { ...work, decision }
}
