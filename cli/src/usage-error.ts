import { type Command, CommanderError } from 'commander'
import { CARILLON } from './own-command.ts'

/** A command line that does not fit, or a call for help. */
export class UsageError extends CommanderError {
  /** How to see what would fit, such as `carillon jobs put --help`. */
  readonly help: string

  constructor({ exitCode, code, message }: CommanderError, help: string) {
    super(exitCode, code, message)
    this.help = help
  }
}

/** Lets this command and all below throw a `UsageError` of their own instead of ending the process. */
export function throwUsageErrors(command: Command, path: readonly string[] = [CARILLON]): void {
  command.exitOverride((error) => {
    throw new UsageError(error, `${path.join(' ')} --help`)
  })
  for (const child of command.commands) throwUsageErrors(child, [...path, child.name()])
}
