import { setImmediate as nextTurn } from 'node:timers/promises'
import { isEnded, OPEN_STATES, type RunMode, type RunState, stageOf, stageStart, TIMES } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { RunHead, Slice, Store, TaskHead, TaskRecord } from '@carillon/store'
import type { PresenceWatch } from '../dispatch/presence.ts'
import type { WorkPublisher } from '../dispatch/publish-work.ts'
import { planBroadcast } from '../modes/broadcast/plan.ts'
import { lookAtMap, UNDER_WAY } from '../modes/map/look.ts'
import { planMap, ranksOf, reduceTasks } from '../modes/map/plan.ts'
import { countsOf, type Effect, type Facts, type Planner } from '../modes/planner.ts'
import { planShards } from '../modes/shards/plan.ts'
import { decideCancel, decideFree, decideReopen, isRefused } from './rules/life.ts'
import type { RunWriter } from './write-runs.ts'
import type { TaskChange, TaskWriter } from './write-tasks.ts'

const PAGE = 500
const LOOK_PAGE = 1_000
type Which = { readonly state: RunState; readonly from?: string | undefined }
type Verdict = TaskChange | 'enough' | undefined
export type Planners = Readonly<Record<Exclude<RunMode, 'single'>, Planner>>
export const PLANNERS: Planners = { broadcast: planBroadcast, shards: planShards, map: planMap, 'map-reduce': planMap }

/**
 * Pushes a run with many tasks as far as it can go: makes its tasks, frees them, ends it. Looks at the stored state alone, so it may be called
 * at any time, any number of times, by any coordinator.
 */
export class AdvanceRun {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #tasks: TaskWriter
  readonly #work: WorkPublisher
  readonly #presence: PresenceWatch
  readonly #planners: Planners
  readonly #clock: Clock
  readonly #log: Logger
  /** Runs that are being advanced; true: look once more. */
  readonly #underWay = new Map<string, boolean>()

