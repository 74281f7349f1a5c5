import { Worker } from 'node:worker_threads'
import { subjects, TIMES } from '@carillon/contracts'
import { type Clock, every, type Timer } from '@carillon/wire/internal'
import type { Subscription } from '@nats-io/transport-node'
import { THREAD_PROGRAM } from '../../bundled/thread.js'
import type { Link } from '../connection/link.ts'
import type { HeldTasks } from '../executor/held-task.ts'
import type { OnWarning } from '../warning.ts'
import { AckSlots } from './ack-slots.ts'
import { type Activity, ActivityWatch } from './activity.ts'
import { LoadMeter, rounded } from './load-meter.ts'
import { LoopDelay } from './loop-delay.ts'
import type { FinalMessages, FromThread, LivenessSubjects, MainLoad, ThreadSettings, ToThread } from './thread-message.ts'

export interface LivenessOptions {
  readonly link: Link
  readonly clock: Clock
  /** How the thread connects; undefined: no thread is started. */
  readonly connection: ThreadSettings['connection'] | undefined
  readonly subjects: LivenessSubjects
  readonly session: string
  readonly held: HeldTasks
  readonly activity: Activity
  readonly work: () => Omit<MainLoad, 'eventLoopDelayMs'>
  readonly onWarning: OnWarning
}

export const livenessSubjects = (namespace: string, instance: string, session: string): LivenessSubjects => ({
  beat: subjects.beat(namespace, instance),
  report: subjects.report(namespace, instance),
  session: subjects.session(namespace, instance, session),
  control: subjects.control(namespace, instance),
})

/** Coarse, because each pulse wakes the process. */
const PULSE_EVERY_MS = 250
const THREAD_STARTS_WITHIN_MS = 2_000
const THREAD_ENDS_WITHIN_MS = 1_000
/** A broker that does not answer must not keep a process for longer. */
const LAST_WITHIN_MS = 3_000
const RESTART_AFTER_MS = 10_000
const ALIVE = '{"alive":true}'
/** It keeps two connections and a few thousand subjects. */
const THREAD_MEMORY = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 }

/**
 * Signals that this process lives and works on what it holds: heartbeats, `+WPI`, answers to a registry. A thread does so, with a
 * connection of its own, because handlers may block the main thread for minutes. While there is none that is connected, the main thread does.
 */
export class Liveness {
  readonly #options: LivenessOptions
  readonly #delay: LoopDelay
  readonly #meter: LoadMeter
  /** Of this thread itself, for the time without another one. */
  readonly #watch: ActivityWatch
  readonly #timers: Timer[] = []
  readonly #inboxes: string[] = []
  #thread: Worker | undefined
  #isThreadUp = false
  #isBeating = false
  /** Ends the wait of `start`. */
  #started: () => void = () => undefined
  /** Ends the wait of `unwatch`. */
  #unwatched: () => void = () => undefined
  #subscription: Subscription | undefined
  #restart: Timer | undefined

  constructor(options: LivenessOptions) {
    this.#options = options
    this.#meter = new LoadMeter(options.clock)
    this.#delay = new LoopDelay(options.clock, PULSE_EVERY_MS)
    this.#watch = new ActivityWatch(options.activity.memory, options.clock.monotonic())
  }

