import { nodeOfTask } from '@carillon/contracts'
import type { RunRecord, TaskRecord } from '@carillon/store'
import { type Interpretation, interpret, type Script } from './interpret.ts'
import type { RandomWorkflow } from './made-workflow.ts'
import { endOf } from './random-workflow.ts'

/** A child run with its tasks. */
export interface ChildRun {
  readonly run: RunRecord
  readonly tasks: readonly TaskRecord[]
}

/** A run of a workflow, and what is within it. */
export interface Played {
  readonly run: RunRecord
  readonly made: RandomWorkflow
  /** The tasks of its nodes, of the current generation, by the id of the node. */
  readonly current: ReadonlyMap<string, TaskRecord>
  /** By its id. */
  readonly children: ReadonlyMap<string, ChildRun>
}

const BY_HAND: Readonly<Record<string, 'skipped' | 'succeeded'>> = {
  'skipped-by-request': 'skipped',
  'succeeded-by-request': 'succeeded',
}

export const byHand = (task: TaskRecord | undefined) => BY_HAND[task?.reason ?? '']

/** Tasks of its nodes, of the current generation. */
export function currentOf({ run, tasks }: ChildRun, { workflow }: RandomWorkflow): { readonly id: string; readonly task: TaskRecord }[] {
  return tasks.flatMap((task) => {
    const { place = -1, generation } = nodeOfTask(task.id) ?? {}
    return generation === generationOf(run, place) ? [{ id: workflow.nodes[place]?.id ?? task.id, task }] : []
  })
}

export const generationOf = ({ generations }: RunRecord, place: number) => generations?.[place] ?? 1

/**
 * What happens outside of the graph, from what the workflow was made of. Of what happened nothing is taken but when nodes ended, what operators and senders did, and
 * what was lost so often that it counts as poison.
 * @param given of a workflow within another one
 */
export function scriptOf(played: Played, given?: { payload: unknown; context: Readonly<Record<string, unknown>> }): Script {
  const { run, made, current } = played
  const generation = (id: string) =>
    generationOf(
      run,
      made.workflow.nodes.findIndex((node) => node.id === id),
    )
  return {
    payload: (given?.payload ?? made.payload) as Script['payload'],
    ...(given ? { context: given.context } : {}),
    conditions: made.conditions,
    values: made.values,
    endOf: (id) => {
      if (isWait(made, id)) return current.get(id)?.state === 'failed' ? 'failed' : 'succeeded'
      // Whether it is right that it is poison is judged apart.
      return isPoison(played, id) ? 'failed' : endOf(courseOf(made, id), generation(id))
    },
    byHand: (id) => byHand(current.get(id)),
    resultOf: (id) => {
      if (isWait(made, id)) return JSON.parse(current.get(id)?.result ?? 'null')
      const child = made.children.get(id)
      if (child?.kind === 'list') return { total: child.total, succeeded: child.total - child.bad.size, failed: child.bad.size }
      return courseOf(made, id).result
    },
    additionOf: (id) => (isWait(made, id) ? {} : courseOf(made, id).addition),
    endedAt: (id) => current.get(id)?.endedAt ?? 0,
    within: (id, handed): Interpretation | undefined => {
      const inner = withinOf(played, id)
      return inner && interpret(inner.made.workflow, scriptOf(inner, handed))
    },
  }
}

/** The workflow that a node is; undefined of all others. One that has not begun has no tasks. */
export function withinOf({ run, made, current, children }: Played, id: string): Played | undefined {
  const child = made.children.get(id)
  if (child?.kind !== 'workflow') return undefined
  const there = children.get(current.get(id)?.node?.child ?? '') ?? { run: { ...run, generations: null }, tasks: [] }
  const tasks = currentOf(there, child.made)
  return { run: there.run, made: child.made, current: new Map(tasks.map(({ id: node, task }) => [node, task])), children }
}

function isPoison({ current, children }: Played, id: string): boolean {
  const task = current.get(id)
  const child = children.get(task?.node?.child ?? '')
  return [task, child?.run, ...(child?.tasks ?? [])].some((life) => life?.reason === 'poison')
}

const isWait = ({ workflow }: RandomWorkflow, id: string) => 'wait' in (workflow.nodes.find((node) => node.id === id) ?? {})

function courseOf({ courses }: RandomWorkflow, id: string) {
  const course = courses.get(id)
  if (!course) throw new Error(`node ${id} has no handler`)
  return course
}
