import type { Clock } from '../time/clock.ts'

export interface LeadershipOptions {
  /** The same for all tabs that choose one leader among them. */
  readonly name: string
  /** Of this tab. */
  readonly tab: string
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly chance: () => number
  /** Called when this tab leads. */
  readonly onLead: () => void
  /** Called when another tab leads instead. */
  readonly onYield: () => void
}

type Said = { readonly kind: 'ask' } | { readonly kind: 'here'; readonly tab: string }

/**
 * How often a tab asks for the leader. An answer to a message comes from a tab in the background at once, while its timers are slowed down to one a minute: so a
 * leader is asked, and does not report by itself.
 */
const ASK_MS = 2_000
/** A leader that has not answered for so long is frozen by the browser, or hangs. Tabs wait up to half as long again, so that not all replace it at once. */
const ANSWER_MS = 3_000
/** Without locks, a tab that has just been opened waits for so long. */
const FIRST_ANSWER_MS = 600

/**
 * One tab of a browser leads, until it is closed or frozen. A lock decides which one, and is free again as soon as its tab is gone; a tab that was frozen keeps it,
 * so another one takes it away. Locks exist in secure contexts only: on plain HTTP in a local network the tab with the lesser name decides.
 */
export class Leadership {
  readonly #options: LeadershipOptions
  readonly #channel: BroadcastChannel
  readonly #locks: LockManager | undefined
  /** Of the request for the lock that waits. */
  #waiting = new AbortController()
  #isStopped = false
  readonly #timers = new Set<() => void>()
  #isLeader = false
  #isAnswered = false
  #release: () => void = () => undefined

  constructor(options: LeadershipOptions) {
    this.#options = options
    this.#locks = typeof navigator === 'undefined' ? undefined : navigator.locks
    this.#channel = new BroadcastChannel(`${options.name}-lead`)
    this.#channel.onmessage = ({ data }: MessageEvent<Said>) => this.#hear(data)
  }

  start(): void {
    this.#await()
    this.#ask(this.#locks === undefined ? FIRST_ANSWER_MS : ANSWER_MS)
  }

  stop(): void {
    this.#isStopped = true
    this.#waiting.abort()
    this.#release()
    for (const cancel of this.#timers) cancel()
    this.#channel.close()
  }

  #hear(said: Said): void {
    if (said.kind === 'here') this.#isAnswered = true
    if (!this.#isLeader) return
    const { tab } = this.#options
    // With locks there are two leaders for a moment only: the one whose lock was taken learns of it.
    const isOther = said.kind === 'here' && this.#locks === undefined
    if (isOther && said.tab < tab) this.#yield()
    else if (isOther || said.kind === 'ask') this.#say({ kind: 'here', tab })
  }

  #ask(withinMs: number): void {
    const { chance } = this.#options
    this.#isAnswered = this.#isLeader
    if (!this.#isLeader) this.#say({ kind: 'ask' })
    this.#after(withinMs * (1 + chance() / 2), () => {
      if (!this.#isLeader && !this.#isAnswered) this.#takeOver()
    })
    this.#after(withinMs * 1.5 + ASK_MS, () => this.#ask(ANSWER_MS))
  }

  #takeOver(): void {
    this.#waiting.abort()
    if (this.#locks === undefined) this.#lead()
    else this.#request({ steal: true })
  }

  #await(): void {
    this.#waiting = new AbortController()
    this.#request({ signal: this.#waiting.signal })
  }

  #request(options: LockOptions): void {
    this.#locks
      ?.request(this.#options.name, options, () => {
        if (this.#isStopped) return undefined
        const released = new Promise<void>((resolve) => {
          this.#release = resolve
        })
        this.#lead()
        return released
      })
      .catch((error: unknown) => {
        if (this.#isStopped || options.signal?.aborted) return
        if ((error as Error).name !== 'AbortError') throw error
        // Another tab has taken the lock away: this one waits for it again.
        this.#yield()
        this.#await()
      })
  }

  #lead(): void {
    const { tab, onLead } = this.#options
    this.#isLeader = true
    this.#say({ kind: 'here', tab })
    onLead()
  }

  #yield(): void {
    if (!this.#isLeader) return
    this.#isLeader = false
    this.#options.onYield()
  }

  #say(said: Said): void {
    if (!this.#isStopped) this.#channel.postMessage(said)
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel)
      run()
    })
    this.#timers.add(cancel)
  }
}
