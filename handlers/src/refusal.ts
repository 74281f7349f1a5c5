import { CarillonError, printable } from '@carillon/contracts'
import { NonRetryableError } from '@carillon/sdk'

/** A task that asks for what this executor does not do: names the field of its payload, the value and what would be right. */
export function refusal(field: string, value: unknown, hint: string): NonRetryableError {
  return new NonRetryableError(`${field} is wrong: ${printable(value)}. ${hint}`)
}

/** A setting of the executor that is wrong, found before it starts. */
export function wrongSetting(field: string, value: string, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
