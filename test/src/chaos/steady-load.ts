import type { CarillonError } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import type { SeededRandom } from './random.ts'

export interface SteadyLoadOptions {
  readonly client: Client
  readonly random: SeededRandom
  /** How long a body takes, from the shortest to the longest. */
  readonly ms: readonly [number, number]
  /** Bodies that can run at once. */
  readonly capacity: number
}

const PAUSE_MS = 100
/** Part of the capacity that is used: what has waited while something was away is caught up with. */
const USED = 0.6
/** However many executors there are. */
const MOST_PER_START = 20
/** Longer than anything is away. */
const GIVE_UP_AFTER_MS = 240_000

/** Of each second run: what is delayed is not assigned to an instance, but is a message of stream WORK, whose loss some guards are about. */
const DELAY_MS = 100

/** Runs of handler `work` that are started in small groups, one after another, until it is stopped. What was answered is written down. */
export class SteadyLoad {
  readonly accepted: string[] = []
  readonly refused: CarillonError[] = []
  readonly #options: SteadyLoadOptions
  #isStopped = false
  #started = 0
  #running: Promise<void> | undefined

  constructor(options: SteadyLoadOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when every start was answered. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { client, random, ms, capacity } = this.#options
    const perStart = Math.min(MOST_PER_START, Math.max(1, Math.round((USED * capacity * PAUSE_MS) / ((ms[0] + ms[1]) / 2))))
    while (!this.#isStopped) {
      const requests = Array.from({ length: perStart }, () => ({
        ...{ handler: 'work', payload: { ms: random.between(...ms) } },
        ...(this.#started++ % 2 === 0 ? { delayMs: DELAY_MS } : {}),
      }))
      const outcomes = await client.runMany(requests, { giveUpAfterMs: GIVE_UP_AFTER_MS })
      for (const outcome of outcomes) {
        if (outcome.ok) this.accepted.push(outcome.run.id)
        else this.refused.push(outcome.error)
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}
