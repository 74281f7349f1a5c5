import {
  CarillonError,
  type DeclareJob,
  declareJobSchema,
  type HandlerKind,
  type JobInput,
  parseInput,
  printable,
  type RunMode,
} from '@carillon/contracts'
import { checkObject } from './check-object.ts'
import { jobInputOf } from './client/typed-calls.ts'
import { type HandlerOptions, type OfferedHandler, offeredHandler, withOutput } from './executor/handler.ts'
import { type ItemSchemas, type MapDefinition, type MapReduceDefinition, offeredMapHandler } from './executor/map-handler.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from './executor/standard-schema.ts'
import { declaredSteps, runOfSteps, type StepDefinition, type StepList } from './executor/steps-handler.ts'
import type { TaskContext } from './executor/task-context.ts'
import { type AnyHandler, type HandlerDefinition, isDefinition } from './handler-definition.ts'
import type { JsonResult } from './json.ts'
import { type RetryableOptions, type RetryStrategy, retryPolicyOf } from './retry/retry-options.ts'
import type { Retries } from './retry/retry-starter.ts'
import type { Retried } from './retry/retryable.ts'

/** As of `handle`; the schemas are part of the definition. */
export type MapOptions = Omit<HandlerOptions, 'input'>
/** How this process offers a handler that is defined elsewhere. */
export type OfferOptions = Pick<HandlerOptions, 'concurrency' | 'version' | 'accepts'>

/** A job that the code of this process declares: as of `client.jobs.put`. */
export interface JobDeclaration<Payload = unknown> extends Omit<JobInput, 'name' | 'handler'> {
  /** Of this definition: raise it whenever that changes. A lower one than the stored is refused, with a warning. */
  readonly version: number
  /** What its runs do, under the name of the job; or the handler that does it, by its name or definition. */
  readonly handler: ((context: TaskContext<Payload>) => unknown) | string | AnyHandler
}

type Schema = StandardSchema | undefined
type Awaitable<Value> = Value | PromiseLike<Value>
type Payload<Input> = Input extends StandardSchema ? SchemaOutput<Input> : unknown
/** What a handler may return: the input of its output schema, else any JSON. */
type Returned<Output, Result> = Output extends StandardSchema ? SchemaInput<Output> : Result & JsonResult<Result>
/** A handler whose tasks are all alike. */
type PlainHandler<Input extends Schema, Output extends Schema> = HandlerDefinition<Input, Output, 'single' | 'broadcast' | 'shards'>

/** What a process offers: handlers, by name or by definition. */
export abstract class Offers {
  /** By name. */
  protected readonly offered = new Map<string, OfferedHandler>()
  /** Jobs that are declared when this process starts, by name. */
  protected readonly declared = new Map<string, DeclareJob>()

  /**
   * Offer a handler by its definition: payload and result are checked and typed by its schemas.
   * @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST
   */
  handle<Input extends Schema, Output extends Schema, Result>(
    handler: PlainHandler<Input, Output>,
    run: (context: TaskContext<Payload<Input>>) => Awaitable<Returned<Output, Result>>,
    options?: OfferOptions,
  ): this
  /** Offer a handler whose payload is checked and typed by a schema. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST */
  handle<Input extends StandardSchema>(
    name: string,
    run: (context: TaskContext<SchemaOutput<Input>>) => unknown,
    options: HandlerOptions<Input> & { readonly input: Input },
  ): this
  /** Offer a handler that takes its payload as it comes; `mesh.handle<Payload>(…)` types it. */
  handle<Payload = unknown>(
    name: string,
    run: (context: TaskContext<Payload>) => unknown,
    options?: HandlerOptions & { readonly input?: undefined },
  ): this
  handle(handler: string | AnyHandler, run: OfferedHandler['run'], options?: HandlerOptions): this {
    if (!isDefinition(handler)) return this.#offer(offeredHandler(handler, run, options))
    const { output } = handler
    const offered = this.#offeredBy(handler, run, options)
    return this.#offer(output === undefined ? offered : { ...offered, run: withOutput(run, output) })
  }

  /**
   * Offer a handler that runs a list of steps: the result of each is stored before the next one begins, and a run resumes where it was, on any
   * instance. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST
   */
  steps<Input extends Schema, Output extends Schema, Results extends readonly unknown[]>(
    handler: PlainHandler<Input, Output>,
    steps: StepList<Payload<Input>, Results>,
    options?: OfferOptions,
  ): this
  steps<Schema extends StandardSchema, Results extends readonly unknown[]>(
    name: string,
    steps: StepList<SchemaOutput<Schema>, Results>,
    options?: HandlerOptions<Schema>,
  ): this
  steps(handler: string | AnyHandler, steps: readonly StepDefinition<never>[], options: HandlerOptions = {}): this {
    const run = runOfSteps(steps)
    const declared = { ...checkObject('options', options), steps: declaredSteps(steps) }
    if (!isDefinition(handler)) return this.#offer(offeredHandler(handler, run, declared))
    return this.handle(handler as PlainHandler<Schema, undefined>, run as () => Promise<undefined>, declared)
  }

  /** Offer a handler whose runs map: tasks make tasks. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST */
  map<Input extends Schema, Schemas extends ItemSchemas>(
    handler: HandlerDefinition<Input, Schema, 'map'>,
    definition: MapDefinition<Input extends StandardSchema ? Input : StandardSchema, Schemas> & { readonly input?: undefined },
    options?: OfferOptions,
  ): this
  map<Input extends StandardSchema, Schemas extends ItemSchemas>(
    name: string,
    definition: MapDefinition<Input, Schemas>,
    options?: MapOptions,
  ): this
  map(handler: string | AnyHandler, definition: MapDefinition<StandardSchema, ItemSchemas>, options: MapOptions = {}): this {
    return this.#offerMap(handler, definition, { ...options, kind: 'map' })
  }

