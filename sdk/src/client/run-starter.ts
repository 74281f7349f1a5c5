import { CALLS, CarillonError, type ErrorBody, type StartedRun } from '@carillon/contracts'
import { jitter, pause } from '@carillon/wire/internal'
import type { Caller, CallOptions, Reply } from './caller.ts'
import { outputOf } from './caller.ts'
import type { StartItem } from './start-item.ts'

/** Default time for a start to be accepted, in ms: long enough for a restart of a broker or coordinator. */
const START_TIMEOUT_MS = 30_000
const ATTEMPT_MS = CALLS.runsStart.deadlineMs
/** A request with less time than this would only time out, and hide the error of the one before it. */
const SHORTEST_MS = 100
const RUNS_PER_REQUEST = 1_000
/** Requests in flight; further starts wait and travel together. */
const REQUESTS_IN_FLIGHT = 16
/** Bytes of all requests in flight. More would only wait at the coordinator, and take its memory. */
const BYTES_IN_FLIGHT = 1024 * 1024
const RUNS_IN_FLIGHT = 4_000
const FRAME_BYTES = 16

interface Entry {
  readonly item: StartItem
  readonly deadline: number
  readonly timeoutMs: number
  isSettled: boolean
  forgetAbort?: () => void
  resolve(started: StartedRun): void
  reject(error: unknown): void
}

/** Starts runs: the starts of one tick of the event loop travel in one request. */
export class RunStarter {
  readonly #caller: Caller
  #queue: Entry[] = []
  #isFlushDue = false
  #inFlight = 0
  #bytesInFlight = 0
  #runsInFlight = 0

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** @throws CarillonError of the item, or of the request when no coordinator accepted it within `timeoutMs` */
  start(item: StartItem, options: CallOptions = {}): Promise<StartedRun> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs = START_TIMEOUT_MS } = options
      if (signal?.aborted) return reject(signal.reason)
      if (item.bytes + FRAME_BYTES > this.#caller.maxBytes) return reject(tooLarge(item, this.#caller.maxBytes))
      const deadline = this.#caller.clock.monotonic() + timeoutMs
      const entry: Entry = { item, deadline, timeoutMs, isSettled: false, resolve, reject }
      const onAbort = () => settle(entry, () => reject(signal?.reason))
      entry.forgetAbort = () => signal?.removeEventListener('abort', onAbort)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(entry)
      if (this.#isFlushDue) return
      this.#isFlushDue = true
      process.nextTick(() => this.#flush())
    })
  }

  #flush(): void {
    this.#isFlushDue = false
    let from = 0
    while (from < this.#queue.length && this.#hasRoom()) {
      const { to, bytes } = endOfRequest(this.#queue, from, this.#caller.maxBytes)
      this.#send(this.#queue.slice(from, to), bytes)
      from = to
    }
    this.#queue = from === this.#queue.length ? [] : this.#queue.slice(from)
  }

  #hasRoom(): boolean {
    return this.#inFlight < REQUESTS_IN_FLIGHT && this.#bytesInFlight < BYTES_IN_FLIGHT && this.#runsInFlight < RUNS_IN_FLIGHT
  }

  #send(entries: Entry[], bytes: number): void {
    this.#inFlight++
    this.#runsInFlight += entries.length
    this.#bytesInFlight += bytes
    const done = () => {
      this.#inFlight--
      this.#bytesInFlight -= bytes
      this.#runsInFlight -= entries.length
      this.#flush()
    }
    this.#untilAnswered(entries).then(done, (error: unknown) => {
      for (const entry of entries) settle(entry, () => entry.reject(error))
      done()
    })
  }

  async #untilAnswered(entries: Entry[]): Promise<void> {
    const { clock } = this.#caller
    for (let round = 0; ; round++) {
      const open = entries.filter((entry) => !entry.isSettled)
      if (open.length === 0) return
      const timeoutMs = Math.max(1, Math.min(ATTEMPT_MS, earliestDeadline(open) - clock.monotonic()))
      const body = `{"runs":[${open.map((entry) => entry.item.text).join(',')}]}`
      const reply = await this.#caller.request(CALLS.runsStart, body, { timeoutMs })
      if (reply.type === 'answer') return distribute(open, reply.body, round > 0)
      const pauseMs = jitter(Math.min(100 * 2 ** round, 1_000))
      for (const entry of open) if (entry.deadline <= clock.monotonic() + pauseMs + SHORTEST_MS) this.#giveUp(entry, reply)
      await pause(clock, pauseMs)
    }
  }

  #giveUp(entry: Entry, reply: Exclude<Reply, { type: 'answer' }>): void {
    settle(entry, () => entry.reject(this.#caller.failure(CALLS.runsStart, reply, entry.timeoutMs)))
  }
}

/** A broker may accept less than the limits of the wire allow. */
function tooLarge(item: StartItem, maxBytes: number): CarillonError {
  const value = `${item.bytes} bytes`
  return new CarillonError('PAYLOAD_TOO_LARGE', `The run has ${value} as JSON, the broker takes ${maxBytes}`, { field: 'payload', value })
}

const earliestDeadline = (entries: readonly Entry[]) =>
  entries.reduce((earliest, entry) => Math.min(earliest, entry.deadline), Number.POSITIVE_INFINITY)

function settle(entry: Entry, action: () => void): void {
  if (entry.isSettled) return
  entry.isSettled = true
  entry.forgetAbort?.()
  action()
}

/** Where the request that begins at `from` ends: at the limits of count and bytes. */
function endOfRequest(queue: readonly Entry[], from: number, maxBytes: number): { to: number; bytes: number } {
  let bytes = FRAME_BYTES
  let to = from
  for (; to < queue.length && to - from < RUNS_PER_REQUEST; to++) {
    const more = (queue[to] as Entry).item.bytes + 1
    if (to > from && bytes + more > maxBytes) break
    bytes += more
  }
  return { to, bytes }
}

/** @param wasRepeated an earlier request may have created the runs already: a run with the client's id was created by it */
function distribute(entries: readonly Entry[], body: unknown, wasRepeated: boolean): void {
  const runs = (outputOf(body) as { runs?: unknown }).runs
  if (!Array.isArray(runs) || runs.length !== entries.length) {
    throw new CarillonError('INTERNAL', 'runs.start answered another number of runs than it was asked for')
  }
  entries.forEach((entry, index) => {
    const outcome = runs[index] as StartedRun | { error: ErrorBody }
    if ('error' in outcome) settle(entry, () => entry.reject(CarillonError.fromBody(outcome.error)))
    else {
      const created = outcome.created || (wasRepeated && outcome.runId === entry.item.id)
      settle(entry, () => entry.resolve({ runId: outcome.runId, created }))
    }
  })
}
