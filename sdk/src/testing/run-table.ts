import { isDeepStrictEqual } from 'node:util'
import {
  CarillonError,
  DEFAULT_BACKOFF,
  GATING_FIELDS,
  isEnded,
  isTaskId,
  POISON_AFTER,
  parseInstant,
  printable,
  type Report,
  type RunMode,
  type RunState,
  type StartedRun,
  type StartRun,
  TIMES,
  type WorkMessage,
} from '@carillon/contracts'
import type { Timer } from '@carillon/wire/internal'
import type { OfferedHandler } from '../executor/handler.ts'
import { beginFanOut, goOn } from './fan-out.ts'
import type { Instance } from './instance.ts'
import { applyEvent, cancel, finish, goToSleep, type Life, lose, type Run, type Task } from './life.ts'
import { endAtLimit, endedInTime, limitOf } from './limits.ts'
import type { MeshClock, ProcessClock } from './mesh-clock.ts'
import { holdTasks, pauseRun, resumeRun } from './pausing.ts'
import { callbackOf, noteFailedTry } from './retries.ts'

export interface RunTableOptions {
  readonly clock: MeshClock
  readonly handlers: ReadonlyMap<string, OfferedHandler>
  /** Live instances. */
  readonly instances: () => readonly Instance[]
  readonly onEnded: (run: Run) => void
}

/** States of a run of which tasks may be under way. */
const GOING_ON: readonly RunState[] = ['running', 'paused', 'cancelling']

/** The instance that claims to run an attempt of a task. */
interface Caller {
  readonly taskId: string
  readonly attempt: number
}

/** The runs of a test mesh: starts them, dispatches their tasks, applies reports. The life cycle of the contracts decides the states. */
export class RunTable {
  readonly #options: RunTableOptions
  readonly #runs = new Map<string, Run>()
  readonly #open = new Set<Run>()
  readonly #byKey = new Map<string, Run>()
  /** Runs to be reconciled at the end of this turn. */
  readonly #dirty = new Set<Run>()
  #isDue = false
  /** Timers of delayed runs and tasks, by id. */
  readonly #due = new Map<string, Timer>()
  /** Timers of the limits of runs, by id. */
  readonly #limits = new Map<string, Timer>()
  readonly #timers: ProcessClock

  constructor(options: RunTableOptions) {
    this.#options = options
    this.#timers = options.clock.processClock()
  }

