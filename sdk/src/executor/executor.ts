import { CarillonError, LIMITS, PROTOCOL_VERSION, type Registered, type Registration, subjects, TIMES } from '@carillon/contracts'
import { every, type LoopClock, randomLetters, type Timer, within } from '@carillon/wire/internal'
import type { Subscription } from '@nats-io/transport-node'
import type { Caller } from '../client/caller.ts'
import type { Link } from '../connection/link.ts'
import { Activity } from '../liveness/activity.ts'
import { Liveness, livenessSubjects } from '../liveness/liveness.ts'
import type { ThreadSettings } from '../liveness/thread-message.ts'
import type { LogShipper } from '../logs/log-shipper.ts'
import type { OnWarning } from '../warning.ts'
import { Assignments, isAssignment } from './assignments.ts'
import type { Attempt } from './attempt.ts'
import { checkBroker } from './broker-check.ts'
import { counted } from './counted.ts'
import { deathText, type ExitCause, ExitWatch } from './exit-watch.ts'
import { handlerInfo, type OfferedHandler } from './handler.ts'
import { type HeldTask, HeldTasks } from './held-task.ts'
import { Intake } from './intake.ts'
import type { Isolation } from './isolation.ts'
import { Lane } from './lane.ts'
import { Pullers } from './pullers.ts'
import { Registrar } from './registrar.ts'
import { type Ending, endText, releasedText, type SleptEnding } from './report-text.ts'
import { Reporter } from './reporter.ts'
import { RunningReports } from './running-reports.ts'
import { TaskCalls } from './task-calls.ts'
import { ACK } from './work.ts'
import { workLoad } from './work-load.ts'

export interface ExecutorOptions {
  readonly link: Link
  readonly caller: Caller
  readonly clock: LoopClock
  readonly logs: LogShipper
  readonly identity: Pick<Registration, 'instance' | 'service' | 'version' | 'labels'>
  readonly capacity: number | undefined
  /** One for all executors of the process. */
  readonly isolation: Isolation
  readonly handlers: readonly OfferedHandler[]
  readonly onWarning: OnWarning
  /** How the liveness thread connects; undefined: there is to be none. */
  readonly threadConnection: ThreadSettings['connection'] | undefined
  /** A drain was requested over the wire. */
  readonly onDrain: () => void
}

const CHECK_EVERY_MS = 1_000
const SESSION_LETTERS = 16
const GOODBYE_MS = 2_000

/** Runs tasks: pulls work of its handlers as there is room, runs it, reports, acknowledges work whose report the broker has stored. */
export class Executor {
  readonly #options: ExecutorOptions
  readonly #held = new HeldTasks()
  readonly #activity = new Activity()
  readonly #lanes: ReadonlyMap<string, Lane>
  /** In the order in which they may take slots that handlers share. */
  readonly #turns: Lane[]
  readonly #pullers: Pullers
  readonly #capacity: number
  /** Handlers compete for slots. */
  readonly #isCapped: boolean
  readonly #calls: TaskCalls
  readonly #reporter: Reporter
  readonly #runningReports: RunningReports
  readonly #intake: Intake
  readonly #assignments: Assignments
  readonly #registrar: Registrar
  readonly #liveness: Liveness
  readonly #exitWatch = new ExitWatch((cause) => this.#reportExit(cause))
  readonly #subscriptions: Subscription[] = []
  readonly #timers: Timer[] = []
  readonly #onFree: (() => void)[] = []
  #serverId: string
  #isRegistered = false
  #isStopping = false
  #isCordoned = false
  #isBeatDue = false
  #stopUp: () => void = () => undefined

