import { CarillonError } from '@carillon/contracts'
import type { Client } from './client/client.ts'
import type { Link } from './connection/link.ts'
import { declareJobs } from './executor/declare-jobs.ts'
import { Executor, type ExecutorOptions } from './executor/executor.ts'
import { Offers } from './offers.ts'
import type { StoredRetries } from './retry/retry-starter.ts'
import { onShutdownSignal } from './shutdown-signals.ts'
import type { TransactionalOutbox } from './transactional/transactional-outbox.ts'

/** @internal */
export interface MeshOptions extends Omit<ExecutorOptions, 'handlers' | 'onDrain'> {
  readonly client: Client
  readonly retries: StoredRetries
  readonly outbox: TransactionalOutbox
  readonly drainMs: number
  readonly signals: boolean
}

/** A process's place in the mesh: a client always, an executor once it has handlers and is started. */
export class Mesh extends Offers {
  /** Calls the services of the mesh: starts runs, reads, subscribes. */
  readonly client: Client
  /** Starts runs within transactions of the user's own database. */
  readonly outbox: TransactionalOutbox
  /** The name of this process in the mesh. */
  readonly instance: string
  readonly #options: MeshOptions
  readonly #link: Link
  readonly #stopped = new AbortController()
  #executor: Executor | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #forgetSignals: () => void = () => undefined

  /** @internal */
  constructor(options: MeshOptions) {
    super()
    this.client = options.client
    this.outbox = options.outbox
    this.instance = options.identity.instance
    this.#options = options
    this.#link = options.link
  }

  /**
   * Register, begin to run tasks, and declare the jobs. Waits until a registry answers, and for jobs a coordinator; from SIGTERM or SIGINT on it drains (option `signals`).
   * @throws CarillonError NATS_TOO_OLD, JETSTREAM_MISSING, NOT_CONNECTED after `stop`, or of a job whose definition is wrong
   */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Accept no more work, release what has not begun, wait up to `drainMs` for what runs, report, leave, close the connection.
   * A pure client closes at once.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  protected override get isStarted(): boolean {
    return this.#starting !== undefined
  }

  protected override get retries(): StoredRetries {
    return this.#options.retries
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new CarillonError('NOT_CONNECTED', 'This mesh was stopped')
    if (this.#options.signals) this.#forgetSignals = onShutdownSignal(() => this.stop())
    this.#executor = new Executor({ ...this.#options, handlers: [...this.offered.values()], onDrain: () => this.#drainByOrder() })
    try {
      await this.#executor.start()
      await this.#declareJobs(this.#executor)
    } catch (error) {
      this.#forgetSignals()
      throw error
    }
  }

  async #declareJobs(executor: Executor): Promise<void> {
    const { caller, clock, onWarning } = this.#options
    try {
      await declareJobs(this.declared.values(), { caller, clock, onWarning, signal: this.#stopped.signal })
    } catch (error) {
      await executor.stop(0)
      throw error
    }
  }

  #drainByOrder(): void {
    this.stop().catch((error: unknown) =>
      this.#options.onWarning({ code: 'drain-incomplete', message: `The drain failed: ${CarillonError.from(error).message}` }),
    )
  }

  async #stop(): Promise<void> {
    this.#stopped.abort()
    await this.#executor?.stop(this.#options.drainMs)
    await Promise.all([this.#options.retries.stop(), this.outbox.stop()])
    this.#forgetSignals()
    await this.#link.close()
  }
}
