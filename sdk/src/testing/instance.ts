import {
  type Call,
  type CallInput,
  type CallOutput,
  type LogLine,
  type LogView,
  type Progress,
  type Report,
  reportSchema,
  type WorkMessage,
} from '@carillon/contracts'
import type { Attempt } from '../executor/attempt.ts'
import type { OfferedHandler } from '../executor/handler.ts'
import { HeldTask } from '../executor/held-task.ts'
import { Isolation } from '../executor/isolation.ts'
import { Lane } from '../executor/lane.ts'
import { type Ending, finishedText, type SleptEnding, sleptText } from '../executor/report-text.ts'
import { TaskCalls } from '../executor/task-calls.ts'
import { logLineText } from '../logs/log-line.ts'
import { plainTelemetry } from '../telemetry.ts'
import { forever } from '../turn.ts'
import type { MeshClock, ProcessClock } from './mesh-clock.ts'

/** The surroundings of an instance: where its reports and log lines go. */
export interface Surroundings {
  readonly clock: MeshClock
  answer<C extends Call>(call: C, input: CallInput<C>, instance: Instance): Promise<CallOutput<C>>
  began(work: WorkMessage, instance: Instance): void
  progressed(work: WorkMessage, progress: Progress): void
  logged(line: LogView): void
  reported(report: Report, instance: Instance): void
  /** A slot is free. */
  freed(): void
}

/** One process that executes tasks: the lanes, attempts, steps and maps of the SDK, without a broker. */
export class Instance {
  readonly name: string
  isCrashed = false
  readonly #around: Surroundings
  readonly #clock: ProcessClock
  readonly #lanes: ReadonlyMap<string, Lane>
  readonly #lines = new WeakMap<Attempt, number>()

  constructor(name: string, handlers: ReadonlyMap<string, OfferedHandler>, around: Surroundings) {
    this.name = name
    this.#around = around
    this.#clock = around.clock.processClock()
    const caller: ConstructorParameters<typeof TaskCalls>[0]['caller'] = {
      clock: this.#clock,
      call: (call, input) => this.#call(call, input),
    }
    // No registry watches the instances of a mesh in memory.
    const calls = new TaskCalls({ instance: name, caller, activity: { sign: () => undefined }, onWarning: () => undefined })
    const isolation = new Isolation(this.#clock)
    this.#lanes = new Map([...handlers].map(([handler, offered]) => [handler, this.#createLane(offered, { calls, isolation })]))
  }

  offers(handler: string): boolean {
    return !this.isCrashed && this.#lanes.has(handler)
  }

  /** Whether it begins a task at once. */
  hasRoom(handler: string): boolean {
    const lane = this.#lanes.get(handler)
    return lane !== undefined && !this.isCrashed && lane.occupied + lane.waiting < lane.handler.concurrency
  }

  /** Whether a handler works and does not only wait for time to pass. */
  get isAtWork(): boolean {
    if (this.isCrashed) return false
    return [...this.#lanes.values()].some((lane) => [...lane.running].some((attempt) => !this.#around.clock.isAwaitedBy(attempt)))
  }

  run(work: WorkMessage): void {
    const task = new HeldTask(work, { headers: undefined }, { heldAt: this.#clock.monotonic() })
    this.#lanes.get(work.handler)?.add(task)
  }

  cancel(taskId: string): void {
    for (const lane of this.#lanes.values()) {
      for (const attempt of lane.running) if (attempt.task.work.taskId === taskId) attempt.abort('cancel')
      lane.take(({ work }) => work.taskId === taskId)
    }
  }

  /** It does nothing more and receives nothing: its handlers run no further than to their next call. */
  crash(): void {
    this.isCrashed = true
    this.#clock.freeze()
  }

  #createLane(handler: OfferedHandler, { calls, isolation }: { calls: TaskCalls; isolation: Isolation }): Lane {
    return new Lane({
      ...{ handler, calls, isolation },
      clock: this.#clock,
      telemetry: plainTelemetry,
      occupied: () => [...this.#lanes.values()].reduce((sum, lane) => sum + lane.occupied, 0),
      freeCapacity: () => (isolation.isClosed ? 0 : handler.concurrency),
      unreserved: () => handler.concurrency,
      isQuiet: () => true,
      isHung: () => false,
      announce: (_task, stored) => stored(),
      keep: () => true,
      release: ({ work }) => this.#report({ ...headOf(work), type: 'released' }),
      observer: {
        onBegin: ({ task }) => this.#alive((around) => around.began(task.work, this)),
        onProgress: ({ task }, percent, note) =>
          this.#alive((around) => around.progressed(task.work, note === undefined ? { percent } : { percent, note })),
        onLog: (attempt, entry) => this.#alive((around) => around.logged(this.#lineOf(attempt, entry))),
        onEnd: (attempt, ending) => this.#ended(attempt, ending),
        onUnstuck: () => this.#pump(),
      },
    })
  }

  #lineOf(attempt: Attempt, { level, message, fields }: Parameters<AttemptLog>[1]): LogView {
    const { runId, taskId, attempt: number } = attempt.task.work
    const seq = (this.#lines.get(attempt) ?? 0) + 1
    this.#lines.set(attempt, seq)
    const line = JSON.parse(logLineText({ level, message, fields }, seq, this.#clock.now())) as LogLine
    return { ...line, runId, taskId, attempt: number, instance: this.name }
  }

  #ended(attempt: Attempt, ending: Ending | SleptEnding | undefined): void {
    const { work } = attempt.task
    const ran = { durationMs: this.#clock.monotonic() - attempt.startedAt, logLines: this.#lines.get(attempt) ?? 0 }
    const lane = this.#lanes.get(work.handler) as Lane
    lane.unconfirmed++
    if (ending === undefined) this.#report({ ...headOf(work), type: 'released' })
    else this.#report(JSON.parse(ending.outcome === 'slept' ? sleptText(work, ending) : finishedText(work, ending, ran)))
    lane.confirmed(attempt)
    this.#pump()
  }

  #report(report: unknown): void {
    const read = reportSchema.parse(report)
    this.#clock.nextTurn(() => this.#alive((around) => around.reported(read, this)))
  }

  /** The end of a task may allow others to begin. */
  #pump(): void {
    for (const lane of this.#lanes.values()) lane.pump()
    this.#alive((around) => around.freed())
  }

  #alive(action: (around: Surroundings) => void): void {
    if (!this.isCrashed) action(this.#around)
  }

  /** An answer after the end of the process is dropped. */
  async #call<C extends Call>(call: C, input: CallInput<C>): Promise<CallOutput<C>> {
    if (this.isCrashed) return forever()
    const outcome = await this.#around.answer(call, input, this).then(
      (output) => () => output,
      (error: unknown) => () => {
        throw error
      },
    )
    return this.isCrashed ? forever() : outcome()
  }
}

type AttemptLog = ConstructorParameters<typeof Lane>[0]['observer']['onLog']

const headOf = ({ runId, taskId, attempt }: WorkMessage) => ({ runId, taskId, attempt })