  constructor(options: ExecutorOptions) {
    const { link, caller, clock, onWarning, handlers } = options
    const session = randomLetters(SESSION_LETTERS)
    const identity = { ...options.identity, session }
    const onRegister = () => this.#registrar.again()
    this.#options = options
    this.#serverId = link.server.id
    const wanted = sum(handlers.map((handler) => handler.concurrency))
    this.#capacity = Math.min(options.capacity ?? Math.max(1, wanted), LIMITS.capacity)
    this.#isCapped = this.#capacity < wanted
    this.#reporter = new Reporter({
      ...{ link, clock, onWarning },
      subject: subjects.report(caller.namespace, identity.instance),
      onStreamMissing: onRegister,
    })
    this.#runningReports = new RunningReports({ clock, session, reporter: this.#reporter, held: this.#held })
    this.#calls = new TaskCalls({ caller, onWarning, instance: identity.instance, activity: this.#activity })
    this.#lanes = new Map(handlers.map((handler) => [handler.name, this.#createLane(handler)]))
    this.#turns = [...this.#lanes.values()]
    this.#intake = new Intake({
      ...{ link, caller, clock, onWarning, onRegister },
      ...{ instance: identity.instance, session, held: this.#held, lanes: this.#lanes },
      onDrain: options.onDrain,
      onCordon: (isCordoned) => this.#setCordoned(isCordoned),
      report: (text, stored) =>
        this.#reporter.report(text, () => {
          stored()
          this.#heldLess()
        }),
    })
    this.#assignments = new Assignments({
      ...{ link, clock, session, onWarning },
      ...{ held: this.#held, lanes: this.#lanes, intake: this.#intake },
    })
    this.#pullers = new Pullers({
      ...{ link, clock, onWarning },
      lanes: this.#lanes,
      onWork: (lane, message) => this.#intake.takeWork(lane, message),
      onInbox: (inbox) => this.#liveness.watchInbox(inbox),
      onMissing: onRegister,
    })
    this.#registrar = new Registrar({
      ...{ caller, clock, onWarning },
      registration: {
        ...identity,
        protocol: PROTOCOL_VERSION,
        capacity: this.#capacity,
        assignments: true,
        handlers: handlers.map(handlerInfo),
      },
      onRegistered: (registered) => this.#registered(registered),
      onTaken: options.onDrain,
    })
    this.#liveness = new Liveness({
      ...{ link, clock, onWarning, session, held: this.#held, activity: this.#activity },
      connection: options.threadConnection,
      subjects: livenessSubjects(caller.namespace, identity.instance, session),
      work: () => workLoad(this.#lanes.values(), this.#held, { isCordoned: this.#isCordoned, now: clock.monotonic() }),
    })
  }

  /**
   * Register and begin to take work. Waits until a registry answers.
   * @throws CarillonError NATS_TOO_OLD, JETSTREAM_MISSING, or the refusal of the registry
   */
  async start(): Promise<void> {
    try {
      await this.#begin()
    } catch (error) {
      // Nothing of an executor that did not start goes on: no timer, no subscription, no heartbeat.
      this.#close()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const { link, clock, caller, identity } = this.#options
    await checkBroker(link, clock)
    if (this.#isStopping) return
    this.#subscriptions.push(
      link.subscribe(subjects.control(caller.namespace, identity.instance), (message) => this.#intake.takeControl(message)),
      // Before the registration, an offer is meant for another process of this name, unless it has the session of this one.
      link.subscribe(subjects.direct(caller.namespace, identity.instance), (message) => {
        if (isAssignment(message)) this.#assignments.take(message)
        else if (this.#isRegistered || this.#intake.hasOwnSession(message)) this.#intake.takeOffer(message)
      }),
    )
    this.#options.isolation.join(this.#isIdle)
    await this.#liveness.start()
    if (this.#isStopping) return
    this.#exitWatch.start()
    this.#stopUp = link.onUp(() => this.#reconnected())
    this.#timers.push(every(clock, CHECK_EVERY_MS, () => this.#check()))
    await this.#registrar.register()
    if (!this.#isStopping) this.#liveness.beat()
  }

  /**
   * Accept no more, release what has not begun, wait for what runs, report, leave.
   * @param drainMs time for what runs; then its signals are aborted and, 5 s later, it is released
   */
  async stop(drainMs: number): Promise<void> {
    const { logs, onWarning } = this.#options
    this.#isStopping = true
    this.#calls.isDraining = true
    this.#registrar.stop()
    for (const lane of this.#lanes.values()) lane.close()
    // First of all: released work would be delivered again to an open request of this process.
    await within(this.#options.clock, GOODBYE_MS, this.#liveness.unwatch())
    this.#intake.close()
    const allTaken = this.#pullers.stop()
    for (const lane of this.#lanes.values()) for (const task of lane.take(() => true)) this.#intake.release(task)
    await within(this.#options.clock, drainMs, this.#free())
    if (this.#running() > 0) {
      onWarning({ code: 'drain-incomplete', message: `${this.#running()} tasks still ran after ${drainMs} ms; they are released` })
      for (const lane of this.#lanes.values()) for (const attempt of lane.running) attempt.abort('drain')
      await within(this.#options.clock, TIMES.graceMs + GOODBYE_MS, this.#free())
    }
    await within(this.#options.clock, GOODBYE_MS, allTaken)
    await within(this.#options.clock, Math.max(GOODBYE_MS, drainMs), this.#reporter.idle())
    await logs.stop(GOODBYE_MS)
    await this.#leave()
    await this.#close()
  }

  #createLane(handler: OfferedHandler): Lane {
    const { clock, caller, logs, isolation } = this.#options
    return new Lane({
      ...{ handler, clock, isolation, calls: this.#calls },
      telemetry: caller.telemetry,
      occupied: () => this.#occupied(),
      freeCapacity: () => (isolation.isClosed ? 0 : this.#capacity - this.#occupied()),
      unreserved: () => this.#capacity - this.#reserved(),
      isQuiet: () => this.#isQuiet(),
      announce: (task, stored) => this.#runningReports.announce(task, stored),
      keep: (task) => this.#intake.keep(task),
      release: (task) => this.#intake.release(task),
      isHung: () => this.#stuck() >= this.#capacity,
      observer: counted(
        { activity: this.#activity, held: this.#held },
        {
          onBegin: (attempt) => this.#runningReports.began(attempt),
          onProgress: (attempt, percent, note) => this.#runningReports.progressed(attempt, percent, note),
          onLog: (attempt, line) => logs.add(attempt.task.work, line, attempt.traceparent),
          onEnd: (attempt, ending) => this.#ended(attempt, ending),
          onUnstuck: (attempt) => this.#freed(attempt),
        },
      ),
    })
  }

  #total(countOf: (lane: Lane) => number): number {
    let total = 0
    for (const lane of this.#lanes.values()) total += countOf(lane)
    return total
  }

  readonly #running = () => this.#total((lane) => lane.running.size)
  readonly #stuck = () => this.#total((lane) => lane.stuck.size)
  readonly #occupied = () => this.#total((lane) => lane.occupied)
  readonly #reserved = () => this.#total((lane) => lane.reserved)

  readonly #isIdle = () => this.#occupied() === 0 && this.#reporter.isIdle

  #isQuiet(): boolean {
    // Until the next check.
    if (!this.#options.isolation.isIdleBeside(this.#isIdle)) return false
    if (this.#reporter.isIdle) return true
    this.#reporter.whenIdle(() => {
      for (const lane of this.#lanes.values()) lane.pump()
    })
    return false
  }

  #registered({ consumers, claimUpTo = 0, cordoned }: Registered): void {
    this.#isRegistered = true
    this.#intake.forgetsUpTo(claimUpTo)
    this.#setCordoned(cordoned === true)
    this.#pullers.connect(consumers)
  }

  /** What runs goes on. What waits is released, once the broker knows that nothing of this process receives work: it would come back. */
  #setCordoned(isCordoned: boolean): void {
    if (isCordoned === this.#isCordoned || this.#isStopping) return
    this.#isCordoned = isCordoned
    this.#intake.isCordoned = isCordoned
    if (isCordoned) {
      const waiting = [...this.#lanes.values()].flatMap((lane) => lane.take(() => true))
      Promise.all([this.#liveness.unwatch(), this.#pullers.pause()])
        // The connection broke, and with it every subscription.
        .catch(() => undefined)
        .then(() => {
          for (const task of waiting) this.#intake.release(task)
        })
    } else this.#pullers.resume()
    this.#liveness.beatNow()
  }

  /** A drain waits until the heartbeats of a cordoned executor say that it holds no task, so one is sent as soon as it holds fewer: one for all changes of a turn. */
  #heldLess(): void {
    if (!this.#isCordoned || this.#isBeatDue) return
    this.#isBeatDue = true
    this.#options.clock.nextTurn(() => {
      this.#isBeatDue = false
      this.#liveness.beatNow()
    })
  }

  #ended(attempt: Attempt, ending: Ending | SleptEnding | undefined): void {
    const { task } = attempt
    this.#runningReports.ended(attempt)
    const logLines = this.#options.logs.end(task.work)
    if (ending === undefined) this.#intake.giveBackBegun(task)
    else this.#report(attempt, ending, logLines)
    this.#freed(attempt)
    if (ending && attempt.isStuck) this.#warnStuck(attempt)
    if (this.#onFree.length > 0 && this.#running() === 0) for (const resolve of this.#onFree.splice(0)) resolve()
  }

  /** Its slot may be free: its handler requests more, and others that compete for the capacity begin waiting tasks. */
  #freed({ task }: Attempt): void {
    this.#pullers.wake(task.work.handler)
    if (task.work.alone) this.#pullers.wakeAll()
    if (!this.#isCapped && !this.#options.isolation.isRequested && !task.work.alone) return
    // Each in its turn, or the first handler would have all slots as long as it has waiting tasks.
    this.#turns.push(this.#turns.shift() as Lane)
    for (const lane of this.#turns) lane.pump()
  }

  #warnStuck({ task: { work } }: Attempt): void {
    const message = `Task ${work.taskId} of handler ${work.handler} has ended, but its handler ignores ctx.signal and still runs: it keeps its slot`
    this.#options.onWarning({ code: 'handler-stuck', message })
  }

  #report(attempt: Attempt, ending: Ending | SleptEnding, logLines: number): void {
    const { link, clock } = this.#options
    const { task } = attempt
    const lane = this.#lanes.get(task.work.handler) as Lane
    lane.unconfirmed++
    const ran = { durationMs: clock.monotonic() - attempt.startedAt, logLines, maxBytes: this.#reporter.maxBytes }
    this.#reporter.report(endText(task.work, ending, ran), () => {
      lane.confirmed(attempt)
      this.#held.end(task)
      if (task.isForAny) task.answer(link, ACK.done)
      else this.#intake.offerDone(task)
      if (task.work.alone) this.#freed(attempt)
      else this.#pullers.wake(task.work.handler)
      // Who drains it waits for this.
      if (this.#isCordoned && this.#occupied() === 0) this.#liveness.beatNow()
    })
  }

  #check(): void {
    this.#intake.awake()
    for (const lane of this.#lanes.values()) {
      for (const task of lane.takeOverdue()) this.#intake.release(task)
      lane.pump()
    }
    this.#pullers.check()
  }

  /** Unconfirmed reports have been sent again by now: before more work is requested. */
  #reconnected(): void {
    const { id } = this.#options.link.server
    // Until the registry answers up to where a restarted broker may have lost deliveries, all are suspect.
    if (id !== this.#serverId) this.#intake.forgetsUpTo(Number.POSITIVE_INFINITY)
    this.#serverId = id
    this.#pullers.restart()
    this.#registrar.again()
  }

  /**
   * The process ends: the liveness thread publishes reports of its tasks, and what is not stored yet, while this thread waits. If there is none that
   * is connected, the instance is lost by its silence, and no task can be cleared.
   */
  #reportExit(cause: ExitCause): void {
    const { link, logs } = this.#options
    const returned: HeldTask[] = []
    for (const lane of this.#lanes.values()) {
      for (const { task } of lane.running) this.#reporter.report(deathText(task, cause, this.#isStopping))
      returned.push(...lane.take(() => true))
    }
    for (const { work } of returned) this.#reporter.report(releasedText(work))
    const stored = [...this.#reporter.unstored(), ...logs.unstored()]
    link.cut()
    const giveBack = returned.flatMap(({ ackSubject }) => ackSubject ?? [])
    this.#liveness.sendFinal({ stored, giveBack, goodbye: this.#registrar.goodbye })
  }

  /** Resolves when nothing runs. */
  #free(): Promise<void> {
    if (this.#running() === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onFree.push(resolve))
  }

  async #leave(): Promise<void> {
    try {
      await this.#registrar.leave(GOODBYE_MS)
    } catch (error) {
      const { message } = CarillonError.from(error)
      this.#options.onWarning({ code: 'drain-incomplete', message: `No registry took the goodbye: ${message}` })
    }
  }

  async #close(): Promise<void> {
    this.#exitWatch.stop()
    this.#options.isolation.leave(this.#isIdle)
    for (const lane of this.#lanes.values()) lane.leave()
    this.#stopUp()
    this.#runningReports.stop()
    this.#reporter.stop()
    for (const timer of this.#timers) timer.cancel()
    this.#pullers.close()
    for (const subscription of this.#subscriptions) if (!subscription.isClosed()) subscription.unsubscribe()
    await this.#liveness.stop()
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
