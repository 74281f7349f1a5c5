import { CarillonError, type JournalPage, type WorkMessage } from '@carillon/contracts'
import type { FakePresence, partsOn } from '../test-coordinator.ts'
import type { Delivery } from './broker.ts'

/** A task that an instance holds. */
export interface Held {
  readonly work: WorkMessage
  attempt: number
  /** Undefined: it was offered by name, or assigned. */
  readonly delivery: Delivery | undefined
  readonly isAssigned?: true
  /** It has to be claimed before it begins. */
  needsClaim: boolean
  isClaimed?: boolean
  begun: boolean
  /** Of a map: calls that were answered, results that were read. */
  calls: number
  results: string[]
  cursor?: string | undefined
  /** Steps that were done before it began. */
  journal?: Map<number, string> | undefined
  isBusy?: boolean
  /** The instance knows that it does not run the task any more. */
  isRefused?: boolean
  /** What it has read of its steps says that another program goes on with it. */
  isForeign?: boolean
}

export interface Instance {
  readonly id: string
  /** Undefined: of an executor without sessions. */
  readonly session: string | undefined
  /** Undefined: its handlers declare nothing. */
  readonly program: string | undefined
  alive: boolean
  /** Since when its process is suspended. */
  stillSince: number | undefined
  readonly held: Held[]
  /** Attempts that it was offered, and that have ended there. */
  readonly done: Set<string>
  /** The same of those that were pulled or assigned. */
  readonly ended: Set<string>
  /** Attempts that it was assigned, and has declined or released. */
  readonly refused: Set<string>
  /** Tasks of a broadcast that it was offered. */
  readonly legs: Set<string>
}

/** What the tasks of a map do: the root calls so often with so many items, and the first of these map again. */
export interface Program {
  readonly calls: number
  readonly items: number
  readonly isNested: boolean
  /** Of a run with one task. */
  readonly steps: number
}

type UseCases = ReturnType<typeof partsOn>

export const newInstance = (id: string, { hasSession, program }: { hasSession: boolean; program?: string | undefined }): Instance => ({
  id,
  program,
  session: hasSession ? id : undefined,
  alive: true,
  stillSince: undefined,
  held: [],
  done: new Set(),
  ended: new Set(),
  refused: new Set(),
  legs: new Set(),
})

/** How something begins that has just been taken. */
export const fresh = () => ({ begun: false, calls: 0, results: [] as string[] })

interface Given {
  readonly instance: Pick<Instance, 'id' | 'program'>
  readonly program: Program
  readonly ask: <Result>(work: (coordinator: UseCases) => Promise<Result>) => Promise<Result | undefined>
}

/** What the only task of a run does: its steps, of which each gives a result that nobody else could give. False while it has to go on. */
async function doStep(held: Held, { instance: { id: instance, program: own }, program, ask }: Given): Promise<boolean> {
  const { taskId } = held.work
  if (held.journal === undefined) {
    const journal: JournalPage | undefined =
      held.attempt === 1 ? { items: [] } : await ask(({ keepSteps }) => keepSteps.read('default', { taskId, limit: 100 }))
    held.isForeign = own !== undefined && journal?.program !== undefined && journal.program !== own
    if (held.isForeign) return true
    held.journal = journal && new Map(journal.items.map(({ index, result }) => [index, result as string]))
    return false
  }
  const index = held.calls
  if (index === program.steps) return true
  let result = held.journal.get(index)
  if (result === undefined) {
    const outcome = { type: 'done', result: `${own} ${instance} ${held.attempt} ${index}` } as const
    const step = { taskId, attempt: held.attempt, instance, index, name: `step-${index}`, program: own, try: 1, outcome }
    const answer = await ask(({ keepSteps }) =>
      keepSteps.store('default', step).catch((error: unknown) => ({ error: CarillonError.from(error) })),
    )
    if (answer === undefined) return false
    if ('error' in answer) {
      held.isRefused = answer.error.code === 'TASK_NOT_RUNNING'
      return held.isRefused
    }
    result = answer.stored.result as string
  }
  held.results[index] = result
  held.calls++
  return false
}

/** A step of what a task of a map does before it can end; false while it has to go on. */
export async function workOn(held: Held, given: Given): Promise<boolean> {
  const { program, ask } = given
  const instance = given.instance.id
  const { task, taskId, item } = held.work
  if (task === undefined) return held.work.index === undefined ? doStep(held, given) : true
  if (task === 'reduce' || task === 'merge') {
    const page = await ask((coordinator) => coordinator.readResults.execute('default', { taskId, limit: 3, cursor: held.cursor }))
    if (!page) return false
    held.results.push(...page.items.flatMap(({ result }) => result as string[]))
    held.cursor = page.next
    return page.next === undefined
  }
  const calls = task === 'root' ? program.calls : program.isNested && task === 'leaf' && item === 0 ? 1 : 0
  if (held.calls === calls) {
    held.results = [taskId]
    return true
  }
  const items = Array.from({ length: program.items }, (_, i) => i)
  const call = { taskId, attempt: held.attempt, instance, call: held.calls, name: task === 'root' ? 'leaf' : 'deep', items }
  const answer = await ask((coordinator) =>
    coordinator.mapTasks.execute('default', call).catch((error: unknown) => ({ error: CarillonError.from(error) })),
  )
  if (answer === undefined) return false
  if (!('error' in answer)) held.calls++
  else held.isRefused = answer.error.code === 'TASK_NOT_RUNNING'
  return held.isRefused ?? false
}

/** Whether an instance does not have the program that has begun the steps of a task. */
export const isForeign = ({ program }: Instance, work: WorkMessage): boolean =>
  program !== undefined && work.program !== undefined && work.program !== program

export function drop(instance: Instance, held: Held): void {
  const at = instance.held.indexOf(held)
  if (at >= 0) instance.held.splice(at, 1)
}

/** Whether it is this attempt, or was it when it came. */
export const isAttempt = ({ work, attempt: now }: Held, taskId: string, attempt: number) =>
  work.taskId === taskId && (work.attempt === attempt || now === attempt)

export const keyOf = (work: WorkMessage) => `${work.taskId}#${work.attempt}`
export const idsOf = ({ work, attempt }: Held) => ({ runId: work.runId, taskId: work.taskId, attempt })

/** What coordinators see of an instance that has joined. */
export function register(presence: FakePresence, { id, program, session }: Instance, { assignments }: { assignments: boolean }): void {
  if (program) presence.infos.set(id, { program })
  if (session) presence.sessions.set(id, session)
  if (assignments) presence.assignments.add(id)
}

export const namesOfAlive = (instances: readonly Instance[]) => instances.filter(({ alive }) => alive).map(({ id }) => id)
