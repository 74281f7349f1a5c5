import { REASONS, type Reason } from './lifecycle.ts'
import type { Failure } from './run.ts'

/** Reasons of failures that user code threw: the name of the error adds information to them. */
const THROWN: readonly (Reason | undefined)[] = ['handler-error', 'non-retryable', 'retry']

/** The fields of a run, or of an event of it, that explain its state. */
export interface Explained {
  readonly reason?: Reason | undefined
  readonly message?: string | undefined
  readonly failure?: Failure | undefined
}

/** Why a run is in its state: its message, else its failure, else the text of its reason. Empty when there is none of them. */
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
