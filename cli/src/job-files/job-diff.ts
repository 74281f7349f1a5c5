import { type FieldChange, fieldChanges } from '@carillon/contracts'
import type { WrittenJob } from './written-job.ts'

/**
 * What differs between a stored job and one of a file, field by field. A file without `mode` leaves it to what the handler announces, and one without
 * `paused` leaves the state to the operator.
 */
export function diffOf(stored: WrittenJob | undefined, wanted: WrittenJob): FieldChange[] {
  const isLeftToHandler = wanted.mode === undefined && (stored?.mode === 'map' || stored?.mode === 'map-reduce')
  const { paused, mode, ...rest } = stored ?? {}
  const before = {
    ...rest,
    ...(mode === undefined || isLeftToHandler ? {} : { mode }),
    ...(paused === undefined || wanted.paused === undefined ? {} : { paused }),
  }
  return fieldChanges(before, wanted).filter(({ field }) => field !== 'name')
}