  /**
   * To be called before anything is held. When it resolves, what is held is kept whatever the main thread does, unless the thread takes too long to
   * start: a process may work without it.
   */
  start(): Promise<void> {
    const started = new Promise<void>((resolve) => (this.#started = resolve))
    const { link, clock, held, activity, connection } = this.#options
    this.#subscription = link.subscribe(this.#options.subjects.session, ({ reply }) => {
      if (reply) link.publish(reply, ALIVE)
    })
    if (connection) this.#startThread(connection)
    else this.#warn('it was not wanted')
    if (this.#thread) this.#timers.push(clock.after(THREAD_STARTS_WITHIN_MS, this.#started))
    else this.#started()
    this.#timers.push(
      every(clock, PULSE_EVERY_MS, () => {
        this.#delay.pulse()
        activity.pulse()
        this.#watch.look(clock.monotonic())
      }),
      every(clock, TIMES.workingMs, () => {
        if (!this.#isThreadUp) held.sayWorking(link, clock.monotonic())
      }),
    )
    return started
  }

  /** This process is registered: beats are expected from it. */
  beat(): void {
    this.#isBeating = true
    // What blocked the loop while the process started is no load.
    this.#delay.take()
    this.#beatOnce()
    this.#timers.push(every(this.#options.clock, TIMES.beatMs, () => this.#beatOnce()))
  }

  /** Registries hear of a change at once. Before the registration there is nobody to hear it. */
  beatNow(): void {
    if (this.#isBeating) this.#beatOnce()
  }

  /** Work comes to this inbox of a puller. */
  watchInbox(inbox: string): void {
    this.#inboxes.push(inbox)
    this.#post({ type: 'inbox', inbox })
  }

  /** No work may arrive any more. Resolves when the thread has no subscription for work. */
  unwatch(): Promise<void> {
    this.#inboxes.length = 0
    if (!this.#thread) return Promise.resolve()
    const unwatched = new Promise<void>((resolve) => (this.#unwatched = resolve))
    this.#post({ type: 'unwatch' })
    return unwatched
  }

  /** The process ends when this returns: the thread publishes what is left, and this blocks until it has, because the event loop does not run any more. */
  sendFinal(order: FinalMessages): void {
    if (!this.#thread) return
    const done = new SharedArrayBuffer(4)
    this.#post({ type: 'final', done, ...order })
    Atomics.wait(new Int32Array(done), 0, 0, LAST_WITHIN_MS)
  }

  /** Resolves when the thread has given up its connection. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) timer.cancel()
    this.#started()
    this.#restart?.cancel()
    if (this.#subscription?.isClosed() === false) this.#subscription.unsubscribe()
    const thread = this.#thread
    if (!thread) return
    this.#post({ type: 'stop' })
    this.#thread = undefined
    const ended = new Promise((resolve) => thread.once('exit', resolve))
    const tooLate = this.#options.clock.after(THREAD_ENDS_WITHIN_MS, () => {
      thread.terminate().catch((error: unknown) => this.#warn(String(error)))
    })
    await ended
    tooLate.cancel()
  }

  #startThread(connection: ThreadSettings['connection']): void {
    const { session, held, activity } = this.#options
    const settings = { connection, subjects: this.#options.subjects, session, beatMs: TIMES.beatMs, activity: activity.memory }
    let thread: Worker
    try {
      const name = 'carillon-liveness'
      thread = new Worker(THREAD_PROGRAM, {
        eval: true,
        workerData: settings satisfies ThreadSettings,
        name,
        execArgv: [],
        resourceLimits: THREAD_MEMORY,
      })
    } catch (error) {
      this.#warn((error as Error).message)
      return
    }
    thread.unref()
    thread.on('message', (message: FromThread) => {
      if ('isUnwatched' in message) return this.#unwatched()
      this.#isThreadUp = message.isUp
      if (message.isUp) this.#started()
    })
    // A thread that runs out of memory ends with an error, and the process goes on.
    thread.on('error', (error) => this.#threadEnded(thread, { connection, why: String(error) }))
    thread.on('exit', () => this.#threadEnded(thread, { connection, why: 'it has ended' }))
    this.#thread = thread
    for (const inbox of this.#inboxes) this.#post({ type: 'inbox', inbox })
    held.shareWith(new AckSlots((memory) => this.#post({ type: 'segment', memory })))
  }

  #threadEnded(thread: Worker, { connection, why }: { connection: ThreadSettings['connection']; why: string }): void {
    this.#isThreadUp = false
    this.#started()
    this.#unwatched()
    if (this.#thread !== thread) return
    this.#thread = undefined
    this.#options.held.shareWith(undefined)
    this.#warn(why)
    this.#restart = this.#options.clock.after(RESTART_AFTER_MS, () => this.#startThread(connection))
  }

  #warn(why: string): void {
    const consequence = 'a handler that computes for more than 10 s makes this process lost'
    this.#options.onWarning({
      code: 'no-thread',
      message: `Heartbeats come from the main thread, not from one of their own (${why}): ${consequence}`,
    })
  }

  #post(message: ToThread): void {
    this.#thread?.postMessage(message)
  }

  #beatOnce(): void {
    const { link, clock, work, session } = this.#options
    const load: MainLoad = { ...work(), eventLoopDelayMs: rounded(this.#delay.take()) }
    this.#post({ type: 'load', load })
    if (this.#isThreadUp) return
    const idleMs = this.#watch.idleMs(clock.monotonic())
    link.publish(this.#options.subjects.beat, JSON.stringify({ ...this.#meter.measure(), ...load, idleMs, session }))
  }
}
