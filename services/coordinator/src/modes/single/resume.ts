import { setImmediate as nextTurn } from 'node:timers/promises'
import { CarillonError, LIMITS, printable } from '@carillon/contracts'
import type { Resume, RunHead, Store } from '@carillon/store'
import { retriedAt } from '../../runs/rules/life.ts'
import { entriesOf } from '../../steps/rules/journal.ts'

/** Steps that are read for their names come with their results. */
const NAMES_PAGE_BYTES = 2 * 1024 * 1024

/**
 * The step from which a run with steps resumes when it is retried: where it failed, but from the first step if it had succeeded, or from a step that
 * the request names.
 * @throws CarillonError INVALID_REQUEST of a step that it has not come to
 */
export async function resumeFrom(store: Store, run: RunHead, fromStep: string | undefined): Promise<Resume> {
  const epoch = run.attempt + 1
  if (fromStep === undefined) return run.state === 'succeeded' ? { step: 0, epoch, since: epoch } : retriedAt(run, epoch)
  const names: string[] = []
  let cursor: string | undefined
  do {
    const slice = await store.steps.list({ taskId: run.id, cursor, limit: LIMITS.pageSize, maxBytes: NAMES_PAGE_BYTES })
    for (const { index, name } of entriesOf(slice.items, run.resume)) names[index] = name
    cursor = slice.cursor
    await nextTurn()
  } while (cursor)
  const step = names.indexOf(fromStep)
  if (step >= 0) return { step, epoch, since: epoch }
  throw new CarillonError('INVALID_REQUEST', `run ${printable(run.id)} has not come to a step ${printable(fromStep)}`, {
    field: 'fromStep',
    value: printable(fromStep),
    hint: names.length > 0 ? `These are stored: ${names.join(', ')}.` : 'It has stored no step at all.',
  })
}
