import { isEnded } from '@carillon/contracts'
import type { TaskRecord } from '@carillon/store'
import type { History } from './history.ts'
import type { Fate, Interpretation } from './interpret.ts'
import type { Child } from './made-workflow.ts'
import { type ChildRun, type Played, withinOf } from './script-of.ts'

type Ran = Extract<Fate, { is: 'ran' }>

/** What is wrong with the runs within a run, by the interpreter of the rules. @param isCut it was cancelled, or undone: they have ended, whatever they have become */
export function* judgeChildren(
  played: Played,
  { expected, history, isCut }: { expected: Interpretation; history: History; isCut: boolean },
): Generator<string> {
  for (const [id, child] of played.made.children) {
    const task = played.current.get(id)
    const there = task && played.children.get(task.node?.child ?? '')
    if (!task) continue
    const open = there && [there.run, ...there.tasks].find(({ state }) => !isEnded(state))
    if (open) yield `${open.id}, of node ${id}, never ended: it is ${open.state}`
    const fate = expected.fates.get(id)
    if (isCut || fate?.is !== 'ran' || fate.given === undefined) continue
    if (there) yield* judgeChild(played, { id, child, task, there, fate, history })
    else if (!(child.kind === 'list' && child.total === 0)) yield `node ${id} is ${task.state}, and its child run is not there`
  }
}

function* judgeChild(
  played: Played,
  of: { id: string; child: Child; task: TaskRecord; there: ChildRun; fate: Ran; history: History },
): Generator<string> {
  const { id, child, task, there, fate, history } = of
  if (task.reason === 'skipped-by-request') return
  const { run, tasks } = there
  if ((run.state === 'succeeded') !== (task.state === 'succeeded')) yield `node ${id} is ${task.state}, and its child run ${run.state}`
  if (child.kind !== 'list' && run.payload !== JSON.stringify(fate.given?.payload))
    yield `the child run of node ${id} was given ${run.payload}, and had to be given ${JSON.stringify(fate.given?.payload)}`
  if (child.kind === 'list' && tasks.length !== child.total) yield `node ${id} has ${tasks.length} tasks for ${child.total} items`
  if (child.kind === 'list')
    for (const { index, state, reason } of tasks)
      if ((state === 'succeeded') === child.bad.has(index) && reason !== 'poison') yield `item ${index} of node ${id} is ${state}`
  const inner = withinOf(played, id)
  if (inner && fate.inner) yield* judgeWithin(inner, fate.inner, history)
}

/** A workflow within another one: nobody retries, changes or pauses it by itself. */
function* judgeWithin(inner: Played, expected: Interpretation, history: History): Generator<string> {
  const { run, made, current } = inner
  if (run.state !== expected.state) yield `run ${run.id} is ${run.state}: ${run.reason}, and had to be ${expected.state}`
  for (const { id } of made.workflow.nodes) {
    const [task, fate] = [current.get(id), expected.fates.get(id) as Fate]
    if (task && fate.is !== 'ran') yield `node ${id} is ${fate.is}, and has a task, which is ${task.state}`
    if (!task && fate.is === 'ran') yield `node ${id} had to run, and has no task`
    if (!task || fate.is !== 'ran') continue
    if (task.state !== fate.state) yield `node ${id} is ${task.state}: ${task.reason}, and had to be ${fate.state}`
    if (fate.branch !== undefined && task.node?.branch !== fate.branch)
      yield `decision ${id} took branch ${task.node?.branch}, and had to take ${fate.branch}`
    const createdAt = history.created.get(task.id)?.at ?? 0
    for (const before of expected.ancestors.get(id) ?? []) {
      const one = current.get(before)
      if (one && !((history.ended.get(one.id)?.at ?? Number.POSITIVE_INFINITY) < createdAt))
        yield `node ${id} was started before ${before} had ended`
      if (!one && expected.fates.get(before)?.is === 'ran') yield `node ${id} was started, and ${before} before it never was`
    }
  }
  yield* judgeChildren(inner, { expected, history, isCut: false })
}
