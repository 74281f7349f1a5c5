import { pause } from '../../clock.ts'

/** A child process as the supervisor sees it. */
export interface Child {
  /** Resolves with how it ended, as text, when the process is gone for any reason. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

export interface SupervisorOptions<C extends Child> {
  /** Its name in messages for people. */
  readonly name: string
  readonly start: () => Promise<C>
  readonly say: (line: string) => void
  /** Default 250, doubling up to `longestDelayMs`. */
  readonly firstDelayMs?: number
  readonly longestDelayMs?: number
}

const [FIRST_DELAY_MS, LONGEST_DELAY_MS] = [250, 10_000]

/** Keeps a child process running: one that ends by itself is started again, more slowly each time until one stays. */
export class Supervisor<C extends Child> {
  readonly #options: SupervisorOptions<C>
  readonly #stopping = new AbortController()
  #child: C | undefined
  #watching: Promise<void> = Promise.resolve()

  constructor(options: SupervisorOptions<C>) {
    this.#options = options
  }

  /** The process that runs now. */
  get child(): C | undefined {
    return this.#child
  }

  /** Starts it once. @throws what the start throws */
  async start(): Promise<C> {
    this.#child = await this.#options.start()
    this.#watching = this.#watch(this.#child)
    return this.#child
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#child?.stop()
    await this.#watching
  }

  async #watch(first: C): Promise<void> {
    const { name, say, firstDelayMs = FIRST_DELAY_MS, longestDelayMs = LONGEST_DELAY_MS } = this.#options
    let delayMs = firstDelayMs
    for (let child: C | undefined = first; !this.#stopping.signal.aborted; ) {
      const ending = child === undefined ? undefined : await this.#endOf(child, longestDelayMs)
      if (ending?.wasStable) delayMs = firstDelayMs
      if (this.#stopping.signal.aborted) return
      if (ending) say(`${name} ended by itself (${ending.how}); starting it again`)
      if (!(await pause(delayMs, this.#stopping.signal))) return
      delayMs = Math.min(delayMs * 2, longestDelayMs)
      child = await this.#restart()
    }
  }

  async #endOf(child: C, stableMs: number): Promise<{ how: string; wasStable: boolean }> {
    const ended = new AbortController()
    const stable = pause(stableMs, AbortSignal.any([ended.signal, this.#stopping.signal]))
    const how = await child.exited
    ended.abort()
    return { how, wasStable: await stable }
  }

  async #restart(): Promise<C | undefined> {
    const { name, start, say } = this.#options
    try {
      const child = await start()
      this.#child = child
      // The stop may have come while it started.
      if (this.#stopping.signal.aborted) await child.stop()
      else say(`${name} runs again`)
      return child
    } catch (error) {
      say(`${name} does not start: ${error instanceof Error ? error.message : String(error)}; trying again`)
      return undefined
    }
  }
}
