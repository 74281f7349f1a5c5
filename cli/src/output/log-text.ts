import type { LogLevel, LogView } from '@carillon/contracts'
import { harmless, type Terminal, type Tone } from './terminal.ts'
import { clockText } from './time-text.ts'

const TONES: Readonly<Record<LogLevel, Tone>> = { debug: 'quiet', info: 'accent', warn: 'warning', error: 'bad' }

/** A log line for people: time, level, the task in a fan-out run, text, then its fields as `name=value`. */
export function logText(terminal: Terminal, line: LogView, nowMs: number): string {
  const fields = Object.entries(line.fields ?? {}).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const level = terminal.paint(TONES[line.level], line.level.toUpperCase().padEnd(5))
  const task = line.taskId === line.runId ? '' : terminal.paint('quiet', `[${line.taskId.slice(line.runId.length + 1)}] `)
  const rest = fields.length > 0 ? ` ${terminal.paint('quiet', harmless(fields.join(' ')))}` : ''
  return `${terminal.paint('quiet', clockText(line.at, nowMs))} ${level} ${task}${harmless(line.message).replaceAll('\n', '\n  ')}${rest}`
}

/** The marker of missing lines. */
export const missingText = (terminal: Terminal, count: number): string =>
  terminal.paint('warning', `… ${count} ${count === 1 ? 'line is' : 'lines are'} missing: the buffer of the executor was full`)
