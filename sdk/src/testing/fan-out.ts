import {
  CarillonError,
  childTaskId,
  isEnded,
  LIMITS,
  type MapCall,
  printable,
  type Reason,
  type RunState,
  type Stage,
  stageOf,
  stageTaskId,
  taskIdOf,
} from '@carillon/contracts'
import { applyEvent, type Run, type Task } from './life.ts'

type Counts = Partial<Record<RunState, number>>

/** Makes the first tasks of a fan-out run, and begins it. @param instances that offer its handler: the legs of a broadcast */
export function beginFanOut(run: Run, instances: readonly string[], now: number): void {
  const { mode, items } = run
  if (mode === 'broadcast' && instances.length === 0) return
  if (isMap(run)) addTask(run, { id: stageTaskId(run.id, 'map'), task: 'root', index: 0, total: 1 })
  else {
    const total = mode === 'broadcast' ? instances.length : (items?.length ?? run.shards ?? 0)
    for (let index = 0; index < total; index++) {
      const own = mode === 'broadcast' ? { target: instances[index] } : { item: items?.[index] }
      addTask(run, { id: taskIdOf(run.id, index), index, total, ...own })
    }
  }
  applyEvent(run, 'started', { reason: undefined, startedAt: now })
  run.firstStartedAt ??= now
}

/** Reconciles a fan-out run: frees what waits, makes the next stage, ends it. */
export function goOn(run: Run, now: number): void {
  if (run.state !== 'running' && run.state !== 'cancelling') return
  const open = () => [...run.tasks.values()].filter(({ state }) => !isEnded(state))
  if (open().length === 0) {
    const end = endOrNextStage(run)
    if (end) endAs(run, end, now)
  }
  if (run.state === 'running') free(run, open())
}

/** No task is open: makes those that come next, or ends the run. */
function endOrNextStage(run: Run): End | undefined {
  const first = isMap(run) ? ofStage(run, 'map') : [...run.tasks.values()]
  // Only leaves decide; but of a task that failed after it had mapped, what it still had to map is missing.
  const deciding = countsOf(first.filter(({ hasMapped, state }) => !hasMapped || state !== 'succeeded'))
  const end = endOf(run, deciding)
  if (end.event !== 'succeeded' || run.mode !== 'map-reduce') return end
  const [reduced, merged] = [ofStage(run, 'reduce'), ofStage(run, 'merge')]
  const counts = countsOf([...reduced, ...merged])
  const unfinished = (counts.failed ?? 0) + (counts.timed_out ?? 0) + (counts.cancelled ?? 0)
  if (unfinished > 0) return endOf({ ...run, tolerate: undefined }, counts)
  const leaves = first.filter(({ hasMapped, state }) => !hasMapped && state === 'succeeded')
  const last = merged[0] ?? (reduced.length === 1 ? reduced[0] : undefined)
  if (leaves.length === 0 || last) return last ? { ...end, result: last.result } : end
  if (run.state === 'cancelling') return endOf(run, { ...deciding, cancelled: 1 })
  if (reduced.length > 0) addTask(run, { id: stageTaskId(run.id, 'merge'), task: 'merge', index: 0, total: 1, reduces: reduced })
  else reduce(run, leaves)
  return undefined
}

/** Parts are contiguous and even, larger ones first. */
function reduce(run: Run, leaves: readonly Task[]): void {
  const total = Math.min(run.shards ?? 1, leaves.length)
  for (let index = 0, from = 0; index < total; index++) {
    const size = Math.floor(leaves.length / total) + (index < leaves.length % total ? 1 : 0)
    const reduces = leaves.slice(from, from + size)
    addTask(run, { id: stageTaskId(run.id, 'reduce', index), task: 'reduce', index, total, reduces })
    from += size
  }
}

interface End {
  readonly event: 'succeeded' | 'failed' | 'cancelled'
  readonly reason: Reason
  readonly result: unknown
  readonly failure?: { readonly name: string; readonly message: string }
}

/** More failed than tolerated fail the run, else one that was cancelled cancels it. */
function endOf({ tolerate, state }: Run, counts: Counts): End {
  const failed = (counts.failed ?? 0) + (counts.timed_out ?? 0)
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const tolerated = typeof tolerate === 'string' ? Math.floor((Number.parseFloat(tolerate) / 100) * total) : (tolerate ?? 0)
  const failure = failed > 0 ? { failure: { name: 'TasksFailed', message: `${failed} of ${total} tasks failed` } } : {}
  const more = { result: { tasks: counts }, ...failure }
  if (failed > tolerated) return { event: 'failed', reason: 'tasks-failed', ...more }
  if ((counts.cancelled ?? 0) === 0) return { event: 'succeeded', reason: 'completed', ...more }
  return { event: 'cancelled', reason: state === 'cancelling' ? 'cancelled-by-request' : 'tasks-cancelled', ...more }
}

function endAs(run: Run, { event, ...set }: End, now: number): void {
  applyEvent(run, event, { ...set, endedAt: now })
}

function free(run: Run, open: readonly Task[]): void {
  const waiting = open.filter(({ state }) => state === 'waiting')
  const room = run.maxParallel === undefined ? waiting.length : run.maxParallel - (open.length - waiting.length)
  for (const task of waiting.slice(0, Math.max(0, room))) applyEvent(task, 'freed', { reason: undefined })
}

/** Creates a task for each item that a running task maps. A repeated call, in any attempt, creates nothing new. */
export function mapTasks(run: Run, parent: Task, { call, name, items }: MapCall): number {
  if (childTaskId(parent.id, call, items.length - 1).length > LIMITS.taskIdLength)
    throw new CarillonError('MAP_TOO_DEEP', `the tasks of task ${parent.id} are nested too deep`, { field: 'taskId', value: parent.id })
  const there = run.tasks.get(childTaskId(parent.id, call, 0))
  if (there && (there.task !== name || there.total !== items.length)) {
    const hint = 'The n-th call of a task must ask for the same in every attempt: what was asked for stays asked for.'
    const message = `call is wrong: an earlier attempt has asked for ${there.total} items for ${there.task}`
    throw new CarillonError('INVALID_REQUEST', message, { field: 'call', value: `${items.length} items for ${printable(name)}`, hint })
  }
  parent.hasMapped = true
  if (there) return 0
  for (const [index, item] of items.entries())
    addTask(run, { id: childTaskId(parent.id, call, index), task: name, index, total: items.length, item })
  return items.length
}

const isMap = ({ mode }: Run) => mode === 'map' || mode === 'map-reduce'

/** In the order of their ids: that of the map. */
function ofStage(run: Run, stage: Stage): Task[] {
  return [...run.tasks.values()].filter(({ id }) => stageOf(id) === stage).sort((one, other) => (one.id < other.id ? -1 : 1))
}

function countsOf(tasks: readonly Task[]): Counts {
  const counts: Counts = {}
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

function addTask(
  run: Run,
  place: Pick<Task, 'id' | 'index' | 'total'> & Partial<Pick<Task, 'item' | 'task' | 'target' | 'reduces'>>,
): void {
  const fresh = { runId: run.id, state: 'waiting', attempt: 1, attempts: run.tries, losses: 0, since: 1, hasMapped: false } as const
  run.tasks.set(place.id, { ...place, ...fresh })
}
