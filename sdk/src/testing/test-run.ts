import type { JournalEntry, LogView, Progress, Reason, RunState, RunView, TaskView } from '@carillon/contracts'
import { resultOf } from '../client/run-handle.ts'
import type { Coordinator } from './coordinator.ts'
import type { Run } from './life.ts'
import { endedEvent, runView, taskView } from './views.ts'

/** A run of a test mesh, as it is now. */
export class TestRun<Result = unknown> {
  readonly id: string
  readonly #run: Run
  readonly #coordinator: Coordinator
  readonly #untilEnded: () => Promise<void>

  /** @internal */
  constructor(id: string, coordinator: Coordinator, untilEnded: (run: Run) => Promise<void>) {
    this.id = id
    this.#coordinator = coordinator
    this.#run = coordinator.runs.find(id).run
    this.#untilEnded = () => untilEnded(this.#run)
  }

  get state(): RunState {
    return this.#run.state
  }

  /** Why it is in its state. */
  get reason(): Reason | undefined {
    return this.#run.reason
  }

  /** The attempt that it is at, from 1. */
  get attempt(): number {
    return this.#run.attempt
  }

  /** @throws CarillonError RUN_NOT_SUCCEEDED with state, reason and error in its message */
  get result(): Result {
    return resultOf<Result>(endedEvent(this.#run))
  }

  /** What the last attempt that failed threw. */
  get failure(): RunView['failure'] {
    return this.view.failure
  }

  /** Everything that services show of it. */
  get view(): RunView {
    return runView(this.#run)
  }

  /** The tasks of a fan-out run, in order. */
  get tasks(): TaskView[] {
    return [...this.#run.tasks.values()].sort((one, other) => (one.id < other.id ? -1 : 1)).map(taskView)
  }

  /** Its steps, in order. */
  get steps(): JournalEntry[] {
    return this.#coordinator.steps(this.id)
  }

  /** Every report of progress, in order. */
  get progress(): Progress[] {
    return this.#coordinator.progress.flatMap(({ runId, progress }) => (runId === this.id ? [progress] : []))
  }

  /** Its log lines, in order. */
  get logs(): LogView[] {
    return this.#coordinator.logs.filter(({ runId }) => runId === this.id)
  }

  /** Lets time pass until it has ended, however it ends. @throws CarillonError CALL_TIMEOUT when it does not */
  async ended(): Promise<this> {
    await this.#untilEnded()
    return this
  }

  /** What is under way ends, nothing new starts, and its limits of time stand still. @throws CarillonError RUN_ENDED; RUN_NOT_PAUSABLE: a run with one task can be paused between two attempts */
  pause(): void {
    this.#coordinator.runs.pause(this.#run)
  }

  /** Lets it go on. One that is not paused stays as it is. @throws CarillonError RUN_ENDED */
  resume(): void {
    this.#coordinator.runs.resume(this.#run)
  }

  /** Aborts the signal of the running attempt, which ends when its handler does. @throws CarillonError RUN_ENDED */
  cancel(): void {
    this.#coordinator.runs.cancel(this.#run)
  }
}
