import { isLosslessNumber, isSafeNumber, LosslessNumber, parse, stringify } from 'lossless-json'

/** A number as it is written: one that a double would change keeps its text. */
export const exactNumber = (text: string): number | LosslessNumber => (isSafeNumber(text) ? Number(text) : new LosslessNumber(text))

/** A JSON text, with every number as it is written. @throws SyntaxError, with the position */
export const parseExactly = (text: string): unknown => parse(text, undefined, exactNumber)

/** A value as JSON text; the same digits of every number come back. */
export const writeExactly = (value: unknown, indent?: number): string => stringify(value, undefined, indent) ?? ''

/** Whether a value is a number, of whatever length. */
export const isExactNumber = (value: unknown): value is number | LosslessNumber => typeof value === 'number' || isLosslessNumber(value)

/** An object of JSON: neither a list nor a number that keeps its text. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value) && !(value instanceof UnfinishedJson)

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/
/** What a person typed into a field of a number; undefined: it is none. */
export const typedNumber = (text: string): number | LosslessNumber | undefined =>
  NUMBER.test(text.trim()) ? exactNumber(text.trim()) : undefined

/** Whether two values are the same JSON, whatever the order of members. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return sorted(one) === sorted(other)
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`
  if (!isObject(value)) return writeExactly(value ?? null)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${sorted(member)}`)
    .join()}}`
}

/** A text that is to be JSON and is not: what is typed is kept until it is. */
export class UnfinishedJson {
  readonly text: string
  readonly message: string

  constructor(text: string, message: string) {
    this.text = text
    this.message = message
  }
}

/** What a text of JSON means, or the text with what is wrong with it. An empty one is no value. */
export function typedJson(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return parseExactly(text)
  } catch (error) {
    return new UnfinishedJson(text, error instanceof Error ? error.message : String(error))
  }
}

/** A value as the text in which it is edited. */
export const editedText = (value: unknown): string =>
  value instanceof UnfinishedJson ? value.text : value === undefined ? '' : writeExactly(value, 2)
