import { isEnded } from '@carillon/contracts'
import type { RunHead } from '@carillon/store'
import type { Work } from '../../runs/rules/work.ts'

/** What is to be done about a child run. */
type ChildStep = 'cancel' | 'pause' | 'resume'

/**
 * An open child run follows the run that it is within: it does not outlive its parent, and is paused as long as that is. Decided from what is stored of both, so any
 * coordinator may do it at any time. Undefined: nothing is to be done.
 * @param parent the task that has started it, or waits for it, with its run
 */
export function stepOfChild(child: RunHead, parent: Work | undefined): ChildStep | undefined {
  if (isEnded(child.state) || child.state === 'cancelling') return undefined
  if (!parent || isOver(parent)) return 'cancel'
  if (parent.run.state === 'paused') return child.state === 'paused' ? undefined : 'pause'
  return child.state === 'paused' && child.terms?.paused?.within ? 'resume' : undefined
}

function isOver({ run, task }: Work): boolean {
  if (isEnded(run.state)) return true
  // The task of a node that has been begun again has ended: its later one may go on with the same child run, which is up to the plan of the workflow.
  const isOfNode = 'node' in task && task.node?.child !== undefined
  return task.state === 'cancelling' || (!isOfNode && isEnded(task.state))
}
