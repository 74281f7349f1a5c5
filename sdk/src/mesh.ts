import { CarillonError } from '@carillon/contracts'
import type { Client } from './client/client.ts'
import type { Link } from './connection/link.ts'
import { Executor, type ExecutorOptions } from './executor/executor.ts'
import { defineHandler, type HandlerDefinition, type HandlerOptions } from './executor/handler.ts'
import { defineMapHandler, type ItemSchemas, type MapDefinition, type MapReduceDefinition } from './executor/map-handler.ts'
import type { SchemaOutput, StandardSchema } from './executor/standard-schema.ts'
import { runOfSteps, type StepDefinition } from './executor/steps-handler.ts'
import type { TaskContext } from './executor/task-context.ts'
import { onShutdownSignal } from './shutdown-signals.ts'

export interface MeshOptions extends Omit<ExecutorOptions, 'handlers' | 'onDrain'> {
  readonly client: Client
  readonly drainMs: number
  readonly signals: boolean
}

/** As of `handle`; the schemas are part of the definition. */
export type MapOptions = Omit<HandlerOptions, 'input'>

/** A process's place in the mesh: a client always, an executor once it has handlers and is started. */
export class Mesh {
  /** Asks the mesh for things: starts runs, reads, subscribes. */
  readonly client: Client
  /** The name of this process in the mesh. */
  readonly instance: string
  readonly #options: MeshOptions
  readonly #link: Link
  readonly #handlers = new Map<string, HandlerDefinition>()
  #executor: Executor | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #forgetSignals: () => void = () => undefined

  constructor(options: MeshOptions) {
    this.client = options.client
    this.instance = options.identity.instance
    this.#options = options
    this.#link = options.link
  }

  /** Offer a handler whose payload is checked and typed by a schema. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST */
  handle<Schema extends StandardSchema>(
    name: string,
    run: (context: TaskContext<SchemaOutput<Schema>>) => unknown,
    options: HandlerOptions<Schema> & { readonly input: Schema },
  ): this
  /** Offer a handler that takes its payload as it comes; `mesh.handle<Payload>(…)` types it. */
  handle<Payload = unknown>(
    name: string,
    run: (context: TaskContext<Payload>) => unknown,
    options?: HandlerOptions & { readonly input?: undefined },
  ): this
  handle(name: string, run: HandlerDefinition['run'], options?: HandlerOptions): this {
    return this.#offer(defineHandler(name, run, options))
  }

  /**
   * Offer a handler that does a list of steps: what each returns is stored before the next one begins, and a run goes on where it was, on any
   * instance. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST
   */
  steps<Schema extends StandardSchema>(
    name: string,
    steps: readonly StepDefinition<SchemaOutput<Schema>>[],
    options: HandlerOptions<Schema> = {},
  ): this {
    return this.#offer(defineHandler(name, runOfSteps(steps as readonly StepDefinition<never>[]), options))
  }

  /** Offer a handler whose runs map: tasks make tasks. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST */
  map<Input extends StandardSchema, Schemas extends ItemSchemas>(
    name: string,
    definition: MapDefinition<Input, Schemas>,
    options: MapOptions = {},
  ): this {
    return this.#offer(defineMapHandler(name, definition as MapDefinition<StandardSchema, ItemSchemas>, { ...options, kind: 'map' }))
  }

  /** Offer a handler whose runs map, and bring the results together. @throws CarillonError HANDLER_EXISTS, INVALID_NAME, INVALID_REQUEST */
  mapReduce<Input extends StandardSchema, Schemas extends ItemSchemas>(
    name: string,
    definition: MapReduceDefinition<Input, Schemas>,
    options: MapOptions = {},
  ): this {
    const given = definition as MapReduceDefinition<StandardSchema, ItemSchemas>
    return this.#offer(defineMapHandler(name, given, { ...options, kind: 'map-reduce' }))
  }

  #offer(handler: HandlerDefinition): this {
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
