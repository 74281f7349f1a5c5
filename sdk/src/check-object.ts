import { CarillonError, printable } from '@carillon/contracts'

/** An object that callers without types may have left out, or may have given as something else. @throws CarillonError INVALID_REQUEST */
export function checkObject<Value>(field: string, value: Value): Value {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, {
    field,
    value: printable(value),
    hint: 'Pass an object.',
  })
}
