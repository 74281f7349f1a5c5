import { nodeOfTask } from '@carillon/contracts'
import type { RunHead, TaskHead } from '@carillon/store'

/** How often a node has been begun. */
export const generationOf = ({ generations }: Pick<RunHead, 'generations'>, place: number): number => generations?.[place] ?? 1

/** Whether a task is of the current generation of its node. */
export function isCurrent(run: Pick<RunHead, 'generations'>, id: string): boolean {
  const at = nodeOfTask(id)
  return at !== undefined && at.generation === generationOf(run, at.place)
}

/** Whether it is a task of a handler that counts: of a workflow one of the current generation. */
export const isWork = (run: RunHead, { id, node }: Pick<TaskHead, 'id' | 'node'>): boolean =>
  node === null || (node.own !== undefined && isCurrent(run, id))
