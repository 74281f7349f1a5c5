import {
  CarillonError,
  DEFAULT_NAMESPACE,
  isEnded,
  parseInput,
  printable,
  type StepCall,
  startRunSchema,
  subjects,
} from '@carillon/contracts'
import { pause, systemClock } from '@carillon/wire/internal'
import { Caller } from '../client/caller.ts'
import { Client } from '../client/client.ts'
import { RunStarter } from '../client/run-starter.ts'
import { type RunOptions, type RunRequest, startItemOf } from '../client/start-item.ts'
import type { CallOf, FanOutOptions, OwnOptions } from '../client/typed-calls.ts'
import { type AnyHandler, type FanOutResult, isDefinition, type PayloadOf, type ResultOf, requestOf } from '../handler-definition.ts'
import { Offers } from '../offers.ts'
import type { Retries, RetryRequest } from '../retry/retry-starter.ts'
import { Retryable } from '../retry/retryable.ts'
import { plainTelemetry } from '../telemetry.ts'
import { Coordinator } from './coordinator.ts'
import { Instance } from './instance.ts'
import type { Run } from './life.ts'
import { MemoryLink } from './memory-link.ts'
import { MeshClock } from './mesh-clock.ts'
import type { RunMemory } from './run-memory.ts'
import { TestRun } from './test-run.ts'
import { endedEvent } from './views.ts'

export interface TestMeshOptions {
  /** Processes that offer the handlers. Default 1. */
  readonly instances?: number | undefined
  /** Where its clock begins. Default: 2026-01-01, midnight UTC. */
  readonly now?: Date | number | undefined
  /** How long, in real ms, a run may take whose end is awaited. Default 10,000. */
  readonly waitMs?: number | undefined
}

/** The time of a test mesh. */
export interface TestClock {
  /** Milliseconds since 1970. */
  now(): number
  /** Let time pass, in ms: what becomes due happens at its own instant, with all its effects before the next. */
  advance(ms: number): Promise<void>
  /** Wait on this clock: for a handler, or code that it calls, which is given its way to wait. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

const START = Date.UTC(2026, 0, 1)
const WAIT_MS = 10_000
/** Handlers work: time advances in real time. */
const STEP_MS = 1

/**
 * A mesh in memory: the executor of the SDK, without a broker, a store or a port, on a clock that advances only by a call, or while no handler works.
 *
 * ```ts
 * const mesh = testMesh()
 * mesh.handle(pay, payHandler)
 * const run = await mesh.run(pay, { cents: 500 })
 * assert.deepEqual(run.result, { receipt: '…' })
 * ```
 */
export class TestMesh extends Offers {
  readonly clock: TestClock
  /**
   * For code that starts runs: as the one of `connect`. There are no jobs, workflows, signals and dead letters here: it answers calls about runs, tasks, steps and
   * log lines, and `NO_SERVICE` to all others. `ctx.run` of a handler starts a run of a handler of this mesh and waits for it in its process; in steps it is refused, as is
   * `ctx.waitFor`.
   */
  readonly client: Client
  readonly #clock: MeshClock
  readonly #starter: RunStarter
  readonly #waitMs: number
  readonly #coordinator: Coordinator
  readonly #wanted: number
  #instances: Instance[] = []
  #started = 0
  readonly #crashes: { readonly step: number | string; readonly when: 'before' | 'after' }[] = []

  constructor({ instances = 1, now = START, waitMs = WAIT_MS }: TestMeshOptions = {}) {
    super()
    this.#clock = new MeshClock(Number(now))
    this.clock = this.#clock
    this.#wanted = instances
    this.#waitMs = waitMs
    this.#coordinator = new Coordinator({
      clock: this.#clock,
      handlers: this.offered,
      instances: () => this.#running(),
      onEnded: (run) => link.emit(subjects.event(DEFAULT_NAMESPACE, 'run', run.id, run.state), endedEvent(run)),
      onStep: (call, when, instance) => this.#crashAt(call, when, instance),
    })
    const link = new MemoryLink(this.#coordinator)
    const clock = this.#clock.clientClock()
    const caller = new Caller(link, { namespace: DEFAULT_NAMESPACE, by: 'test', clock, telemetry: plainTelemetry })
    this.#starter = new RunStarter(caller)
    this.client = new Client(link, caller)
  }

