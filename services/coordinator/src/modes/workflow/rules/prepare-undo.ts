import { CarillonError, LIMITS, type WorkflowNode } from '@carillon/contracts'
import type { RunHead, TaskRecord } from '@carillon/store'
import { termsOf } from '../../../runs/rules/terms.ts'
import type { Prepared } from './prepare-node.ts'
import { toUndo } from './undo.ts'

/** Payload and result always fit into a message; the context is left out where it does not fit beside them. */
const MOST_BYTES = LIMITS.payloadBytes + LIMITS.resultBytes + 64 * 1024

/** What the handler that undoes a node is given, as its payload. */
interface UndoPayload {
  readonly node: string
  /** `unknown`: it timed out, was lost or was cancelled, and may have done anything. */
  readonly outcome: 'succeeded' | 'unknown'
  /** What the node was given. */
  readonly payload?: unknown
  /** What it has returned; null where that is unknown. */
  readonly result: unknown
}

/**
 * The task that undoes a node: its payload is that of the node and its result, its context the one that the node has left.
 * @param of.payload of the run, as JSON text
 */
export function prepareUndo(node: WorkflowNode, { task, payload, run }: { task: TaskRecord; payload: string; run: RunHead }): Prepared {
  try {
    const compensation = toUndo(node, task)
    if (!compensation) throw new CarillonError('INTERNAL', `node ${node.id} has nothing that can be undone`, { field: 'compensate' })
    const { handler, attempts, backoff, timeoutMs, nonRetryable } = compensation
    const own = {
      handler,
      ...(attempts === undefined ? {} : { tries: attempts }),
      ...(backoff === undefined ? {} : { backoff }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(nonRetryable === undefined ? {} : { terms: termsOf({ nonRetryable }, run.terms) }),
    }
    return { kind: 'work', item: itemOf(node, task, payload), own }
  } catch (error) {
    return { kind: 'failed', error: CarillonError.from(error) }
  }
}

function itemOf({ id }: WorkflowNode, task: TaskRecord, runPayload: string): string {
  const given = task.item === null ? {} : (JSON.parse(task.item) as { payload?: unknown; context?: object })
  const added = task.context === null ? {} : (JSON.parse(task.context) as object)
  const context = { ...given.context, ...added }
  const undo: UndoPayload = {
    node: id,
    outcome: task.state === 'succeeded' ? 'succeeded' : 'unknown',
    payload: 'payload' in given ? given.payload : JSON.parse(runPayload),
    result: task.state === 'succeeded' && task.result !== null ? JSON.parse(task.result) : null,
  }
  const text = Object.keys(context).length > 0 ? JSON.stringify({ payload: undo, context }) : ''
  return text !== '' && Buffer.byteLength(text) <= MOST_BYTES ? text : JSON.stringify({ payload: undo })
}
