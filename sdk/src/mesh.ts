import { CarillonError, type HandlerKind, type RunMode } from '@carillon/contracts'
import type { Client } from './client/client.ts'
import type { Link } from './connection/link.ts'
import { Executor, type ExecutorOptions } from './executor/executor.ts'
import { type HandlerOptions, type OfferedHandler, offeredHandler, withOutput } from './executor/handler.ts'
import { type ItemSchemas, type MapDefinition, type MapReduceDefinition, offeredMapHandler } from './executor/map-handler.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from './executor/standard-schema.ts'
import { runOfSteps, type StepDefinition, type StepList } from './executor/steps-handler.ts'
import type { TaskContext } from './executor/task-context.ts'
import { type AnyHandler, type HandlerDefinition, isDefinition } from './handler-definition.ts'
import type { JsonResult } from './json.ts'
import { onShutdownSignal } from './shutdown-signals.ts'

/** @internal */
export interface MeshOptions extends Omit<ExecutorOptions, 'handlers' | 'onDrain'> {
  readonly client: Client
  readonly drainMs: number
  readonly signals: boolean
}

/** As of `handle`; the schemas are part of the definition. */
export type MapOptions = Omit<HandlerOptions, 'input'>
/** How this process offers a handler that is defined elsewhere. */
export type OfferOptions = Pick<HandlerOptions, 'concurrency'>

type Schema = StandardSchema | undefined
type Awaitable<Value> = Value | PromiseLike<Value>
type Payload<Input> = Input extends StandardSchema ? SchemaOutput<Input> : unknown
/** What a handler may return: what its output schema takes, else what can be written as JSON. */
type Returned<Output, Result> = Output extends StandardSchema ? SchemaInput<Output> : Result & JsonResult<Result>
/** A handler whose tasks are all alike. */
type PlainHandler<Input extends Schema, Output extends Schema> = HandlerDefinition<Input, Output, 'single' | 'broadcast' | 'shards'>

/** A process's place in the mesh: a client always, an executor once it has handlers and is started. */
export class Mesh {
  /** Asks the mesh for things: starts runs, reads, subscribes. */
  readonly client: Client
  /** The name of this process in the mesh. */
  readonly instance: string
  readonly #options: MeshOptions
  readonly #link: Link
  readonly #handlers = new Map<string, OfferedHandler>()
  #executor: Executor | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #forgetSignals: () => void = () => undefined

  /** @internal */
  constructor(options: MeshOptions) {
    this.client = options.client
    this.instance = options.identity.instance
    this.#options = options
    this.#link = options.link
  }

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
    const offered = this.#offered(handler, run, options)
    return this.#offer(output === undefined ? offered : { ...offered, run: withOutput(run, output) })
  }

  /**
   * Offer a handler that does a list of steps: what each returns is stored before the next one begins, and a run goes on where it was, on any
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
    if (!isDefinition(handler)) return this.#offer(offeredHandler(handler, runOfSteps(steps), options))
    return this.handle(handler as PlainHandler<Schema, undefined>, runOfSteps(steps) as () => Promise<undefined>, options)
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

  #offered(handler: AnyHandler, run: OfferedHandler['run'], options: OfferOptions = {}): OfferedHandler {
    const { name, input, description, mode } = handler
    if (mode === 'map' || mode === 'map-reduce') throw wrongMode(handler, 'single')
    return offeredHandler(name, run, { input, description, ...options })
  }

  #offer(handler: OfferedHandler): this {
    const { name } = handler
    if (this.#handlers.has(name)) {
      throw new CarillonError('HANDLER_EXISTS', `There is a handler ${name} already`, { field: 'handler', value: name })
    }
    if (this.#starting)
      throw new CarillonError('INVALID_REQUEST', `Handler ${name} comes too late: call handle before start`, { field: 'handler' })
    this.#handlers.set(name, handler)
    return this
  }

  /**
   * Register and begin to run tasks. Waits until a registry answers; from SIGTERM or SIGINT on it drains (option `signals`).
   * @throws CarillonError NATS_TOO_OLD, JETSTREAM_MISSING, NOT_CONNECTED after `stop`
   */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Take no more work, give back what has not begun, wait up to `drainMs` for what runs, report, say goodbye, close the connection.
   * A pure client closes at once.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new CarillonError('NOT_CONNECTED', 'This mesh was stopped')
    if (this.#options.signals) this.#forgetSignals = onShutdownSignal(() => this.stop())
    this.#executor = new Executor({ ...this.#options, handlers: [...this.#handlers.values()], onDrain: () => this.#drainByOrder() })
    await this.#executor.start().catch((error: unknown) => {
      this.#forgetSignals()
      throw error
    })
  }

  #drainByOrder(): void {
    this.stop().catch((error: unknown) =>
      this.#options.onWarning({ code: 'drain-incomplete', message: `The drain failed: ${CarillonError.from(error).message}` }),
    )
  }

  async #stop(): Promise<void> {
    await this.#executor?.stop(this.#options.drainMs)
    this.#forgetSignals()
    await this.#link.close()
  }
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
