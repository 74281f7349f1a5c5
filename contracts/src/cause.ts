import { REASONS, type Reason } from './lifecycle.ts'
import type { Failure } from './run.ts'

/** Reasons that say that user code threw: the name of its error says something that they do not. */
const THROWN: readonly (Reason | undefined)[] = ['handler-error', 'non-retryable', 'retry']

/** What a run or an event of it says about its state. */
export interface Explained {
  readonly reason?: Reason | undefined
  readonly message?: string | undefined
  readonly failure?: Failure | undefined
}

/** Why a run is in its state, said once: what its message says, else its failure, else its reason in words. Empty when there is none of them. */
export function causeText({ reason, message, failure }: Explained): string {
  if (message !== undefined && message !== failure?.message) return message
  if (failure !== undefined) return failureText(failure, reason)
  if (reason === undefined) return ''
  const text: string = REASONS[reason]
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replace(/\.$/, '')
}

function failureText({ name, message }: Failure, reason: Reason | undefined): string {
  if (message === '') return name
  return name !== 'Error' && THROWN.includes(reason) ? `${name}: ${message}` : message
}
