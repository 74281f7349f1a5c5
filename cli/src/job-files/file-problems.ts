import { CarillonError, printable } from '@carillon/contracts'

/** What is wrong with one entry of a file. */
export interface EntryProblem {
  readonly line: number
  readonly error: CarillonError
}

/** @throws CarillonError of the first of these problems, with the lines of the others */
export function refuse(file: string, problems: readonly EntryProblem[]): void {
  const [first, ...others] = problems.toSorted((one, other) => one.line - other.line)
  if (first === undefined) return
  const { code, message, details } = first.error
  const more = others.length === 0 ? '' : ` (wrong, too: ${others.length === 1 ? 'line' : 'lines'} ${linesText(others)})`
  throw new CarillonError(code, `${file}:${first.line}: ${message}${more}; nothing is applied`, { ...details, cause: first.error })
}

const MOST_LINES = 10
function linesText(problems: readonly EntryProblem[]): string {
  const lines = problems.slice(0, MOST_LINES).map(({ line }) => line)
  return `${lines.join(', ')}${problems.length > MOST_LINES ? `, and ${problems.length - MOST_LINES} more` : ''}`
}

/** An error about a job of a file. */
export function problemAt(error: CarillonError, line: number, name: string | undefined): EntryProblem {
  const { code, message, details } = error
  const of = name === undefined ? '' : `job ${printable(name)}: `
  return { line, error: new CarillonError(code, `${of}${message}`, { ...details, cause: error }) }
}
