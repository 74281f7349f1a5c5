import { CarillonError, isEnded, parseInput, startRunSchema } from '@carillon/contracts'
import { type Clock, mayPass } from '@carillon/runtime'
import type { RunHead, RunRecord, Store, TaskHead, TaskRecord } from '@carillon/store'
import { decideToLeave } from '../../gates/rules/decide.ts'
import { isGated } from '../../gates/rules/gating.ts'
import type { Presence, Reconciler, Runs, Starts, Tasks } from '../../ports.ts'
import { isRefused } from '../../runs/rules/decision.ts'
import { endedChild } from '../../runs/rules/new-run.ts'
import type { RunRestarts } from '../../runs/rules/restarts.ts'
import type { ParentTask } from '../../runs/rules/start-item.ts'
import { runOf } from '../../runs/rules/work.ts'
import type { ChildRuns } from '../mode.ts'
import { isFanOut } from '../rules/fan-out.ts'
import { contextGiven } from './context-given.ts'
import { WorkflowInputs } from './graphs.ts'
import { type ChildIntent, checkNesting, childStep, decideAsChild, parentOf, waitsForChild } from './rules/children.ts'
import { isCurrent } from './rules/generations.ts'

const PAGE = 1_000
/** Of items that have failed, in the error of their node. */
const ERRORS_SHOWN = 3
const ERROR_LETTERS = 300

interface Options {
  readonly store: Store
  readonly start: Starts
  readonly runs: Runs
  readonly tasks: Tasks
  readonly presence: Presence
  readonly restarts: () => RunRestarts
  readonly reconciler: Reconciler
  readonly clock: Clock
}

/**
 * Child runs of nodes. A task waits for one, whose id follows from the task: it is started, cancelled, begun again and read here, as both records say. Nothing else
 * ends the task, and whatever is decided before the child starts is decided by the insert of its record: as a run, or as one that has ended already.
 */
export class SettleChildren implements ChildRuns {
  readonly #given: Options
  readonly #inputs: WorkflowInputs

  constructor(options: Options) {
    this.#given = options
    this.#inputs = new WorkflowInputs(options.store)
  }

