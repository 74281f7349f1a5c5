import { CarillonError, childTaskId, LIMITS, type MapCall, printable, runIdOfTask, stageOf, writeJson } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { RunRecord, Store, TaskHead, TaskRecord } from '@carillon/store'
import type { Reconciler, Tasks, WorkQueue } from '../../ports.ts'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import { checkRuns, notRunning, runsIn } from '../../runs/rules/running-task.ts'
import { limitOf } from '../rules/go-on.ts'

/** Work messages that the broker has not accepted yet; beyond it a task that maps has to wait. */
const OUTSTANDING = 10_000
/** A task that maps, and the complete record of its run: its children are published at once. */
interface Parent {
  readonly task: TaskHead
  readonly run: RunRecord
}
const MAPPING = ['queued', 'running'] as const

/** Creates a task for each item that a running task maps. A repeated call, in any attempt, creates nothing new. */
export class MapTasks {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #reconciler: Reconciler
  readonly #work: WorkQueue
  readonly #clock: Clock

  constructor(options: { store: Store; tasks: Tasks; work: WorkQueue; reconciler: Reconciler; clock: Clock }) {
    this.#reconciler = options.reconciler
    this.#store = options.store
    this.#tasks = options.tasks
    this.#work = options.work
    this.#clock = options.clock
  }

  /** @throws CarillonError INVALID_REQUEST, TASK_NOT_RUNNING, ITEM_TOO_LARGE, MAP_TOO_DEEP, QUEUE_FULL */
  async execute(namespace: string, call: MapCall): Promise<{ created: number }> {
    const parent = await this.#parent(namespace, call)
    const { outstanding } = this.#work
    if (outstanding > OUTSTANDING) throw new CarillonError('QUEUE_FULL', `${outstanding} tasks wait for the broker to take them`)
    const children = childrenOf(parent, call, this.#clock.now())
    if (call.attempt > 1) await this.#checkSame(children[0] as TaskHead)
    const created = await this.#tasks.insert(children)
    // The children are there before their parent can end: a reconcile that counts open tasks sees them. What is published belongs to an
    // attempt that was the current one after they were made.
    const isCurrent = await this.#touch(parent.task, call).catch((error: unknown) => {
      this.#tasks.unconfirmed(created)
      throw error
    })
    if (isCurrent) this.#tasks.follow(parent.run, created)
    else {
      this.#tasks.unconfirmed(created)
      this.#reconciler.soon(parent.run.id)
      throw notRunning(call, 'it has just ended or been taken over')
    }
    return { created: created.length }
  }

  async #parent(namespace: string, call: MapCall): Promise<Parent> {
    const { taskId } = call
    const known = await this.#read(taskId)
    if (!known || known.run.namespace !== namespace || known.task.name === null || known.task.node !== null || stageOf(taskId) !== 'map') {
      const hint = 'Only the root of a map and the tasks it leads to may map: runs whose mode is map or map-reduce.'
      throw new CarillonError('INVALID_REQUEST', `task ${printable(taskId)} cannot map`, {
        field: 'taskId',
        value: printable(taskId),
        hint,
      })
    }
    checkRuns(known, call, MAPPING)
    if (known.run.state !== 'running' && known.run.state !== 'paused') throw notRunning(call, `its run is ${known.run.state}`)
    return known
  }

  async #read(taskId: string): Promise<Parent | undefined> {
    const runId = runIdOfTask(taskId)
    if (runId === undefined) return undefined
    const [[task], [run]] = await Promise.all([this.#store.tasks.heads([taskId]), this.#store.runs.get([runId])])
    return task && run && { task, run }
  }

  /** The n-th call of a task is the same in every attempt. @throws CarillonError INVALID_REQUEST */
  async #checkSame(asked: TaskHead): Promise<void> {
    const [there] = await this.#store.tasks.heads([asked.id])
    if (!there || (there.name === asked.name && there.total === asked.total)) return
    throw new CarillonError('INVALID_REQUEST', `call is wrong: an earlier attempt has asked for ${there.total} items for ${there.name}`, {
      field: 'call',
      value: `${asked.total} items for ${asked.name}`,
      hint: 'The n-th call of a task must ask for the same in every attempt: what was asked for stays asked for.',
    })
  }

  #touch({ id }: TaskHead, call: MapCall): Promise<boolean> {
    return this.#store.tasks.update([{ id, expect: runsIn(call, MAPPING), set: { mapped: 1 } }]).then(([outcome]) => outcome === 'applied')
  }
}

/** @throws CarillonError ITEM_TOO_LARGE, JSON_TOO_DEEP, MAP_TOO_DEEP */
function childrenOf({ run, task }: Parent, { call, name, items }: MapCall, now: number): TaskRecord[] {
  const last = childTaskId(task.id, call, items.length - 1)
  if (last.length > LIMITS.taskIdLength)
    throw new CarillonError('MAP_TOO_DEEP', `the tasks of task ${task.id} are nested too deep`, { field: 'taskId', value: task.id })
  // With a limit they wait for the planner, which frees as many as may be under way.
  const life = limitOf(run) === undefined ? ({ state: 'queued', queuedAt: now } as const) : {}
  return items.map((item, index) => {
    const limit = { field: `items.${index}`, maxBytes: LIMITS.itemBytes, tooLarge: 'ITEM_TOO_LARGE', notJson: 'INVALID_JSON' } as const
    const place = { id: childTaskId(task.id, call, index), name, index, total: items.length, item: writeJson(item, limit) }
    return { ...taskOfRun(run, place), ...life }
  })
}
