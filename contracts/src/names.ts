import { CarillonError, printable } from './errors.ts'
import { LIMITS } from './limits.ts'

/** A token of a subject: the restricted term of NATS ADR-6. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/
/** Keys of every JavaScript object: a record keyed by such a name would read inherited values. */
export const RESERVED_NAMES: ReadonlySet<unknown> = new Set(['__proto__', 'constructor', 'prototype'])

/** The format of a name, as text. */
export const NAME_RULE = `1 to ${LIMITS.nameLength} letters, digits, "-" or "_"`

/** Whether `text` may be a subject token: the restricted term of NATS ADR-6, at most 64 letters. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && NAME.test(text) && !RESERVED_NAMES.has(text)
}

/** What would be right instead of `value`. */
export function nameHint(value: unknown): string {
  return RESERVED_NAMES.has(value) ? `This word is reserved in JavaScript; use another of ${NAME_RULE}.` : `Use ${NAME_RULE}.`
}

/** @throws CarillonError INVALID_NAME that names the field and the value */
export function checkName(field: string, value: unknown): string {
  if (isName(value)) return value
  throw new CarillonError('INVALID_NAME', `${field} ${printable(value)} is not a name`, {
    field,
    value: printable(value),
    hint: nameHint(value),
  })
}