  /** Offer a handler whose runs map, and bring the results together. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST */
  mapReduce<Input extends Schema, Output extends Schema, Schemas extends ItemSchemas>(
    handler: HandlerDefinition<Input, Output, 'map-reduce'>,
    definition: MapReduceDefinition<
      Input extends StandardSchema ? Input : StandardSchema,
      Schemas,
      Output extends StandardSchema ? SchemaInput<Output> : unknown
    > & { readonly input?: undefined },
    options?: OfferOptions,
  ): this
  mapReduce<Input extends StandardSchema, Schemas extends ItemSchemas>(
    name: string,
    definition: MapReduceDefinition<Input, Schemas>,
    options?: MapOptions,
  ): this
  mapReduce(handler: string | AnyHandler, definition: MapReduceDefinition<StandardSchema, ItemSchemas>, options: MapOptions = {}): this {
    return this.#offerMap(handler, definition, { ...options, kind: 'map-reduce' })
  }

  /**
   * Declare a job with its handler. What an operator has changed of it since, and a pause, stay in force until `carillon jobs release`.
   * @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST; `start` has those that only a coordinator finds
   */
  job<Payload = unknown>(name: string, declared: JobDeclaration<Payload>): this {
    const { version, handler, ...definition } = checkObject('job', declared)
    const isOwn = typeof handler === 'function'
    const input = jobInputOf({ ...definition, name, handler: isOwn ? name : handler } as JobInput)
    const declaration = parseInput(declareJobSchema, { ...input, version }, 'job')
    if (this.declared.has(name))
      throw new CarillonError('INVALID_REQUEST', `Job ${name} is declared already`, { field: 'name', value: name })
    if (isOwn) this.handle<Payload>(name, handler)
    else if (this.isStarted) throw tooLate('Job', name)
    this.declared.set(name, declaration)
    return this
  }

  /**
   * A function whose failed calls are tried again: by their caller, then by the mesh, in this process or in another one that has the same scene. The arguments are JSON, and
   * the function is safe to be tried twice: a try may have had its effect and no answer. Call it before `start`, which the tries of the mesh need.
   *
   * The answer of a call is what the function returns, or `{ deferred: <run> }` where the mesh tries it again.
   * @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST, INVALID_DELAY
   */
  readonly retryable = <Run extends (...args: never[]) => unknown, const Strategy extends RetryStrategy = 'local-then-remote'>(
    options: RetryableOptions<Parameters<Run>, Strategy>,
    run: Run,
  ): ((...args: Parameters<Run>) => Retried<ReturnType<Run>, Strategy>) => {
    const policy = retryPolicyOf(options)
    if (typeof run !== 'function')
      throw new CarillonError('INVALID_REQUEST', `function is wrong: ${printable(run)}`, { field: 'function', value: printable(run) })
    const retryable = this.retries.bind(policy, run)
    const { concurrency, description } = options
    if (policy.strategy !== 'local') this.handle(policy.scene, (context) => retryable.attempt(context), { concurrency, description })
    return (...args) => retryable.call(args) as Retried<ReturnType<Run>, Strategy>
  }

  #offerMap(
    handler: string | AnyHandler,
    definition: MapDefinition<StandardSchema, ItemSchemas>,
    options: MapOptions & { readonly kind: HandlerKind },
  ): this {
    if (!isDefinition(handler)) return this.#offer(offeredMapHandler(handler, definition, options))
    if (handler.mode !== options.kind) throw wrongMode(handler, options.kind)
    const { name, input, description } = handler
    return this.#offer(offeredMapHandler(name, { ...definition, input }, { description, ...options }))
  }

  #offeredBy(handler: AnyHandler, run: OfferedHandler['run'], options: OfferOptions = {}): OfferedHandler {
    const { name, input, description, mode } = handler
    if (mode === 'map' || mode === 'map-reduce') throw wrongMode(handler, 'single')
    return offeredHandler(name, run, { input, description, ...options })
  }

  protected abstract get retries(): Retries

  /** Whether it is too late to offer more. */
  protected abstract get isStarted(): boolean

  #offer(handler: OfferedHandler): this {
    const { name } = handler
    if (this.offered.has(name)) {
      throw new CarillonError('HANDLER_EXISTS', `There is a handler ${name} already`, { field: 'handler', value: name })
    }
    if (this.isStarted) throw tooLate('Handler', name)
    this.offered.set(name, handler)
    return this
  }
}

function tooLate(what: 'Handler' | 'Job', name: string): CarillonError {
  const field = what.toLowerCase()
  return new CarillonError('INVALID_REQUEST', `${what} ${name} comes too late: call ${what === 'Job' ? 'job' : 'handle'} before start`, {
    field,
  })
}

const METHODS: Readonly<Partial<Record<RunMode, string>>> = { map: 'map', 'map-reduce': 'mapReduce' }

function wrongMode({ name, mode }: AnyHandler, offered: RunMode): CarillonError {
  const [right, given] = [METHODS[mode] ?? 'handle', METHODS[offered] ?? 'handle']
  return new CarillonError('INVALID_REQUEST', `handler is wrong: ${name} is defined with mode "${mode}", and mesh.${given} was called`, {
    field: 'handler',
    value: name,
    hint: `Offer it with mesh.${right}, or define it with another mode.`,
  })
}
