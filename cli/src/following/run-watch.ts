import { CALLS, CarillonError, isEnded, type RunView } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { pause } from '../clock.ts'
import { EXIT, exitCodeOf } from '../exit-code.ts'

/** A message tells of nearly every change at once; the look every few seconds finds what no message tells, such as why a run waits. */
const [FIRST_LOOK_MS, LAST_LOOK_MS] = [200, 3_000]
/** Between two reads, however many signals arrive before the end: a handler may report progress a thousand times a second. */
const REST_MS = 25

export interface RunListener {
  view(view: RunView): void
  /** The mesh does not answer just now. */
  away?(error: CarillonError): void
}

/** Looks at a run until it ends. Opened before the run starts, it misses nothing. */
export class RunWatch {
  readonly #client: Client
  readonly #runId: string
  readonly #stops: (() => void)[]
  #end = new AbortController()
  #news = new AbortController()
  #last: RunView | undefined

  /** Hears what happens from the next call of `client` on. */
  constructor(client: Client, runId: string) {
    this.#client = client
    this.#runId = runId
    this.#stops = [
      client.onRunChange(runId, () => this.#news.abort()),
      client.onRunEnd(runId, () => {
        this.#end.abort()
        this.#news.abort()
      }),
    ]
  }

  /** The run as it was at the last look. */
  get last(): RunView | undefined {
    return this.#last
  }

  /** Resolves with the ended run, or with undefined when `signal` aborts. */
  async untilEnded(listener: RunListener, signal: AbortSignal): Promise<RunView | undefined> {
    let lookMs = FIRST_LOOK_MS
    let isAway = false
    while (!signal.aborted) {
      this.#news = new AbortController()
      this.#end = new AbortController()
      const outcome = await this.#look()
      if (CarillonError.is(outcome)) {
        if (!isAway) listener.away?.(outcome)
      } else {
        this.#last = outcome
        listener.view(outcome)
        if (isEnded(outcome.state)) return outcome
      }
      isAway = CarillonError.is(outcome)
      const isQuiet = await pause(lookMs, AbortSignal.any([this.#news.signal, signal]))
      lookMs = isQuiet ? Math.min(lookMs * 2, LAST_LOOK_MS) : FIRST_LOOK_MS
      if (!isQuiet) await pause(REST_MS, AbortSignal.any([this.#end.signal, signal]))
    }
    return undefined
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  /** A mesh that is away for a while is waited for: the run goes on without us. */
  async #look(): Promise<RunView | CarillonError> {
    try {
      return await this.#client.call(CALLS.runsGet, { runId: this.#runId })
    } catch (error) {
      if (CarillonError.is(error) && exitCodeOf(error.code) === EXIT.unreachable) return error
      throw error
    }
  }
}
