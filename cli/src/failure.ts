import { CarillonError } from '@carillon/contracts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { CutShort } from './output/json-array.ts'
import { printProblem } from './output/problem.ts'
import { createTerminal, type Sink } from './output/terminal.ts'
import { UsageError } from './usage-error.ts'

/** The part of `process` that a failure is reported with. */
export interface Surroundings {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Sink
  readonly stderr: Sink
}

/** Prints what went wrong and answers the exit code. Help and version end a command too, without an error. */
export function reportFailure(error: unknown, surroundings: Surroundings): number {
  const { argv, env, stderr } = surroundings
  if (error instanceof CutShort) return reportFailure(error.cause, { ...surroundings, stdout: stderr })
  if (error instanceof UsageError && error.exitCode === 0) return EXIT.ok
  // Help that was not asked for, because a command is missing, has been printed instead.
  if (error instanceof UsageError && error.code === 'commander.help') return EXIT.wrongInput
  const problem = error instanceof UsageError ? fromUsage(error) : CarillonError.from(error)
  // The options may be invalid: the arguments themselves are searched.
  const terminal = createTerminal({ stdout: surroundings.stdout, stderr, json: argv.includes('--json'), environment: env })
  printProblem(terminal, problem, { stack: env['CARILLON_DEBUG'] === '1' })
  return exitCodeOf(problem.code)
}

function fromUsage({ message, help }: UsageError): CarillonError {
  const [, text = message, suggestion] = /^(?:error: )?(.*?)(?:\n\((.*)\))?$/s.exec(message) ?? []
  return new CarillonError('INVALID_REQUEST', text, { hint: suggestion ?? `See ${help}.` })
}
