import { CarillonError, type ErrorBody, type ErrorProblem } from '@carillon/contracts'
import { asTyped } from '../own-command.ts'
import { harmless, type Terminal } from './terminal.ts'

/** Prints an error: `error CODE: message` and its details on stderr, or one object on stdout for programs. */
export function printProblem(terminal: Terminal, error: unknown, options: { stack: boolean }): void {
  const given = CarillonError.from(error).toBody()
  const body = given.hint === undefined ? given : { ...given, hint: asTyped(given.hint) }
  if (terminal.json) terminal.value({ error: body })
  else for (const line of problemLines(body)) terminal.note(line)
  if (options.stack) terminal.note(stackOf(error))
}

function problemLines(body: ErrorBody): string[] {
  const lines = [`error ${body.code}: ${body.message}`]
  if (body.problems && body.problems.length > 0)
    return [...lines, ...body.problems.map((problem) => `  ${problemText(problem)}`)].map(harmless)
  for (const name of ['field', 'value', 'hint'] as const) {
    const text = name === 'value' ? quoted(body.value) : body[name]
    if (text !== undefined) lines.push(`  ${name}: ${text.replaceAll('\n', '\n    ')}`)
  }
  return lines.map(harmless)
}

/** One of several things that are wrong, in a line. */
export function problemText({ field, value, problem, hint }: ErrorProblem): string {
  const given = value === '' || value === 'undefined' ? '' : `: ${quoted(value)}`
  return `${field}: ${problem}${given}. ${hint}`
}

/** Text in quotes, so that its spaces and its end are seen; most errors bring them along. */
function quoted(value: string | undefined): string | undefined {
  return value === undefined || /^(["{[]|(-?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null|undefined|NaN)$)/.test(value)
    ? value
    : JSON.stringify(value)
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? String(error.stack) : `${error.stack}\ncaused by: ${stackOf(error.cause)}`
}
