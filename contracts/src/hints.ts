import type * as z from 'zod'

/** `missing`: of a field that is unknown, those that could be meant. */
export type Issue = z.core.$ZodIssue & { readonly missing?: readonly string[] }
/** Messages that zod generates; custom messages already say what would be right. */
const DEFAULT_TEXT = /^(Invalid|Too (small|big)|Unrecognized)/
const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
}

/** A whole number as English writes it: 10,000. By hand, because the first `toLocaleString` of a process takes 20 ms, and every process makes hints. */
export const countText = (count: number | bigint): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** What would be right, in words, where a schema found something wrong. */
export function hintOf(issue: Issue): string {
  if (!DEFAULT_TEXT.test(issue.message)) return issue.message
  if (issue.code === 'invalid_key' && issue.issues[0]) return hintOf(issue.issues[0])
  if (issue.code === 'unrecognized_keys' && issue.missing?.length) return unknownHint(issue.keys[0] as string, issue.missing)
  if (issue.code === 'unrecognized_keys') return 'Leave it out, or correct its name: there is no such field (docs/PROTOCOL.md lists them).'
  if (issue.code === 'invalid_type') return `Use ${KINDS[issue.expected] ?? issue.expected}.`
  if (issue.code === 'invalid_value') return `Use one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}.`
  if (issue.code === 'too_small') return `Use ${unitOf(issue.origin, 'at least', issue.minimum)}.`
  if (issue.code === 'too_big') return `Use ${unitOf(issue.origin, 'at most', issue.maximum)}.`
  return issue.message
}

/** Half of its letters make a name one that was meant. */
function unknownHint(name: string, missing: readonly string[]): string {
  const meant = nearest(name, missing)
  if (2 * commonLetters(name, meant) >= name.length) return `There is no such field: did you mean ${meant}?`
  return `There is no such field: give ${missing.length > 1 ? 'one of ' : ''}${missing.join(', ')}.`
}

/** The name with the longest common prefix; of several the one whose length is nearest. */
export function nearest(name: string, allowed: readonly string[]): string {
  const unlike = (other: string) => Math.abs(other.length - name.length) - 100 * commonLetters(name.toLowerCase(), other.toLowerCase())
  return [...allowed].sort((a, b) => unlike(a) - unlike(b))[0] as string
}

function commonLetters(a: string, b: string): number {
  let count = 0
  while (count < a.length && a[count] === b[count]) count++
  return count
}

function unitOf(origin: string, bound: string, limit: number | bigint): string {
  const count = countText(limit)
  if (origin === 'string') return `${bound} ${count} letter${count === '1' ? '' : 's'}`
  if (origin === 'array') return `${bound} ${count} entr${count === '1' ? 'y' : 'ies'}`
  return `${bound} ${count}`
}
