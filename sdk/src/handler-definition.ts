import { CarillonError, checkName, parseInput, printable, type RunMode, type RunState, startRunSchema } from '@carillon/contracts'
import { type RunOptions, type RunRequest, withoutUndefined } from './client/start-item.ts'
import { checkSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from './executor/standard-schema.ts'
import type { Jsonify, Unchanged } from './json.ts'

/** Defaults of runs of a handler, which a call may override; as of `RunOptions`. */
const DEFAULTS = [
  'attempts',
  'backoff',
  'nonRetryable',
  'timeoutMs',
  'runTimeoutMs',
  'deadlineMs',
  'priority',
  'shards',
  'maxParallel',
  'tolerate',
  'labels',
  'where',
  'route',
  'instances',
  'hashKey',
] as const
type Defaults = Pick<RunOptions, (typeof DEFAULTS)[number]>

/** The argument of `defineHandler`. */
export interface HandlerSettings<Input, Output, Mode> extends Defaults {
  /** Names the handler in the mesh. */
  readonly name: string
  /** What a payload must be: any schema that follows Standard Schema. Checked by the executor: a payload that fails ends its run, `invalid-payload`. */
  readonly input?: Input | undefined
  /** What the handler must return. Checked by the executor: a result that fails ends its run, `invalid-result`. */
  readonly output?: Output | undefined
  /** Shown to people. */
  readonly description?: string | undefined
  /** As of `RunOptions`; `shards` goes with the option of that name. Default: `single`. */
  readonly mode?: Mode | undefined
}

/** A handler as callers and executors share it: there is no code of the handler in it. */
export interface HandlerDefinition<Input, Output, Mode extends RunMode> {
  readonly name: string
  readonly input: Input
  readonly output: Output
  readonly description: string | undefined
  readonly mode: Mode
  readonly defaults: Defaults
}

type Schema = StandardSchema | undefined
export type AnyHandler = HandlerDefinition<Schema, Schema, RunMode>

/** What callers pass. */
export type PayloadOf<Handler extends AnyHandler> = Handler['input'] extends StandardSchema ? SchemaInput<Handler['input']> : unknown

/** What callers get: the result of its run as JSON, or how many tasks of a fan-out run have ended in which state. */
export type ResultOf<Handler extends AnyHandler> = Handler['mode'] extends 'single' | 'map-reduce'
  ? Handler['output'] extends StandardSchema
    ? Jsonify<SchemaOutput<Handler['output']>>
    : unknown
  : FanOutResult

/** The result of a run whose tasks have results of their own. */
export interface FanOutResult {
  readonly tasks: Readonly<Partial<Record<RunState, number>>>
}

/** `unknown` for a schema whose values are the same after JSON; else a type that names the difference. */
export type CheckedInput<Input> = Input extends StandardSchema
  ? [SchemaInput<Input>] extends [Unchanged<SchemaInput<Input>>]
    ? unknown
    : Unchanged<SchemaInput<Input>>
  : unknown

/**
 * Define a handler for its callers and its executors.
 * @throws CarillonError INVALID_NAME, INVALID_REQUEST, INVALID_DELAY: names the field
 */
export function defineHandler<Input extends Schema = undefined, Output extends Schema = undefined, Mode extends RunMode = 'single'>(
  settings: HandlerSettings<Input, Output, Mode> & { readonly input?: CheckedInput<Input> },
): HandlerDefinition<Input, Output, Mode> {
  if (typeof settings !== 'object' || settings === null) throw wrong('handler', settings, 'Pass an object with at least a name.')
  const { name, input, output, description, mode = 'single' as Mode, ...rest } = settings
  checkName('handler', name)
  checkSchema('input', input)
  checkSchema('output', output)
  for (const field of Object.keys(rest))
    if (!(DEFAULTS as readonly string[]).includes(field))
      throw wrong(field, rest[field as never], `Use name, input, output, description, mode, ${DEFAULTS.join(', ')}.`)
  const hasShards = rest.shards !== undefined
  if (mode === 'shards' ? !hasShards : hasShards && mode !== 'map-reduce')
    throw wrong('shards', rest.shards, 'Give shards with mode "shards" (its tasks) or "map-reduce" (its reduce tasks).')
  const defaults = withoutUndefined(rest) as Defaults
  parseInput(startRunSchema, { handler: name, ...defaults, ...modeOption(mode) }, 'handler')
  return Object.freeze({ name, input: input as Input, output: output as Output, description, mode, defaults: Object.freeze(defaults) })
}

/** Whether a caller named a handler by its definition. */
export const isDefinition = (named: unknown): named is AnyHandler => typeof named === 'object' && named !== null && 'defaults' in named

/** A start of a handler: its definition has the defaults. */
export function requestOf(handler: AnyHandler, call: Omit<RunRequest, 'job' | 'handler'>): RunRequest {
  return { ...runOptionsOf(handler, call), handler: handler.name }
}

/** The options over the defaults of a handler. If the options request another mode, the defaults of its tasks are left out. */
export function runOptionsOf<Options extends Pick<RunOptions, 'mode' | 'shards' | 'items'>>(
  handler: AnyHandler,
  options: Options,
): Options {
  const given = withoutUndefined(options) as Options
  const { shards, ...policy } = handler.defaults
  const isOther = given.mode !== undefined || given.items !== undefined || (given.shards !== undefined && handler.mode !== 'map-reduce')
  return { ...policy, ...(isOther ? {} : { ...modeOption(handler.mode), ...(shards === undefined ? {} : { shards }) }), ...given }
}

/** `single` is left to the mode that the handler announces; shards are requested by their number. */
function modeOption(mode: RunMode): Pick<RunOptions, 'mode'> {
  return mode === 'single' || mode === 'shards' || mode === 'workflow' ? {} : { mode }
}

function wrong(field: string, value: unknown, hint: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${field} is wrong: ${printable(value)}`, { field, value: printable(value), hint })
}
