import { AsyncLocalStorage } from 'node:async_hooks'
import type { Failure } from '@carillon/contracts'
import { failureOf } from './failure.ts'
import type { HeldTask } from './held-task.ts'
import { diedText } from './report-text.ts'

/** An attempt, by its task. */
export interface RunningAttempt {
  readonly task: HeldTask
}

const within = new AsyncLocalStorage<RunningAttempt>()

/** Runs the handler of an attempt, so that errors outside of every promise can be attributed to it. */
export const attributedTo = <Result>(attempt: RunningAttempt, run: () => Result): Result => within.run(attempt, run)

/** The attempt whose code runs. */
export const currentAttempt = (): RunningAttempt | undefined => within.getStore()

/** Why the process ends. */
export interface ExitCause {
  /** The attempt, of any mesh of the process, whose code ends it; undefined: unknown. */
  readonly attempt: RunningAttempt | undefined
  readonly error: Failure
}

/** The report about a task that runs while its process ends. @param isStopping an operator ends the process before its drain is over */
export function deathText({ work }: HeldTask, { attempt, error }: ExitCause, isStopping: boolean): string {
  if (attempt?.task.work === work) return diedText(work, 'this', error)
  if (attempt) {
    const { taskId, handler } = attempt.task.work
    const message = `task ${taskId} of handler ${handler} ended the process: ${error.message}`
    return diedText(work, 'another', { name: 'ProcessEnded', message })
  }
  return diedText(work, isStopping ? 'another' : 'unknown', error)
}

/**
 * Detects that the process ends while an executor still runs: by an uncaught exception, or by `process.exit`. It does not prevent that,
 * and does not see SIGKILL or memory exhaustion.
 */
export class ExitWatch {
  /** Must be done when it returns. */
  readonly #onExit: (cause: ExitCause) => void
  #uncaught: ExitCause | undefined

  constructor(onExit: (cause: ExitCause) => void) {
    this.#onExit = onExit
  }

  start(): void {
    process.on('uncaughtExceptionMonitor', this.#noteException)
    process.on('exit', this.#exit)
  }

  stop(): void {
    process.off('uncaughtExceptionMonitor', this.#noteException)
    process.off('exit', this.#exit)
  }

  readonly #noteException = (thrown: unknown, origin: NodeJS.UncaughtExceptionOrigin): void => {
    // The application handles it: the process may go on.
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return
    const { message, ...failure } = failureOf(thrown)
    const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception'
    this.#uncaught = { attempt: currentAttempt(), error: { ...failure, message: `${what}: ${message}` } }
  }

  readonly #exit = (code: number): void => {
    const exited = { attempt: currentAttempt(), error: { name: 'ProcessExit', message: `the process ended with code ${code}` } }
    this.#onExit(this.#uncaught ?? exited)
  }
}
