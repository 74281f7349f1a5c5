import {
  CarillonError,
  checkName,
  type DeclaredStep,
  type HandlerInfo,
  type HandlerKind,
  isUndeclared,
  LIMITS,
  printable,
} from '@carillon/contracts'
import { checkObject } from '../check-object.ts'
import { type OfferedProgram, offeredProgram, type ProgramOptions } from './program.ts'
import { checkedResult, checkSchema, isThenable, jsonSchemaOf, type StandardSchema } from './standard-schema.ts'
import type { TaskContext } from './task-context.ts'

export interface HandlerOptions<Schema extends StandardSchema = StandardSchema> extends ProgramOptions {
  /** Tasks of this handler that run at once in this process. Default 10. */
  readonly concurrency?: number | undefined
  /** Checks and types the payload; a payload that fails ends the run `failed`, reason `invalid-payload`, without a retry. */
  readonly input?: Schema | undefined
  /** Shown to people. */
  readonly description?: string | undefined
}

/** A function that this process offers by name. What it returns is the result: JSON up to 256 KiB. */
export interface OfferedHandler extends OfferedProgram {
  readonly name: string
  readonly run: (context: TaskContext<never>) => unknown
  readonly concurrency: number
  readonly input: StandardSchema | undefined
  readonly description: string | undefined
  /** The mode of its runs. */
  readonly kind?: HandlerKind
}

const DEFAULT_CONCURRENCY = 10

/** @param options.steps of a handler that is a list of steps. @throws CarillonError INVALID_NAME, INVALID_REQUEST */
export function offeredHandler(
  name: string,
  run: OfferedHandler['run'],
  options: HandlerOptions & { readonly steps?: readonly DeclaredStep[] } = {},
): OfferedHandler {
  const { concurrency = DEFAULT_CONCURRENCY, input, description, steps } = checkObject('options', options)
  checkName('handler', name)
  if (typeof run !== 'function') throw wrong('handler', run, 'Pass a function.')
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > LIMITS.capacity) {
    throw wrong('concurrency', concurrency, `Use a whole number from 1 to ${LIMITS.capacity}.`)
  }
  checkSchema('input', input)
  return { name, run, concurrency, input, description, ...offeredProgram(name, options, steps) }
}

/** The same handler, with what it returns checked by a schema. */
export function withOutput(run: OfferedHandler['run'], output: StandardSchema): OfferedHandler['run'] {
  const check = (result: unknown) => checkedResult(output, result)
  return (context) => {
    const returned = run(context)
    return isThenable(returned) ? Promise.resolve(returned).then(check) : check(returned)
  }
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}

/** What an executor announces of a handler. */
export function handlerInfo({ name, description, input, kind, program, accepts, steps }: OfferedHandler): HandlerInfo {
  const inputSchema = jsonSchemaOf(input)
  const about = { ...(description !== undefined && { description }), ...(kind !== undefined && { kind }) }
  const programInfo = {
    ...(isUndeclared(program) ? {} : { program }),
    ...(accepts.length > 0 && { accepts: [...accepts] }),
    ...(steps !== undefined && steps.length <= LIMITS.declaredSteps && { steps: [...steps] }),
  }
  return { name, ...about, ...programInfo, ...(inputSchema !== undefined && { inputSchema }) }
}
