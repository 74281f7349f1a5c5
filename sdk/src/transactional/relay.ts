import { CarillonError } from '@carillon/contracts'
import { type Clock, jitter, pause, randomLetters } from '@carillon/wire/internal'
import type { OnWarning } from '../warning.ts'
import type { OutboxRow, OutboxTable } from './outbox-table.ts'

/** What a relay needs of the connection. */
export interface RelayPort {
  readonly clock: Clock
  readonly namespace: string
  readonly onWarning: OnWarning
  /** Starts a run under a key. @returns its refusal, for good @throws CarillonError where it may be accepted later */
  send(row: OutboxRow): Promise<CarillonError | undefined>
  isUp(): boolean
}

/** Rows of one claim: about as many as travel in one request. */
const PER_CLAIM = 200
/** Longer than a claim takes that is slow: a row whose relay has died waits so long. One that is sent twice is one run. */
const LEASE_MS = 30_000
/** Between two searches of an idle relay, ms. */
const IDLE_MS = 200
/** After an error of the database or the mesh, ms. */
const [AGAIN_MS, LONGEST_MS] = [500, 10_000]

/** Publishes starts that transactions have committed, each once by its key; any number of them may run. */
export class Relay {
  readonly #table: OutboxTable
  readonly #port: RelayPort
  readonly #stopping = new AbortController()
  readonly #work: Promise<void>
  #failures = 0

  constructor(table: OutboxTable, port: RelayPort) {
    this.#table = table
    this.#port = port
    this.#work = this.#run()
  }

  /** Waits for the claim that is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    let isPrepared = false
    while (!signal.aborted) {
      let count = 0
      try {
        if (!isPrepared) await this.#table.prepare()
        isPrepared = true
        if (this.#port.isUp()) count = await this.#once()
        this.#failures = 0
      } catch (error) {
        this.#warn(error)
      }
      if (count < PER_CLAIM) await pause(this.#port.clock, this.#pauseMs(), signal)
    }
  }

  #pauseMs(): number {
    return this.#failures === 0 ? IDLE_MS : jitter(Math.min(AGAIN_MS * 2 ** (this.#failures - 1), LONGEST_MS))
  }

  /** @returns how many rows are gone */
  async #once(): Promise<number> {
    const claim = randomLetters(16)
    const rows = await this.#table.claim({ namespace: this.#port.namespace, claim, limit: PER_CLAIM, leaseMs: LEASE_MS })
    const outcomes = await Promise.allSettled(rows.map((row) => this.#port.send(row)))
    const [stored, later]: [string[], string[]] = [[], []]
    let failure: unknown
    for (const [i, { key }] of rows.entries()) {
      const outcome = outcomes[i] as PromiseSettledResult<CarillonError | undefined>
      if (outcome.status === 'rejected') {
        later.push(key)
        failure = outcome.reason
      } else if (outcome.value === undefined) stored.push(key)
      else await this.#refused(key, outcome.value)
    }
    if (stored.length > 0) await this.#table.remove(stored)
    if (later.length > 0) await this.#table.release(later, claim)
    if (failure !== undefined) throw failure
    return rows.length
  }

  async #refused(key: string, error: CarillonError): Promise<void> {
    await this.#table.refuse(key, error.toBody())
    this.#port.onWarning({
      code: 'outbox',
      message: `The start ${key} in ${this.#table.place} was refused, and is left for a person: ${error.message} (${error.code})`,
    })
  }

  /** What passes by itself, such as a restart of the mesh, is no warning at first. */
  #warn(error: unknown): void {
    this.#failures++
    const isQuiet = CarillonError.is(error) && error.retry
    if (isQuiet ? this.#failures !== 5 : this.#failures !== 1) return
    this.#port.onWarning({ code: 'outbox', message: `The relay of ${this.#table.place} fails, and tries again: ${String(error)}` })
  }
}
