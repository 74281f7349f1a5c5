import { CarillonError, printable } from '@carillon/contracts'
import type { RunHead, RunRecord, Store } from '@carillon/store'
import type { RetryRequest } from './mode.ts'
import { NOT_SUCCEEDED } from './rules/fan-in.ts'

/** Of a fan-out run: all its tasks, or those that did not succeed. @throws CarillonError NOTHING_FAILED, INVALID_REQUEST */
export async function retryOfTasks(
  run: RunHead,
  { only, fromStep }: RetryRequest,
  store: Store,
): Promise<Partial<Pick<RunRecord, 'reason'>>> {
  if (only && !(await hasFailed(run, store))) throw nothingFailed(run)
  if (fromStep !== undefined)
    throw new CarillonError('INVALID_REQUEST', `run ${printable(run.id)} has many tasks: it cannot be restarted from a step`, {
      field: 'fromStep',
      value: printable(fromStep),
    })
  return only ? { reason: 'retry-failed' } : {}
}

/** One that succeeded may have tasks that failed, and were tolerated. */
async function hasFailed({ id, state }: RunHead, store: Store): Promise<boolean> {
  if (state !== 'succeeded' && state !== 'skipped') return true
  return (await store.tasks.countUpTo({ runId: id, states: NOT_SUCCEEDED, atMost: 1 })) > 0
}

export function nothingFailed({ id, state }: RunHead, only: NonNullable<RetryRequest['only']> = 'failed'): CarillonError {
  const what = only === 'failed' ? 'nothing that failed' : 'nothing left to undo'
  return new CarillonError('NOTHING_FAILED', `run ${printable(id)} has ${what}: it is ${state}`, { field: 'only', value: only })
}
