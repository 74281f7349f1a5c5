import type { Cleanup } from '../support/cleanup.ts'
import type { TestProcess } from '../support/processes.ts'

/** A process of the mesh that is killed, stopped and started again, as a supervisor would. */
export class Member {
  readonly name: string
  readonly #cleanup: Cleanup
  readonly #launch: (cleanup: Cleanup) => Promise<TestProcess>
  #process: TestProcess | undefined
  #isStopped = false

  /** @param launch starts the process and waits until it is ready */
  constructor(name: string, cleanup: Cleanup, launch: (cleanup: Cleanup) => Promise<TestProcess>) {
    this.name = name
    // Ended in the place of its first start, however often it is started.
    this.#cleanup = cleanup.later()
    this.#launch = launch
  }

  /** It ended by itself. */
  get hasExited(): boolean {
    const { exitCode = null, signalCode = null } = this.#process?.child ?? {}
    return exitCode !== null || signalCode !== null
  }

  async start(): Promise<void> {
    this.#process ??= await this.#launch(this.#cleanup)
  }

  async kill9(): Promise<void> {
    const killed = this.#process
    this.#process = undefined
    this.#isStopped = false
    await killed?.kill9()
  }

  async restart(): Promise<void> {
    await this.kill9()
    await this.start()
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGSTOP') this.#isStopped = true
    if (signal === 'SIGCONT') this.#isStopped = false
    this.#process?.signal(signal)
  }

  /** Running, and not stopped. */
  async heal(): Promise<void> {
    if (this.#isStopped) this.signal('SIGCONT')
    if (this.hasExited) await this.restart()
    else await this.start()
  }
}
