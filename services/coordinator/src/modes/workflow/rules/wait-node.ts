import type { NodeWait } from '@carillon/contracts'
import type { TaskHead, TaskRecord } from '@carillon/store'
import type { Decision } from '../../../runs/rules/decision.ts'

/** How the task of a node that waits begins. Without a time limit it has no timer. */
export function begunWait(
  { id, wait }: { readonly id: string; readonly wait: NodeWait },
  now: number,
): Pick<TaskRecord, 'state' | 'reason' | 'wakeAt' | 'delayMs' | 'startedAt' | 'waits'> {
  const begun = { state: 'delayed', startedAt: now, waits: null } as const
  if ('until' in wait) return { ...begun, reason: 'delay', wakeAt: Math.max(now, Date.parse(wait.until)), delayMs: null }
  if ('durationMs' in wait) return { ...begun, reason: 'delay', wakeAt: now + wait.durationMs, delayMs: wait.durationMs }
  const { timeoutMs } = 'approval' in wait ? wait.approval : wait
  const limit = timeoutMs === undefined ? { wakeAt: null, delayMs: null } : { wakeAt: now + timeoutMs, delayMs: timeoutMs }
  // A signal of its name decides, too, but where roles are needed: a signal has none.
  if ('approval' in wait)
    return { ...begun, ...limit, reason: 'approval', waits: wait.approval.by === undefined ? [{ step: 0, signal: id }] : null }
  return { ...begun, ...limit, reason: 'signal', waits: [{ step: 0, signal: wait.signal }] }
}

/** The end of a wait whose time has come: a signal or an approval did not. */
export function endedWait(task: TaskHead, now: number): Decision {
  const expect = { state: ['delayed'], attempt: task.attempt } as const
  const ended = { endedAt: now, wakeAt: null } as const
  if (task.reason !== 'signal' && task.reason !== 'approval')
    return { event: 'resolved', expect, set: { ...ended, state: 'succeeded', reason: 'completed', result: 'null' } }
  const what = task.reason === 'approval' ? 'nobody has decided' : `no signal ${task.waits?.[0]?.signal} has come`
  const error = { name: 'WaitTimedOut', message: `${what} within ${task.delayMs} ms` }
  return { event: 'rejected', expect, set: { ...ended, state: 'failed', reason: 'wait-timeout', error } }
}
