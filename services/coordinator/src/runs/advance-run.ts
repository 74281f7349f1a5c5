import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, isEnded, OPEN_STATES, TIMES } from '@carillon/contracts'
import { type Clock, type Logger, mayPass, pagesOf } from '@carillon/runtime'
import type { RunHead, Slice, Store, TaskHead, TaskRecord } from '@carillon/store'
import type { ChildRuns, Effect, Modes, Sources, TaskSet } from '../modes/mode.ts'
import { UNDER_WAY } from '../modes/rules/fan-in.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { ALL_OPEN } from '../modes/rules/go-on.ts'
import type { Matching, Presence, Reconciler, Runs, Tasks, Timers, WorkQueue } from '../ports.ts'
import type { NodeMessages, Waits } from '../signal-ports.ts'
import { HoldTasks } from './hold-tasks.ts'
import type { TaskChange } from './rules/change.ts'
import { isRefused } from './rules/decision.ts'
import { CHECK_RUNNING_MS, decideCancel, decideFree, decideReopen } from './rules/life.ts'
import { limitOf } from './rules/limits.ts'
import { reopenedWithCheck, withCheck } from './rules/new-tasks.ts'
import { decideRelease } from './rules/pause.ts'
import { runOf, type TaskOfRun } from './rules/work.ts'

const PAGE = 500
const TASKS_PAGE = 1_000

/**
 * The reconcile loop of fan-out runs: advances a run as far as possible. It creates its tasks, frees them, ends it. It reads the stored state alone,
 * so it may be called at any time, any number of times, by any coordinator.
 */
export class AdvanceRun implements Reconciler {
  readonly #store: Store
  readonly #runs: Runs
  readonly #tasks: Tasks
  readonly #work: WorkQueue
  readonly #presence: Presence
  readonly #sources: Sources
  readonly #timers: Timers
  readonly #waits: Pick<Waits, 'take'>
  readonly #messages: NodeMessages
  readonly #modes: Modes
  readonly #childRuns: ChildRuns
  readonly #clock: Clock
  readonly #log: Logger
  readonly #hold: HoldTasks
  /** Runs that are being reconciled; true: reconcile once more. */
  readonly #underWay = new Map<string, boolean>()

