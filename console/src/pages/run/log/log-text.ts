import type { LogLevel } from '@carillon/contracts'
import { hasText, LOG_LEVELS, withoutTerminalCodes } from '@carillon/contracts'
import type { Line } from './log-buffer.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it removes.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/** They show a text in another order than it is in. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g

/** A part of a message, without what controls a page or a terminal; line ends become `⏎`. */
export const printablePart = (text: string): string => text.replace(/\r?\n/g, ' ⏎ ').replace(CONTROL, '').replace(DIRECTION, '')

/** The message without colours of terminals, cursor moves, links and signs that turn its direction. */
export const plainMessage = (message: string): string => printablePart(withoutTerminalCodes(message))

/** The fields behind a message, `name=value`. */
export function fieldsText(fields: Line['fields']): string {
  if (fields === undefined) return ''
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

export interface LineFilter {
  readonly level: LogLevel
  readonly text: string
}

/** Whether the logger would answer this line, too: of lines that come by the stream. */
export function accepts(filter: LineFilter, line: Line): boolean {
  return LOG_LEVELS.indexOf(line.level) >= LOG_LEVELS.indexOf(filter.level) && (filter.text === '' || hasText(line, filter.text))
}

/** A range of lines in a URL: `#L120` or `#L120-140`; lines count from 1. */
export interface LineRange {
  readonly from: number
  readonly to: number
}

export function parseRange(hash: string): LineRange | undefined {
  const match = /^#?L(\d{1,9})(?:-(\d{1,9}))?$/.exec(hash)
  if (match === null) return undefined
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])]
  return { from: Math.max(1, Math.min(from, to)), to: Math.max(from, to) }
}

export const writeRange = ({ from, to }: LineRange): string => (from === to ? `L${from}` : `L${from}-${to}`)

/** Lines as a text file has them, without colours of terminals. */
export function textOfLines(lines: readonly Line[]): string {
  return lines
    .map((line) =>
      [line.at, line.level.toUpperCase().padEnd(5), withoutTerminalCodes(line.message), fieldsText(line.fields)]
        .filter((part) => part !== '')
        .join(' '),
    )
    .join('\n')
}