  constructor(options: {
    store: Store
    writer: RunWriter
    tasks: TaskWriter
    work: WorkPublisher
    presence: PresenceWatch
    planners?: Planners
    clock: Clock
    log: Logger
  }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#tasks = options.tasks
    this.#work = options.work
    this.#presence = options.presence
    this.#planners = options.planners ?? PLANNERS
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Called from where nobody waits: a failure is repaired by the run's `wakeAt`. However often it is called, a run is looked at once at a time. */
  soon(runId: string): void {
    if (this.#underWay.has(runId)) {
      this.#underWay.set(runId, true)
      return
    }
    this.#underWay.set(runId, false)
    this.execute(runId)
      .catch((error: unknown) =>
        this.#log.error({ evt: 'advance.failed', runId, err: error }, 'a run with many tasks could not be advanced; it is tried again'),
      )
      .finally(() => {
        const again = this.#underWay.get(runId)
        this.#underWay.delete(runId)
        if (again) this.soon(runId)
      })
  }

  async execute(runId: string): Promise<void> {
    const [run] = await this.#store.runs.heads([runId])
    if (!run || run.mode === 'single' || run.state === 'delayed') return
    if (isEnded(run.state)) return this.#cancelLeftOver(run)
    const effects = this.#planners[run.mode](await this.#facts(run))
    for (const effect of effects) if (!(await this.#apply(run, effect))) return
    if (run.wakeAt !== null && run.wakeAt <= this.#clock.now() && effects.length === 0) await this.#lookAgain(run, TIMES.ackWaitMs)
  }

  async #facts(run: RunHead): Promise<Facts> {
    const isMap = run.mode === 'map' || run.mode === 'map-reduce'
    return {
      run,
      ...(run.mode === 'shards' && run.state === 'queued' ? { items: (await this.#store.runs.get([run.id]))[0]?.items ?? null } : {}),
      ...(isMap
        ? { counts: {}, map: await lookAtMap(this.#store, run) }
        : { counts: countsOf(await this.#store.tasks.tally({ runId: run.id })) }),
      offering: this.#presence.offering(run.namespace, run.handler).map(({ instance }) => instance),
      now: this.#clock.now(),
    }
  }

  /** Answers whether to go on with the next effect. */
  async #apply(run: RunHead, effect: Effect): Promise<boolean> {
    if (effect.do === 'create') await this.#create(run, effect.tasks)
    else if (effect.do === 'split') await this.#split(run, effect)
    else if (effect.do === 'reopen') {
      const range = { from: effect.from && stageStart(run.id, effect.from) }
      for (const state of effect.states) await this.#each(run, { state, ...range }, (task) => this.#reopen(run, task))
    } else if (effect.do === 'free') {
      await this.#free(run, effect)
    } else if (effect.do === 'cancel') {
      await this.#cancel(run)
    } else if (effect.do === 'look-again') {
      await this.#lookAgain(run, effect.afterMs)
    } else {
      const [outcome] = await this.#writer.write([{ run, decision: effect.decision }])
      // It was cancelled while its tasks were being made, or someone else was faster: the stored state says what is to be done now.
      if (outcome !== 'applied') this.soon(run.id)
      else if (!isEnded(effect.decision.set.state ?? run.state)) this.soon(run.id)
      return outcome === 'applied'
    }
    return true
  }

  /** What had ended when the run was queued; what has ended since was run again already. */
  #reopen(run: RunHead, task: TaskHead): TaskChange | undefined {
    if ((task.endedAt ?? 0) > (run.queuedAt ?? 0)) return undefined
    const decision = decideReopen(task, { tries: run.tries })
    return isRefused(decision) ? undefined : { task, run, decision }
  }

  async #insert(tasks: readonly TaskRecord[]): Promise<void> {
    for (let i = 0; i < tasks.length; i += PAGE) {
      await this.#store.tasks.insert(tasks.slice(i, i + PAGE))
      await nextTurn()
    }
  }

  async #create(run: RunHead, tasks: readonly TaskRecord[]): Promise<void> {
    await this.#insert(tasks)
    // Of a run that has begun they can be freed at once.
    if (run.state === 'running') this.soon(run.id)
  }

  async #split(run: RunHead, { leaves, parts }: { leaves: number; parts: number }): Promise<void> {
    const firsts: string[] = []
    let passed = 0
    for (const rank of ranksOf(leaves, parts).slice(1)) {
      // Counted from the part before, not from the beginning: however many parts there are, the leaves are passed once.
      const from = firsts.at(-1)
      const first = await this.#store.tasks.leafAt({ runId: run.id, from, before: stageStart(run.id, 'reduce'), rank: rank - passed })
      // Someone retried the run meanwhile: the next look sees it.
      if (first === undefined) return
      firsts.push(first)
      passed = rank
    }
    // The first comes last: until it is there none begins.
    const [first, ...others] = reduceTasks(run, firsts)
    await this.#insert(others)
    if (first) await this.#create(run, [first])
  }

  async #free(run: RunHead, { stage, limit, room = LOOK_PAGE }: Extract<Effect, { do: 'free' }>): Promise<void> {
    const range = { state: 'waiting', from: stage && stageStart(run.id, stage) } as const
    const free = (task: TaskHead) => {
      if (stage !== undefined && stageOf(task.id) !== stage) return 'enough'
      const decision = decideFree(task, this.#clock.now())
      return isRefused(decision) ? undefined : { task, run, decision }
    }
    if (limit === undefined) return this.#each(run, range, free)
    const { tasks } = this.#store
    for (let left = room; left > 0; ) {
      const page = await tasks.list({ runId: run.id, ...range, limit: Math.min(LOOK_PAGE, left) })
      // Counted after they were read: whoever frees meanwhile frees the same ones, or is counted. So the limit holds without a lock.
      left = limit - (await tasks.countUpTo({ runId: run.id, states: UNDER_WAY, atMost: limit }))
      const changes = decided(page.items.slice(0, left).map(free))
      await this.#tasks.write(changes)
      await this.#turnOfOthers()
      left = page.cursor === undefined || changes.length < page.items.length ? 0 : left - changes.length
    }
  }

  async #cancel(run: RunHead): Promise<void> {
    for (const state of ['waiting', 'delayed', 'queued', 'running'] as const)
      await this.#each(run, { state }, (task) => this.#cancelOne(run, task))
    await this.#work.withdrawAll(run)
    // What was taken already, and has not begun, lies with its instances.
    for (const { instance } of this.#presence.holding(run.namespace, run.handler))
      this.#writer.control(run.namespace, instance, { type: 'cancel', taskId: run.id })
  }

  #cancelOne(run: RunHead, task: TaskHead): TaskChange | undefined {
    const decision = decideCancel(task, this.#clock.now())
    return isRefused(decision) ? undefined : { task, run, decision }
  }

  /** Tasks that were made for a run that had ended meanwhile. */
  async #cancelLeftOver(run: RunHead): Promise<void> {
    if ((await this.#store.tasks.countUpTo({ runId: run.id, states: OPEN_STATES, atMost: 1 })) > 0) await this.#cancel(run)
  }

  /** Decides about tasks of a run in one state, a page a write; the next page is read meanwhile. */
  async #each(run: RunHead, which: Which, decide: (task: TaskHead) => Verdict): Promise<void> {
    const read = (cursor?: string) => this.#store.tasks.list({ runId: run.id, limit: LOOK_PAGE, ...which, cursor })
    let page: Promise<Slice<TaskHead>> | undefined = read()
    while (page) {
      const slice: Slice<TaskHead> = await page
      const decisions = slice.items.map(decide)
      page = slice.cursor === undefined || decisions.includes('enough') ? undefined : read(slice.cursor)
      // Should this page fail, nobody waits for the next one.
      page?.catch(() => undefined)
      await this.#tasks.write(decided(decisions))
      await this.#turnOfOthers()
    }
  }

  /** Between two pages: an embedded store works on this thread, and what is freed has to be published before there is more of it. */
  async #turnOfOthers(): Promise<void> {
    await nextTurn()
    await this.#work.room()
  }

  async #lookAgain(run: RunHead, delayMs: number): Promise<void> {
    const wakeAt = this.#clock.now() + delayMs
    await this.#store.runs.update([{ id: run.id, expect: { state: [run.state], attempt: run.attempt }, set: { wakeAt } }])
    this.#writer.arm({ id: run.id, wakeAt })
  }
}

/** What is to be done, up to where it is enough. */
function decided(verdicts: readonly Verdict[]): TaskChange[] {
  const end = verdicts.indexOf('enough')
  return verdicts.slice(0, end < 0 ? undefined : end).filter((verdict) => verdict !== undefined && verdict !== 'enough')
}