  /** In the order of their start. */
  get all(): Run[] {
    return [...this.#runs.values()]
  }

  start(request: StartRun): StartedRun {
    const { key, at, delayMs } = request
    const known = key === undefined ? undefined : this.#byKey.get(key)
    if (known) return { runId: sameRun(known, request).id, created: false }
    const now = this.#options.clock.now()
    const dueAt = at === undefined ? now + (delayMs ?? 0) : Date.parse(at)
    const run = this.#newRun(request, { now, dueAt })
    this.#runs.set(run.id, run)
    this.#open.add(run)
    if (key !== undefined) this.#byKey.set(key, run)
    this.#watch(run)
    if (run.state === 'delayed') this.#delay(run, run, dueAt - now)
    else this.advance(run)
    return { runId: run.id, created: true }
  }

  #newRun(request: StartRun, { now, dueAt }: { now: number; dueAt: number }): Run {
    const { key, shards, items, maxParallel, tolerate, timeoutMs, backoff = DEFAULT_BACKOFF, nonRetryable, attempts: tries = 1 } = request
    if (backoff.type === 'cron') throw noCron()
    refuseRules(request)
    // The id of a run with a key is derived from it.
    const id = request.id ?? `k${String(this.#runs.size).padStart(25, '0')}`
    const handler = request.handler ?? (request.job as string)
    const isDelayed = dueAt > now
    const { runTimeoutMs, deadlineMs, endWithinMs, requestedAt, retry, withinRetry } = request
    const endAt = endWithinMs && Math.min(now, parseInstant(requestedAt) ?? now) + endWithinMs
    return {
      ...{ id, runId: id, handler, key, shards, items, maxParallel, tolerate, timeoutMs, backoff, nonRetryable, tries },
      ...{ runTimeoutMs, deadlineAt: deadlineMs && dueAt + deadlineMs, endAt, retry, withinRetry, failed: [] },
      ...{ attempts: tries, attempt: 1, losses: 0, since: 1, createdAt: now, dueAt, tasks: new Map() },
      mode: modeOf(request, this.#options.handlers.get(handler)),
      payload: request.payload ?? null,
      state: isDelayed ? 'delayed' : 'queued',
      reason: isDelayed ? 'delay' : undefined,
    }
  }

  began({ taskId, attempt }: WorkMessage, instance: Instance): void {
    const { run, life } = this.find(taskId)
    const startedAt = life.startedAt ?? this.#options.clock.now()
    if (life.attempt !== attempt || !applyEvent(life, 'started', { owner: instance.name, startedAt, reason: undefined })) return
    run.firstStartedAt ??= startedAt
    this.#watch(run)
  }

  /** The attempt is the fence: a report of a replaced one changes nothing. */
  reported(report: Report, instance: Instance): void {
    const { run, life } = this.find(report.taskId)
    if (report.attempt !== life.attempt || life.owner !== instance.name) return
    const now = this.#options.clock.now()
    if (report.type === 'released') applyEvent(life, 'released', { reason: 'released', owner: undefined, startedAt: undefined })
    else if (report.type === 'slept' && goToSleep(life, now)) this.#delay(run, life, report.delayMs ?? 0)
    else if (report.type === 'finished') {
      noteFailedTry(run, report, now)
      const delayMs = finish(life, report, { run, now })
      if (delayMs !== undefined) this.#delay(run, life, delayMs)
    }
    this.advance(run)
  }

  /** An instance is silent: after the time of its heartbeats it is lost, and other instances take over its tasks. */
  crashed({ name }: Instance): void {
    this.#timers.after(TIMES.lostAfterMs, () => {
      for (const run of this.#open) {
        for (const life of livesOf(run)) if (!isEnded(life.state)) this.#lose(run, life, name)
        this.advance(run)
      }
    })
  }

  #lose(run: Run, life: Life & { target?: string | undefined }, name: string): void {
    const now = this.#options.clock.now()
    if (life.owner === name) lose(life, now)
    if (life.target !== name || isEnded(life.state)) return
    // A leg of a broadcast goes to an instance that has none.
    const taken = new Set([...run.tasks.values()].map(({ target }) => target))
    const unused = this.#offering(run.handler).find((instance) => !taken.has(instance))
    const message = `instance ${name} is gone, and every other one that offers the handler has a task of this run`
    if (unused) life.target = unused
    else applyEvent(life, 'failed', { reason: 'instance-lost', failure: { name: 'InstanceLost', message }, endedAt: now })
  }

  /** @throws CarillonError RUN_ENDED, RUN_NOT_PAUSABLE */
  pause(run: Run): void {
    pauseRun(run, this.#options.clock.now())
    this.#due.get(run.id)?.cancel()
    this.advance(run)
  }

  /** @throws CarillonError RUN_ENDED */
  resume(run: Run): void {
    const delayMs = resumeRun(run, this.#options.clock.now())
    if (delayMs !== undefined) this.#delay(run, run, delayMs)
    this.#watch(run)
    this.advance(run)
  }

  /** What is running is sent a cancel, and ends when its executor reports it. @throws CarillonError RUN_ENDED */
  cancel(run: Run): void {
    if (isEnded(run.state)) throw refusal('RUN_ENDED', `run ${run.id} has ended: ${run.state}`, { field: 'runId', value: run.id })
    // Its tasks may be under way.
    if (run.paused?.from === 'running') resumeRun(run, this.#options.clock.now())
    for (const life of livesOf(run)) {
      if (isEnded(life.state) || life.state === 'cancelling') continue
      cancel(life, this.#options.clock.now())
      this.#options
        .instances()
        .find(({ name }) => name === life.owner)
        ?.cancel(life.id)
    }
    this.advance(run)
  }

  /** @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING unless the caller runs this attempt of the task */
  running(caller: Caller, { name }: Instance, states: readonly RunState[]): { run: Run; life: Life } {
    const { run, life } = this.find(caller.taskId)
    if (life !== run && !GOING_ON.includes(run.state)) throw notRunning(caller, `its run is ${run.state}`)
    if (!states.includes(life.state)) throw notRunning(caller, `it is ${life.state}`)
    if (life.attempt !== caller.attempt) throw notRunning(caller, `it is at attempt ${life.attempt}`)
    if (life.owner !== name) throw notRunning(caller, `instance ${life.owner} has it`)
    return { run, life }
  }

  /** A task, or a run whose only task it is. @throws CarillonError RUN_NOT_FOUND */
  find(taskId: string): { run: Run; life: Life } {
    const run = this.#runs.get(isTaskId(taskId) ? taskId.slice(0, taskId.indexOf('-')) : taskId)
    const life = isTaskId(taskId) ? run?.tasks.get(taskId) : run
    if (run && life) return { run, life }
    throw refusal('RUN_NOT_FOUND', `there is no run ${printable(taskId)}`, { field: 'runId', value: printable(taskId) })
  }

  /** Reconciles a run, and dispatches what waits; may be called at any time. */
  advance(run?: Run): void {
    this.#options.clock.touch()
    if (run) this.#dirty.add(run)
    if (this.#isDue) return
    this.#isDue = true
    this.#timers.nextTurn(() => this.#reconcile())
  }

  #dispatch(): void {
    for (const run of this.#open)
      for (const life of run.mode === 'single' ? [run] : run.tasks.values())
        if (life.state === 'queued' && life.owner === undefined) this.#give(run, life)
  }

  #reconcile(): void {
    this.#options.clock.touch()
    this.#isDue = false
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    const now = this.#options.clock.now()
    for (const run of dirty) {
      if (run.state === 'paused') holdTasks(run)
      if (run.mode !== 'single') {
        if (run.state === 'queued') {
          beginFanOut(run, this.#offering(run.handler), now)
          this.#watch(run)
        }
        goOn(run, now)
      }
      if (!isEnded(run.state) || !this.#open.delete(run)) continue
      for (const life of livesOf(run)) this.#due.get(life.id)?.cancel()
      this.#limits.get(run.id)?.cancel()
      endedInTime(run, now)
      this.#options.onEnded(run)
      const callback = callbackOf(run)
      if (callback) this.start(callback)
    }
    this.#dispatch()
  }

  #give(run: Run, life: Life & Partial<Task>): void {
    const { target, index, total, item, task } = life
    const instance = this.#options.instances().find((one) => (target === undefined || one.name === target) && one.hasRoom(run.handler))
    if (!instance) return
    life.owner = instance.name
    const { handler, timeoutMs, payload, job, withinRetry } = run
    const alone = life.losses >= POISON_AFTER - 1 ? true : undefined
    const more = { index, total, item, task, job, timeoutMs, alone, withinRetry }
    // As it comes out of the wire.
    instance.run(JSON.parse(JSON.stringify({ runId: run.id, taskId: life.id, handler, attempt: life.attempt, payload, ...more })))
  }

  #delay(run: Run, life: Life, delayMs: number): void {
    if (life === run) run.dueAt = this.#options.clock.now() + delayMs
    const becomeDue = () => {
      this.#due.delete(life.id)
      applyEvent(life, 'due', { reason: undefined })
      this.advance(run)
    }
    this.#due.set(life.id, this.#timers.after(delayMs, becomeDue))
  }

  /** Arms the timer of its limit, as it is now. */
  #watch(run: Run): void {
    this.#limits.get(run.id)?.cancel()
    const limit = isEnded(run.state) ? undefined : limitOf(run)
    if (limit === undefined) return
    const reached = () => {
      const now = this.#options.clock.now()
      const current = isEnded(run.state) ? undefined : limitOf(run)
      if (current === undefined) return
      if (now < current.at) this.#watch(run)
      else if (endAtLimit(run, current, now)) this.cancel(run)
      this.advance(run)
    }
    this.#limits.set(run.id, this.#timers.after(Math.max(0, limit.at - this.#options.clock.now()), reached))
  }

  #offering(handler: string): string[] {
    return this.#options.instances().flatMap((instance) => (instance.offers(handler) ? [instance.name] : []))
  }
}

const livesOf = (run: Run): Life[] => [run, ...run.tasks.values()]

/** Shards are requested by their number or their items; a run of a handler that maps uses its mode, unless another one is requested. */
function modeOf({ mode = 'single', shards, items }: StartRun, offered: OfferedHandler | undefined): RunMode {
  const asked = mode === 'single' ? (offered?.kind ?? mode) : mode
  return items !== undefined || (shards !== undefined && asked !== 'map-reduce') ? 'shards' : asked
}

/** @throws CarillonError KEY_CONFLICT when another request has used this key */
function sameRun(run: Run, { job, handler = job, payload = null, key }: StartRun): Run {
  if (run.handler === handler && isDeepStrictEqual(run.payload, payload)) return run
  throw refusal('KEY_CONFLICT', `the key ${printable(key)} is that of another run`, { field: 'key', value: printable(key) })
}

export function notRunning({ taskId, attempt }: Caller, why: string): CarillonError {
  return refusal('TASK_NOT_RUNNING', `attempt ${attempt} of task ${taskId} does not run: ${why}`, { field: 'taskId', value: taskId })
}

function refusal(...[code, message, details]: ConstructorParameters<typeof CarillonError>): CarillonError {
  return new CarillonError(code, message, details)
}

function noCron(): CarillonError {
  const hint = 'Leave it out, or use another backoff, in tests on a mesh in memory.'
  return new CarillonError('INVALID_REQUEST', 'a mesh in memory computes no cron expressions', {
    field: 'backoff.type',
    value: 'cron',
    hint,
  })
}

const ROUTING_FIELDS = ['labels', 'where', 'route', 'instances', 'hashKey'] as const

/** Runs of a test mesh would not wait for each other, any instance would have them, and a test would prove nothing. */
function refuseRules(request: StartRun): void {
  const isGiven = (field: keyof StartRun) => request[field] !== undefined
  const gate = GATING_FIELDS.find(isGiven)
  const rule = gate ?? ROUTING_FIELDS.find(isGiven)
  if (rule === undefined) return
  throw new CarillonError('INVALID_REQUEST', `A test mesh has no ${gate ? 'gates' : 'routes'}: ${rule} is not followed here`, {
    field: rule,
    value: JSON.stringify(request[rule]),
    hint: 'Test it with a mesh, such as that of carillon up, or leave it out here.',
  })
}
