import { createHash } from 'node:crypto'
import {
  CarillonError,
  type DeclaredStep,
  declaredProgram,
  isProgramVersion,
  LIMITS,
  PROGRAM_VERSION_RULE,
  printable,
  programField,
  undeclaredProgram,
  versionedProgram,
} from '@carillon/contracts'

/** Which program a handler is, for runs whose steps are stored. */
export interface ProgramOptions {
  /**
   * Of the handler: a run goes on with the version that stored its first step. Give a new one whenever steps are others than before. Default: the fingerprint of a list
   * of steps; other handlers declare none, and are not protected.
   */
  readonly version?: string | undefined
  /** Ids of older programs, such as `order@v1`, whose runs this one goes on with: its first steps are theirs, or it knows what they have stored. */
  readonly accepts?: readonly string[] | undefined
}

/** The fields of a handler that say which program it is. */
export interface OfferedProgram {
  readonly program: string
  readonly accepts: readonly string[]
  readonly steps: readonly DeclaredStep[] | undefined
}

/** @throws CarillonError INVALID_REQUEST */
export function offeredProgram(
  handler: string,
  { version, accepts = [] }: ProgramOptions,
  steps?: readonly DeclaredStep[],
): OfferedProgram {
  if (version !== undefined && !isProgramVersion(version)) throw wrong('version', version, PROGRAM_VERSION_RULE)
  if (!Array.isArray(accepts) || accepts.length > LIMITS.acceptedPrograms)
    throw wrong('accepts', accepts, `Pass a list of at most ${LIMITS.acceptedPrograms} programs.`)
  for (const program of accepts)
    if (!programField.safeParse(program).success || !program.startsWith(`${handler}@`))
      throw wrong('accepts', program, `Use ids of programs of this handler, such as ${handler}@v1: carillon versions list shows them.`)
  return { program: programOf(handler, version, steps), accepts, steps }
}

function programOf(handler: string, version: string | undefined, steps: readonly DeclaredStep[] | undefined): string {
  if (version !== undefined) return versionedProgram(handler, version)
  if (steps === undefined) return undeclaredProgram(handler)
  const text = JSON.stringify(steps.map(({ name, kind }) => [name, kind]))
  return declaredProgram(handler, createHash('sha256').update(text).digest('hex'))
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