  constructor(options: {
    store: Store
    runs: Runs
    tasks: Tasks
    work: WorkQueue
    presence: Presence
    matching: Matching
    timers: Timers
    waits: Pick<Waits, 'take'>
    messages: NodeMessages
    modes: Modes
    childRuns: ChildRuns
    clock: Clock
    log: Logger
  }) {
    this.#store = options.store
    this.#runs = options.runs
    this.#tasks = options.tasks
    this.#work = options.work
    this.#presence = options.presence
    this.#modes = options.modes
    this.#childRuns = options.childRuns
    this.#timers = options.timers
    this.#waits = options.waits
    this.#messages = options.messages
    this.#sources = {
      store: options.store,
      offering: (run) => options.matching.names(run),
      now: () => options.clock.now(),
    }
    this.#clock = options.clock
    this.#log = options.log
    this.#hold = new HoldTasks(options)
  }

  /** Returns at once: a failure is repaired by the run's `wakeAt`. A run is reconciled by one call at a time, however often it is requested. */
  soon(runId: string): void {
    if (this.#underWay.has(runId)) {
      this.#underWay.set(runId, true)
      return
    }
    this.#underWay.set(runId, false)
    this.execute(runId)
      .catch((error: unknown) =>
        this.#log.error({ evt: 'advance.failed', runId, err: error }, 'a fan-out run could not be advanced; it is tried again'),
      )
      .finally(() => {
        const again = this.#underWay.get(runId)
        this.#underWay.delete(runId)
        if (again) this.soon(runId)
      })
  }

  async execute(runId: string): Promise<void> {
    const [run] = await this.#store.runs.heads([runId])
    if (!run || !isFanOut(run) || run.state === 'delayed' || run.state === 'waiting') return
    if (isEnded(run.state)) return this.#cancelLeftOver(run)
    if (run.state === 'paused') {
      await this.#hold.hold(run)
      if (run.wakeAt !== null && run.wakeAt <= this.#clock.now()) await this.#checkAgain(run, CHECK_RUNNING_MS)
      return
    }
    if (run.state === 'running' && run.terms?.pausedMs !== undefined) await this.#hold.release(run)
    const effects = await this.#plan(run)
    for (const effect of effects) if (!(await this.#apply(run, effect))) return
    const isIdle = effects.every((effect) => effect.do === 'take-signals')
    if (run.wakeAt !== null && run.wakeAt <= this.#clock.now() && isIdle) await this.#checkAgain(run, TIMES.ackWaitMs)
  }

  /** A run about which nothing can be decided, as it is stored, ends as failed. */
  async #plan(run: RunHead): Promise<Effect[]> {
    const mode = this.#modes[run.mode]
    try {
      return mode.plan(await mode.readFacts(run, this.#sources))
    } catch (error) {
      if (mayPass(error)) throw error
      await this.#runs.endFaulty([{ run, error: CarillonError.from(error) }])
      return []
    }
  }

  /** Answers whether to go on with the next effect. */
  async #apply(run: RunHead, effect: Effect): Promise<boolean> {
    if (effect.do === 'create') await this.#create(run, effect.tasks)
    else if (effect.do === 'insert') await this.#begin(run, effect)
    else if (effect.do === 'change') await this.#change(run, effect.changes)
    else if (effect.do === 'settle-children') await this.#childRuns.settle(run, effect.tasks)
    else if (effect.do === 'reopen') await this.#reopen(run, effect.tasks)
    else if (effect.do === 'free') await this.#free(run, effect)
    else if (effect.do === 'cancel') await this.#cancel(run, effect.tasks)
    else if (effect.do === 'take-signals') await this.#waits.take(run, effect)
    else if (effect.do === 'publish') await this.#messages.publish(run, effect.taskIds)
    else if (effect.do === 'check-again') await this.#checkAgain(run, effect.afterMs)
    else if (effect.do === 'correct') await this.#correct(run, effect.set)
    else {
      const [outcome] = await this.#runs.write([{ run, decision: effect.decision }])
      // It was cancelled while its tasks were being made, or another coordinator was faster: the stored state says what is to be done now.
      if (outcome !== 'applied') this.soon(run.id)
      else if (!isEnded(effect.decision.set.state ?? run.state)) this.soon(run.id)
      return outcome === 'applied'
    }
    return true
  }

  /** Reopens tasks that had ended when the run was retried; one that has ended since was run again already, or cancelled with the run. */
  async #reopen(run: RunHead, set: TaskSet): Promise<void> {
    if (run.attempt === 1) return
    const reopen = (task: TaskHead): TaskChange | undefined => {
      if ((task.endedAt ?? 0) > (run.queuedAt ?? 0)) return undefined
      const decision = decideReopen(task, { tries: runOf(run, task).tries })
      return isRefused(decision) ? undefined : { task, run: runOf(run, task), decision }
    }
    await this.#each(run, set, (tasks) => reopenedWithCheck(decided(tasks.map(reopen)), this.#clock.now()))
  }

  async #create(run: RunHead, tasks: Iterable<TaskRecord>): Promise<void> {
    for (const page of pagesOf(tasks, PAGE)) {
      await this.#store.tasks.insert(withCheck(page, this.#clock.now()))
      await nextTurn()
    }
    // Of a run that has begun they can be freed at once.
    if (run.state === 'running') this.soon(run.id)
  }

  /** Their work is published at once. What has ended already leads to further effects. */
  async #begin(run: RunHead, { tasks, isPart = false }: Extract<Effect, { do: 'insert' }>): Promise<void> {
    for (let i = 0; i < tasks.length; i += PAGE) this.#tasks.follow(run, await this.#tasks.insert(tasks.slice(i, i + PAGE)))
    if (isPart || tasks.some(({ state }) => isEnded(state))) this.soon(run.id)
  }

  async #change(run: RunHead, changes: Extract<Effect, { do: 'change' }>['changes']): Promise<void> {
    await this.#tasks.write(changes.map(({ task, decision }) => ({ task, run: runOf(run, task), decision })))
  }

  async #free(run: RunHead, { tasks: set, limit, room = TASKS_PAGE }: Extract<Effect, { do: 'free' }>): Promise<void> {
    const free = (task: TaskHead) => {
      const decision = task.state === 'paused' ? decideRelease(task, this.#clock.now()) : decideFree(task, this.#clock.now())
      if (decision === undefined || isRefused(decision)) return undefined
      // What keeps a new task stays until that begins.
      const wakeAt = decision.set.wakeAt ?? task.wakeAt
      return { task, run: runOf(run, task), decision: { ...decision, set: { ...decision.set, wakeAt } } }
    }
    if (limit === undefined) return this.#each(run, set, (tasks) => decided(tasks.map(free)))
    const { tasks } = this.#store
    for (let left = room; left > 0; ) {
      const page = await tasks.list({ runId: run.id, ...rangeOf(set), state: 'waiting', limit: Math.min(TASKS_PAGE, left) })
      // Counted after they were read: a coordinator that frees at the same time frees the same ones, or is counted. So the limit holds without a lock.
      left = limit - (await tasks.countUpTo({ runId: run.id, states: UNDER_WAY, atMost: limit }))
      const changes = decided(page.items.slice(0, left).map(free))
      await this.#tasks.write(changes)
      await this.#turnOfOthers()
      left = page.cursor === undefined || changes.length < page.items.length ? 0 : left - changes.length
    }
  }

  async #cancel(run: RunHead, set: TaskSet): Promise<void> {
    const isWhole = set.from === undefined && set.before === undefined && run.mode !== 'workflow' && set.states.includes('running')
    const queued: TaskOfRun[] = []
    await this.#each(run, set, (tasks) => {
      if (!isWhole) queued.push(...tasks.filter(({ state }) => state === 'queued').map((task) => ({ run: runOf(run, task), task })))
      return decided(tasks.map((task) => this.#cancelOne(run, task)))
    })
    if (isWhole) await this.#work.withdrawAll(run)
    else for (const work of queued) await this.#work.withdraw(work)
    // Nothing of what was cancelled has been given to an instance.
    if (!set.states.includes('queued')) return
    // Tasks that were pulled already, and have not begun, wait at their instances.
    if (run.mode !== 'workflow') return this.#order(run, run.handler, run.id)
    // Not by the run: what undoes its nodes must not be cancelled by an order that is late.
    for (const { run: of, task } of queued) this.#order(run, of.handler, task.id)
  }

  #order({ namespace }: RunHead, handler: string, taskId: string): void {
    for (const { instance } of this.#presence.holding(namespace, handler))
      this.#runs.control(namespace, instance, { type: 'cancel', taskId })
  }

  #cancelOne(run: RunHead, task: TaskHead): TaskChange | undefined {
    const now = this.#clock.now()
    const decision = decideCancel(task, now)
    if (isRefused(decision)) return undefined
    // Nothing reconciles an ended run again by itself.
    const again = isEnded(run.state) && task.node?.child !== undefined ? { wakeAt: now + CHECK_RUNNING_MS } : {}
    return { task, run: runOf(run, task), decision: { ...decision, set: { ...decision.set, ...again } } }
  }

  /** Cancels tasks that were created for a run that had ended by then. */
  async #cancelLeftOver(run: RunHead): Promise<void> {
    if ((await this.#store.tasks.countUpTo({ runId: run.id, states: OPEN_STATES, atMost: 1 })) === 0) return
    // First, because afterwards nothing leads here once more.
    if (run.mode === 'workflow') for (const effect of await this.#plan(run)) await this.#apply(run, effect)
    await this.#cancel(run, ALL_OPEN)
    if (run.mode === 'workflow') await this.#childRuns.abandon(run)
  }

  async #correct({ id, state, attempt }: RunHead, set: Extract<Effect, { do: 'correct' }>['set']): Promise<void> {
    await this.#store.runs.update([{ id, expect: { state: [state], attempt }, set }])
  }

  /** Decides about a set of tasks, a page a write; the next page is read at the same time. */
  async #each(run: RunHead, set: TaskSet, decide: (tasks: readonly TaskHead[]) => readonly TaskChange[]): Promise<void> {
    for (const state of set.states) {
      const read = (cursor?: string) => this.#store.tasks.list({ runId: run.id, limit: TASKS_PAGE, ...rangeOf(set), state, cursor })
      let page: Promise<Slice<TaskHead>> | undefined = read()
      while (page) {
        const slice: Slice<TaskHead> = await page
        page = slice.cursor === undefined ? undefined : read(slice.cursor)
        // If this page fails, the next one is not awaited.
        page?.catch(() => undefined)
        await this.#tasks.write(decide(slice.items))
        await this.#turnOfOthers()
      }
    }
  }

  /** Between two pages: an embedded store works on this thread, and what is freed has to be published before there is more of it. */
  async #turnOfOthers(): Promise<void> {
    await nextTurn()
    await this.#work.room()
  }

  async #checkAgain(run: RunHead, delayMs: number): Promise<void> {
    const now = this.#clock.now()
    const wakeAt = Math.min(now + delayMs, Math.max(now, limitOf(run)?.at ?? Number.POSITIVE_INFINITY))
    // A coordinator that is late with this must not put a run to rest that another one has seen begin something.
    const expect = { state: [run.state], attempt: run.attempt, wakeAt: run.wakeAt }
    const [outcome] = await this.#store.runs.update([{ id: run.id, expect, set: { wakeAt } }])
    if (outcome === 'applied') this.#timers.arm('runs', { id: run.id, wakeAt })
  }
}

const decided = (changes: readonly (TaskChange | undefined)[]) => changes.filter((change) => change !== undefined)
const rangeOf = ({ from, before }: TaskSet) => ({ from, before })
