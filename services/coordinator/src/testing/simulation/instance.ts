import { CarillonError, type WorkMessage } from '@carillon/contracts'
import type { useCasesOn } from '../test-coordinator.ts'
import type { Delivery } from './broker.ts'

/** What an instance has taken. */
export interface Held {
  readonly work: WorkMessage
  attempt: number
  /** Undefined: it was offered by name. */
  readonly delivery: Delivery | undefined
  /** A coordinator is to be asked before it begins. */
  isDoubtful: boolean
  isClaimed?: boolean
  begun: boolean
  /** Of a map: calls that were answered, results that were read. */
  calls: number
  results: string[]
  cursor?: string | undefined
  isBusy?: boolean
  /** It has heard that it does not run any more. */
  isRefused?: boolean
}

export interface Instance {
  readonly id: string
  alive: boolean
  readonly held: Held[]
  readonly done: Set<string>
}

/** What the tasks of a map do: the root calls so often with so many items, and the first of these map again. */
export interface Program {
  readonly calls: number
  readonly items: number
  readonly isNested: boolean
}

type UseCases = ReturnType<typeof useCasesOn>

/** How something begins that has just been taken. */
export const fresh = () => ({ begun: false, calls: 0, results: [] as string[] })

/** A step of what a task of a map does before it can end; false while it has to go on. */
export async function workOn(
  held: Held,
  given: {
    instance: string
    program: Program
    ask: <Result>(work: (coordinator: UseCases) => Promise<Result>) => Promise<Result | undefined>
  },
): Promise<boolean> {
  const { instance, program, ask } = given
  const { task, taskId, item } = held.work
  if (task === undefined) return true
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

export function drop(instance: Instance, held: Held): void {
  const at = instance.held.indexOf(held)
  if (at >= 0) instance.held.splice(at, 1)
}

export const keyOf = (work: WorkMessage) => `${work.taskId}#${work.attempt}`
export const idsOf = ({ work, attempt }: Held) => ({ runId: work.runId, taskId: work.taskId, attempt })