  async settle(run: RunHead, given: readonly TaskHead[]): Promise<void> {
    const { store, reconciler } = this.#given
    // They may have been inserted by another coordinator, and be further than ours.
    const tasks = (await store.tasks.heads(given.map(({ id }) => id))).filter((task) => task !== undefined && waitsForChild(task))
    const children = await store.runs.heads(tasks.map((task) => task?.node?.child as string))
    const due = tasks.flatMap((task, i) => {
      const child = children[i]
      const step = task && childStep({ task, child })
      return task && step ? [{ task, child, step }] : []
    })
    const missing = due.filter(({ step }) => step === 'start' || step === 'never').map(({ task }) => task)
    await this.#start(run, missing)
    for (const { child, step } of due) {
      if (child && step === 'cancel') await this.#cancel(child)
      if (child && step === 'restart') await this.#given.restarts().goOn(child)
    }
    await this.#end(
      run,
      due.filter(({ step }) => step === 'end').map(({ task }) => task),
    )
    // What has been started, or begun again, for a task that is being cancelled is cancelled next.
    if (due.some(({ task, step }) => step === 'restart' && task.state === 'cancelling')) reconciler.soon(run.id)
  }

  async abandon(run: RunHead): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#given.store.tasks.list({ runId: run.id, state: 'cancelling', cursor, limit: PAGE })
      await this.settle(run, page.items.filter(waitsForChild))
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  /** Inserts the child run of each task, under its derived id: of several coordinators one succeeds. A child that may not start is inserted as ended. */
  async #start(run: RunHead, missing: readonly TaskHead[]): Promise<void> {
    if (missing.length === 0) return
    const { store } = this.#given
    const [[whole], tasks] = await Promise.all([store.runs.get([run.id]), store.tasks.get(missing.map(({ id }) => id))])
    await Promise.all(tasks.map((task) => whole && task && this.#startOne(whole, task)))
  }

  async #startOne(run: RunRecord, task: TaskRecord): Promise<void> {
    const { request, context, items, plan, ...given } = JSON.parse(task.item ?? '{}') as ChildIntent
    const name = request.job ?? request.handler ?? ''
    const list = items && { shards: items.length, ...plan }
    const payload = 'payload' in given ? given.payload : list?.each ? null : (JSON.parse(run.payload) as unknown)
    const parent: ParentTask = { ...parentOf(run, task), context, list }
    // It is started when the run goes on.
    if (run.state === 'paused') return
    if (run.state !== 'running' || task.state !== 'running' || !isCurrent(run, task.id)) return this.#never(run, name, parent)
    const refusal = await this.#request(run, { task, parent, request: { ...request, payload } }).catch((error: unknown) =>
      CarillonError.from(error),
    )
    if (refusal === undefined) return
    // It is repeated by the `wakeAt` of the run.
    if (mayPass(refusal)) throw refusal
    await this.#store(run, name, {
      parent,
      end: { state: 'failed', reason: 'not-startable', error: { name: refusal.code, message: refusal.message } },
    })
  }

  /** Why it is refused. @throws CarillonError the same */
  async #request(
    run: RunRecord,
    { task, parent, request }: { task: TaskRecord; parent: ParentTask; request: object },
  ): Promise<CarillonError | undefined> {
    const checked = parseInput(startRunSchema, request, 'run')
    checkNesting({ name: checked.job ?? checked.handler ?? '', isJob: checked.job !== undefined }, parent.ancestors)
    const { namespace, by } = run
    const origin = { namespace, trigger: 'run', traceparent: run.traceparent ?? undefined, by: by ?? undefined } as const
    const bytes = task.item?.length ?? 0
    const [outcome] = await this.#given.start.execute([{ ...origin, request, bytes, id: task.node?.child as string, parent }])
    // It is there: its job may have been changed since.
    return CarillonError.is(outcome) && outcome.code !== 'KEY_CONFLICT' ? outcome : undefined
  }

  #never(run: RunRecord, name: string, parent: ParentTask): Promise<void> {
    return this.#store(run, name, { parent, end: { state: 'cancelled', reason: 'parent-ended', error: null } })
  }

  async #store(
    run: RunRecord,
    name: string,
    { parent, end }: { parent: ParentTask; end: Pick<RunRecord, 'state' | 'reason' | 'error'> },
  ): Promise<void> {
    const [task] = await this.#given.store.tasks.heads([parent.taskId])
    const id = task?.node?.child
    if (id === undefined) return
    const { namespace, traceparent, by } = run
    const origin = { id, namespace, trigger: 'run', traceparent, by: by ?? undefined, now: this.#given.clock.now() } as const
    await this.#given.runs.insert([endedChild(name, end, { ...origin, parent })])
  }

  async #cancel(child: RunHead): Promise<void> {
    const { runs, presence, clock } = this.#given
    const mayRun = isGated(child) && presence.holding(child.namespace, child.handler).length > 0
    const decision = decideToLeave(child, { now: clock.now(), mayRun })
    if (isRefused(decision)) return
    await runs.write([{ run: child, decision }])
    if (child.state === 'queued' && !isFanOut(child)) await runs.withdraw(child)
  }

  async #end(run: RunHead, tasks: readonly TaskHead[]): Promise<void> {
    if (tasks.length === 0) return
    const { store, clock } = this.#given
    for (const task of tasks) {
      const [child] = await store.runs.get([task.node?.child as string])
      if (!child || !isEnded(child.state)) continue
      const context = await contextGiven(child, { store, inputs: this.#inputs })
      const errors = task.node?.list && child.state === 'failed' ? await this.#firstErrors(child.id) : []
      const decision = decideAsChild(task, { run: child, context, errors }, clock.now())
      await this.#given.tasks.write([{ task, run: runOf(run, task), decision }])
    }
  }

  async #firstErrors(runId: string): Promise<string[]> {
    const { items } = await this.#given.store.tasks.list({ runId, state: 'failed', limit: ERRORS_SHOWN })
    return items.flatMap(({ index, error }) => (error ? [`item ${index}: ${error.message.slice(0, ERROR_LETTERS)}`] : []))
  }
}
