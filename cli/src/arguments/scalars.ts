import { CarillonError, parseInstant, printable } from '@carillon/contracts'

/** A whole number between two bounds. @throws CarillonError INVALID_REQUEST that names the option */
export function parseWhole(option: string, text: string, range: { min: number; max: number }): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (value >= range.min && value <= range.max) return value
  throw wrong(option, text, `Use a whole number from ${range.min} to ${range.max}.`)
}

/** A text that is not blank. @throws CarillonError INVALID_REQUEST that names the option */
export function parseText(option: string, text: string, hint: string): string {
  if (text.trim() !== '') return text
  throw new CarillonError('INVALID_REQUEST', `${option} is empty`, { field: option, value: printable(text), hint })
}

/** One of a few words. @throws CarillonError INVALID_REQUEST that names the option and the words */
export function parseChoice<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === text)
  if (word !== undefined) return word
  throw wrong(option, text, `Use ${words.slice(0, -1).join(', ')} or ${words.at(-1)}.`)
}

/** A point in time as the wire writes it; a person may leave out its seconds. @throws CarillonError INVALID_DATE that names the option */
export function parseTime(option: string, text: string): string {
  const instant = timeOf(text)
  if (instant !== undefined) return instant
  throw new CarillonError('INVALID_DATE', `${option} is wrong: ${printable(text)}`, { field: option, value: printable(text) })
}

/** The same, or undefined. */
export function timeOf(text: string): string | undefined {
  const instant = text.replace(/(T\d\d:\d\d)(?=Z$|[+-])/, '$1:00')
  return parseInstant(instant) === undefined ? undefined : instant
}

/** An error about an option of the command line. */
export function wrong(option: string, value: string, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${option} is wrong: ${printable(value)}`, { field: option, value: printable(value), hint })
}