  /**
   * Start a run and let time pass until it has ended, however it ends. While a handler works time advances in real time; where all that is under way
   * waits for time (a delay, a pause between tries, `ctx.sleep`, `clock.sleep`), it jumps there.
   * @throws CarillonError for wrong input; CALL_TIMEOUT when the run does not end, with what it waits for
   */
  run<Handler extends AnyHandler>(handler: Handler, ...call: CallOf<Handler, OwnOptions<Handler>>): Promise<TestRun<ResultOf<Handler>>>
  run<Handler extends AnyHandler>(handler: Handler, payload: PayloadOf<Handler>, options: FanOutOptions): Promise<TestRun<FanOutResult>>
  run<Result = unknown>(handler: string, payload?: unknown, options?: RunOptions): Promise<TestRun<Result>>
  async run(handler: string | AnyHandler, payload?: unknown, options: RunOptions = {}): Promise<TestRun> {
    return (await this.#start(handler, payload, options)).ended()
  }

  /** Start a run and go on: `clock.advance` lets time pass, `ended` waits for its end. @throws CarillonError for wrong input */
  start<Handler extends AnyHandler>(handler: Handler, ...call: CallOf<Handler, OwnOptions<Handler>>): Promise<TestRun<ResultOf<Handler>>>
  start<Handler extends AnyHandler>(handler: Handler, payload: PayloadOf<Handler>, options: FanOutOptions): Promise<TestRun<FanOutResult>>
  start<Result = unknown>(handler: string, payload?: unknown, options?: RunOptions): Promise<TestRun<Result>>
  start(handler: string | AnyHandler, payload?: unknown, options: RunOptions = {}): Promise<TestRun> {
    return this.#start(handler, payload, options)
  }

  /** A run by its id, such as one that a handler has started. @throws CarillonError RUN_NOT_FOUND */
  runOf<Result = unknown>(runId: string): TestRun<Result> {
    return new TestRun<Result>(runId, this.#coordinator, (run) => this.#untilEnded(run))
  }

  /** What the runs of a handler have left for the next ones with `ctx.setData` and `ctx.nextAt`, as if they were those of one job. */
  memoryOf(handler: string): RunMemory {
    return this.#coordinator.memoryOf(handler)
  }

  /** The names of the live processes. */
  get instances(): string[] {
    return this.#running().map(({ name }) => name)
  }

  /**
   * A process crashes, by default the first, and another one starts. Calls of its handlers from now on are never answered, so
   * they run no further than that. Its tasks are taken over when it is lost, 10 s later.
   */
  crash(name?: string): void {
    const instance = this.#running().find((one) => name === undefined || one.name === name)
    if (instance) this.#crash(instance)
    else
      throw new CarillonError('INVALID_REQUEST', `name is wrong: ${printable(name)}`, {
        field: 'name',
        value: printable(name),
        hint: `These live: ${this.instances.join(', ')}.`,
      })
  }

  /** The process crashes as soon as a step is stored, once. @param step its name, or which one it is, from 0 */
  crashAfterStep(step: number | string): void {
    this.#crashes.push({ step, when: 'after' })
  }

  /** The process crashes when a step is done and not stored yet, once: it will run again. @param step its name, or which one it is, from 0 */
  crashBeforeStored(step: number | string): void {
    this.#crashes.push({ step, when: 'before' })
  }

  /** On the clock of this mesh: a pause of the caller passes as time does. There is no outbox, because the mesh is always there. */
  protected override get retries(): Retries {
    // It has no gates: the budget of a scene is not followed.
    const start = async (request: RetryRequest) => {
      const { runId, created } = await this.#starter.start(startItemOf({ ...request, rate: undefined }))
      return { runId, created, state: created ? undefined : (await this.client.runs.get(runId)).state, keptIn: 'mesh' as const }
    }
    return { bind: (policy, run) => new Retryable(policy, run, { starter: { start }, clock: this.#clock.processClock() }) }
  }

  protected override get isStarted(): boolean {
    return this.#started > 0
  }

  async #start(handler: string | AnyHandler, payload: unknown, options: RunOptions): Promise<TestRun> {
    const request: RunRequest = isDefinition(handler) ? requestOf(handler, { ...options, payload }) : { ...options, handler, payload }
    this.#running()
    // Checked and written as the client does, and read as a coordinator does.
    const { runId } = this.#coordinator.runs.start(parseInput(startRunSchema, JSON.parse(startItemOf(request).text), 'run'))
    await this.#clock.settle()
    return this.runOf(runId)
  }

  #running(): readonly Instance[] {
    this.#instances = this.#instances.filter((instance) => !instance.isCrashed)
    while (this.#instances.length < this.#wanted)
      this.#instances.push(new Instance(`test-${++this.#started}`, this.offered, this.#coordinator))
    return this.#instances
  }

  #crashAt(call: StepCall, when: 'before' | 'after', instance: Instance): void {
    const at = this.#crashes.findIndex((crash) => crash.when === when && (crash.step === call.name || crash.step === call.index))
    if (at < 0) return
    this.#crashes.splice(at, 1)
    this.#crash(instance)
  }

  #crash(instance: Instance): void {
    instance.crash()
    this.#coordinator.runs.crashed(instance)
    this.#coordinator.runs.advance()
  }

  async #untilEnded(run: Run): Promise<void> {
    const giveUpAt = systemClock.monotonic() + this.#waitMs
    for (await this.#clock.settle(); !isEnded(run.state); ) {
      const { untilNextMs } = this.#clock
      const isAtWork = this.#running().some((instance) => instance.isAtWork)
      if (!isAtWork && untilNextMs !== undefined) {
        await this.#clock.advance(untilNextMs)
        continue
      }
      const before = systemClock.monotonic()
      if (!isAtWork || before > giveUpAt) throw this.#stalled(run, isAtWork)
      await pause(systemClock, STEP_MS)
      await this.#clock.advance(systemClock.monotonic() - before)
    }
  }

  #stalled(run: Run, isAtWork: boolean): CarillonError {
    const { handler, state } = run
    const offered = [...this.offered.keys()].join(', ')
    const why = run.paused
      ? 'it is paused: let it go on with run.resume()'
      : isAtWork
        ? `a handler has been at work for ${this.#waitMs} ms; where it is to wait for the clock of the mesh, use start and clock.advance`
        : this.offered.has(handler)
          ? 'nothing is under way'
          : `no handler "${handler}" is offered here; these are: ${offered}`
    return new CarillonError('CALL_TIMEOUT', `Run ${run.id} of ${handler} is ${state} and does not end: ${why}`, { value: run.id })
  }
}

/** A mesh in memory, for tests. */
export function testMesh(options?: TestMeshOptions): TestMesh {
  return new TestMesh(options)
}
