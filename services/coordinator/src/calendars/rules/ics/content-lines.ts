import { refuse } from './refuse.ts'

/** A property of iCalendar (RFC 5545, 3.1): `NAME;PARAMETER=VALUE:VALUE`. Its parameters mean nothing here. */
export interface ContentLine {
  /** In capital letters. */
  readonly name: string
  readonly value: string
  /** Where it begins, counted from 1. */
  readonly line: number
}

const NAME = /[A-Za-z0-9-]+/y

/** The properties of a text, unfolded. Lines end with CRLF or LF. @throws CarillonError INVALID_CALENDAR */
export function* contentLines(text: string): Generator<ContentLine> {
  if (text.includes('\0'))
    throw refuse('a byte of zero', { line: lineAt(text, text.indexOf('\0')), value: '\0', hint: 'Save the file as UTF-8 text.' })
  let parts: string[] = []
  let begin = 1
  let line = 0
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length; ) {
    const lineEnd = text.indexOf('\n', at)
    const end = lineEnd < 0 ? text.length : lineEnd
    const given = text.slice(at, text[end - 1] === '\r' && end > at ? end - 1 : end)
    line++
    at = end + 1
    if (given.startsWith(' ') || given.startsWith('\t')) {
      parts.push(given.slice(1))
      continue
    }
    yield* propertyOf(parts, begin)
    parts = [given]
    begin = line
  }
  yield* propertyOf(parts, begin)
}

function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line++
  return line
}

function* propertyOf(parts: readonly string[], line: number): Generator<ContentLine> {
  const text = parts.join('')
  if (text.trim() === '') return
  NAME.lastIndex = 0
  const name = NAME.exec(text)?.[0] ?? ''
  const colon = name === '' ? -1 : colonAfter(text, name.length)
  if (colon < 0)
    throw refuse('no property', { line, value: text, hint: 'A line of iCalendar is NAME:VALUE; one that goes on begins with a space.' })
  yield { name: name.toUpperCase(), value: text.slice(colon + 1), line }
}

/** The colon that ends the parameters; one within quotation marks does not. */
function colonAfter(text: string, from: number): number {
  if (text[from] !== ':' && text[from] !== ';') return -1
  let isQuoted = false
  for (let i = from; i < text.length; i++) {
    if (text[i] === '"') isQuoted = !isQuoted
    else if (text[i] === ':' && !isQuoted) return i
  }
  return -1
}
