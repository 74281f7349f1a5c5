import { isTaskId, runIdOfTask } from '@carillon/contracts'
import type { LifeStore, RunHead, RunRecord, Slice, Store, TaskHead, TaskRecord } from '@carillon/store'
import { bytesOf, isTaskOfRun, onlyTask, runOf, type TaskOfRun, type WholeWork, type Work } from './runs/rules/work.ts'

/** Where the life of a task is stored: the only task of a single run in the run's record, a task of a fan-out run in one of its own. */
export const LIFE_KINDS = ['runs', 'tasks'] as const
export type LifeKind = (typeof LIFE_KINDS)[number]

/** The queries that both stores answer. */
type Lives = Pick<LifeStore<never, RunHead | TaskHead>, 'queued' | 'ownedBy' | 'due' | 'heads' | 'update'>

/** Tasks by id, each with its run; the only task of a single run has the run's id. What is not there is undefined. */
export function readLives(store: Store, ids: readonly string[]): Promise<(Work | undefined)[]> {
  return splitting(ids, isTaskId, {
    ofRuns: async (runIds): Promise<(Work | undefined)[]> => (await store.runs.heads(runIds)).map((run) => run && onlyTask(run)),
    ofTasks: async (taskIds) => withRuns(store, await store.tasks.heads(taskIds)),
  })
}

/** A page of one kind, each life with its run. */
export async function readPage(
  store: Store,
  kind: LifeKind,
  read: (lives: Lives) => Promise<Slice<RunHead | TaskHead>>,
): Promise<Slice<Work | undefined>> {
  const { items, cursor } = await read(store[kind])
  const works = kind === 'runs' ? (items as RunHead[]).map(onlyTask) : await withRuns(store, items as TaskHead[])
  return { items: works, ...(cursor === undefined ? {} : { cursor }) }
}

/** The store in which the life of a task is written. */
export const livesOf = (store: Store, work: Work): Lives => store[isTaskOfRun(work) ? 'tasks' : 'runs']

/**
 * Reads tasks with all that their messages carry: the first ones, as many as hold so many bytes, one in any case. What is not there is
 * undefined.
 */
export async function readWhole(store: Store, ids: readonly string[], maxBytes: number): Promise<(WholeWork | undefined)[]> {
  const taskIds = ids.filter(isTaskId)
  const tasks = new Map((await store.tasks.get(taskIds, maxBytes)).map((task, i) => [taskIds[i] as string, task]))
  const runIds = [...new Set(ids.flatMap((id) => runIdOfTask(id) ?? id))]
  const runs = new Map((await store.runs.get(runIds, maxBytes)).map((run, i) => [runIds[i] as string, run]))
  const works: (WholeWork | undefined)[] = []
  let bytes = 0
  for (const id of ids) {
    const runId = runIdOfTask(id)
    // What did not fit is not in the answer.
    if (!runs.has(runId ?? id) || (runId !== undefined && !tasks.has(id))) break
    const work = wholeWork(runs.get(runId ?? id), runId === undefined ? undefined : { task: tasks.get(id) })
    // A message carries the payload of the run as well: many tasks may share one.
    if (work) bytes += bytesOf(work)
    if (bytes > maxBytes && works.length > 0) break
    works.push(work)
  }
  return works
}

function wholeWork(run: RunRecord | undefined, own: { task: TaskRecord | undefined } | undefined): WholeWork | undefined {
  if (!run) return undefined
  if (!own) return onlyTask(run)
  return own.task && { run: runOf(run, own.task), task: own.task }
}

/** Tasks by id, of fan-out runs only. */
export async function readTasks(store: Store, ids: readonly string[]): Promise<(TaskOfRun | undefined)[]> {
  return withRuns(store, await store.tasks.heads(ids))
}

/** Joins tasks with their runs; undefined for a task whose run is missing. */
async function withRuns(store: Store, tasks: readonly (TaskHead | undefined)[]): Promise<(TaskOfRun | undefined)[]> {
  const runIds = [...new Set(tasks.flatMap((task) => (task ? [task.runId] : [])))]
  const runs = new Map((await store.runs.heads(runIds)).map((run) => [run?.id, run]))
  return tasks.map((task) => {
    const run = task && runs.get(task.runId)
    return run && { task, run: runOf(run, task) }
  })
}

/** Answers of both kinds, in the order of the items. */
export async function splitting<Item, Answer>(
  items: readonly Item[],
  isOfTask: (item: Item) => boolean,
  ask: { ofRuns: (items: readonly Item[]) => Promise<readonly Answer[]>; ofTasks: (items: readonly Item[]) => Promise<readonly Answer[]> },
): Promise<Answer[]> {
  const ofTasks = items.filter(isOfTask)
  if (ofTasks.length === 0) return [...(await ask.ofRuns(items))]
  const ofRuns = items.filter((item) => !isOfTask(item))
  const runs = ofRuns.length === 0 ? [] : await ask.ofRuns(ofRuns)
  const tasks = await ask.ofTasks(ofTasks)
  let [run, task] = [0, 0]
  return items.map((item) => (isOfTask(item) ? tasks[task++] : runs[run++]) as Answer)
}
