import { type JournalEntry, LIMITS, type StepCall } from '@carillon/contracts'
import { momentOf, type TimeOrDuration, wrongMoment } from '../moment.ts'
import { NonRetryableError } from './handler-errors.ts'

export const HORIZON_MS = LIMITS.horizonYears * 365 * 86_400_000

/** @throws CarillonError INVALID_DELAY */
export function sleeping(until: TimeOrDuration, now: number): Extract<StepCall['outcome'], { type: 'sleeping' }> {
  const moment = momentOf('until', until)
  if (Math.abs('at' in moment ? moment.at - now : moment.forMs) > HORIZON_MS) throw wrongMoment('until', until)
  return 'at' in moment ? { type: 'sleeping', until: new Date(moment.at).toISOString() } : { type: 'sleeping', forMs: moment.forMs }
}

/** The stored failure of a step, which the program has received before. */
export function failureAgain({ failure }: JournalEntry): Error {
  const { name = 'Error', message = '', retryable } = failure ?? {}
  const error = retryable === false ? new NonRetryableError(message) : new Error(message)
  return Object.defineProperty(error, 'name', { value: name })
}
