import {
  CALLS,
  CarillonError,
  causeText,
  isEnded,
  type RunEndedEvent,
  type RunView,
  type SignalSent,
  type StartedRun,
} from '@carillon/contracts'
import type { Clock, Timer } from '@carillon/wire/internal'
import type { Caller } from './caller.ts'
import { isTransient, type RunEnds } from './run-ends.ts'
import { type SignalOptions, sendSignal } from './send-signal.ts'

export interface ResultOptions {
  /** Give up after this many ms: CALL_TIMEOUT, which names what the run waits for. Default: wait for as long as the run takes. */
  readonly timeoutMs?: number | undefined
  /** Give up early; rejects with the reason of the abort. */
  readonly signal?: AbortSignal | undefined
}

/** A run that was started, or is known by its id. */
export interface RunHandle<Result = unknown> {
  readonly id: string
  /** False: the run was there already, by its key. */
  readonly created: boolean
  /**
   * Wait for its end.
   * @throws CarillonError RUN_NOT_SUCCEEDED with state, reason and error in its message, and with the end as its cause: `mergedInto` of a trigger that was debounced,
   *   throttled or batched; CALL_TIMEOUT after `timeoutMs`; RUN_NOT_FOUND
   */
  result(options?: ResultOptions): Promise<Result>
  /** Wait for its end, however it ends. @throws CarillonError CALL_TIMEOUT, RUN_NOT_FOUND */
  ended(options?: ResultOptions): Promise<RunView>
  /**
   * Send it a signal, which is kept until something in it waits for it.
   * @param payload JSON up to 64 KiB
   * @throws CarillonError RUN_ENDED, RUN_REMOVED, SIGNAL_TOO_LARGE, TOO_MANY_SIGNALS
   */
  signal(name: string, payload?: unknown, options?: SignalOptions): Promise<SignalSent>
  /** What is under way ends, nothing new starts, and limits of time stand still. @throws CarillonError RUN_ENDED, RUN_NOT_PAUSABLE */
  pause(): Promise<RunView>
  /** Lets it go on. @throws CarillonError RUN_ENDED */
  resume(): Promise<RunView>
}

const WHY_WITHIN_MS = 1_000
const NEW_MS = 100

/** @internal */
export function runHandle<Result>(started: StartedRun, ends: RunEnds, caller: Caller): RunHandle<Result> {
  const newUntil = started.created ? caller.clock.monotonic() + NEW_MS : 0
  const wait = <Value>(options: ResultOptions | undefined, needsView: boolean) => {
    const isNew = caller.clock.monotonic() < newUntil
    return new EndOfRun(started.runId, ends, caller).wait(options ?? {}, { needsView, isNew }) as Promise<Value>
  }
  return {
    id: started.runId,
    created: started.created,
    result: async (options) => resultOf<Result>(await wait<End>(options, false)),
    ended: (options) => wait<RunView>(options, true),
    pause: () => caller.call(CALLS.runsPause, { runId: started.runId }),
    resume: () => caller.call(CALLS.runsResume, { runId: started.runId }),
    signal: (name, payload = null, options = {}) => sendSignal(caller, { runId: started.runId, name, payload, options }),
  }
}

type End = Pick<RunView, 'runId' | 'state' | 'reason' | 'message' | 'result' | 'failure' | 'mergedInto'>

export function resultOf<Result>(end: End): Result {
  if (end.state === 'succeeded') return end.result as Result
  throw new CarillonError('RUN_NOT_SUCCEEDED', `Run ${end.runId} ended ${end.state} (${end.reason}): ${causeText(end)}`, {
    value: end.state,
    cause: end,
  })
}

function notEnded(runId: string, timeoutMs: number, view: RunView | undefined): CarillonError {
  const cause = view && causeText(view)
  const state = view === undefined ? '' : `: it is ${view.state}${cause ? `; ${cause}` : ''}`
  const hint = view?.reason === 'no-instance' ? 'Start an executor that offers the handler, or correct its name.' : undefined
  return new CarillonError('CALL_TIMEOUT', `Run ${runId} has not ended within ${timeoutMs} ms${state}`, { value: runId, hint })
}

/** Waits for one run. */
class EndOfRun {
  readonly #runId: string
  readonly #ends: RunEnds
  readonly #caller: Caller
  readonly #clock: Clock
  #isOver = false

  constructor(runId: string, ends: RunEnds, caller: Caller) {
    this.#runId = runId
    this.#ends = ends
    this.#caller = caller
    this.#clock = caller.clock
  }

  wait({ timeoutMs, signal }: ResultOptions, { needsView, isNew }: { needsView: boolean; isNew: boolean }): Promise<End> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      let timer: Timer | undefined
      const settle = (action: () => void) => {
        if (this.#isOver) return
        this.#isOver = true
        timer?.cancel()
        signal?.removeEventListener('abort', onAbort)
        stopWatching()
        action()
      }
      const fail = (error: unknown) => settle(() => reject(error))
      const onEnd = (event: RunEndedEvent) => {
        if (needsView || event.resultOmitted) this.#readWhole((view) => settle(() => resolve(view)), fail)
        else settle(() => resolve(event))
      }
      const onAbort = () => fail(signal?.reason)
      const stopWatching = this.#ends.watch(this.#runId, { onEnd, onError: fail }, { isNew })
      signal?.addEventListener('abort', onAbort, { once: true })
      if (timeoutMs === undefined) return
      const giveUp = async () => {
        const view = await this.#lastView()
        if (view && isEnded(view.state)) settle(() => resolve(view))
        else fail(notEnded(this.#runId, timeoutMs, view))
      }
      timer = this.#clock.after(timeoutMs, () => giveUp().catch(fail))
    })
  }

  /** Reads why it has not ended, for a short time; undefined without an answer. */
  #lastView(): Promise<RunView | undefined> {
    return this.#caller.call(CALLS.runsGet, { runId: this.#runId }, { timeoutMs: WHY_WITHIN_MS }).catch(() => undefined)
  }

  /** While that fails, and when it was retried meanwhile, the wait goes on. */
  #readWhole(onEnd: (view: RunView) => void, onError: (error: unknown) => void): void {
    this.#caller.call(CALLS.runsGet, { runId: this.#runId }).then(
      (view) => {
        if (isEnded(view.state)) onEnd(view)
      },
      (error: unknown) => {
        if (!isTransient(error)) onError(error)
      },
    )
  }
}
