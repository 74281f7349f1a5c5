import { CarillonError, type FinishedReport, LIMITS, printable, writeJson } from '@carillon/contracts'

/** Keys that an error names. */
const NAMED = 3

/** The bytes of each value of a context. */
export const sizesOf = (context: Readonly<Record<string, unknown>>): (readonly [key: string, bytes: number])[] =>
  Object.entries(context).map(([key, value]) => [key, Buffer.byteLength(JSON.stringify(value) ?? '')] as const)

/** Says of a context that is too large what most of it is. */
export function largestKeys(context: Readonly<Record<string, unknown>>): string {
  const largest = sizesOf(context).toSorted(([, one], [, other]) => other - one)
  const keys = largest.slice(0, NAMED).map(([key, bytes]) => `${printable(key)} ${bytes}`)
  return `the largest keys: ${keys.join(', ')}`
}

const CONTEXT = { field: 'context', maxBytes: LIMITS.contextBytes, tooLarge: 'CONTEXT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const

/** What a node adds to the context, as JSON text. @throws CarillonError CONTEXT_TOO_LARGE, RESULT_NOT_JSON */
export function contextText(context: FinishedReport['context']): string | undefined {
  if (context === undefined) return undefined
  try {
    return writeJson(context, CONTEXT)
  } catch (error) {
    const { code, message, details } = CarillonError.from(error)
    if (code !== 'CONTEXT_TOO_LARGE') throw error
    throw new CarillonError(code, `${message}; ${largestKeys(context)}`, details)
  }
}
