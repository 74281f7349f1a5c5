/**
 * The liveness thread: signals that this process is alive and still works on what it holds, through a connection of its own, whatever handlers do
 * to the main thread. It is started from a text (see `scripts/build-thread.ts`), so it must not import anything at run time.
 */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { every, openConnection, pause, systemClock, type Timer } from '@carillon/wire/internal'
import { headers as createHeaders, type Msg, type NatsConnection, RequestError, type Subscription } from '@nats-io/transport-node'
import type { LastMessage } from '../connection/confirmed-publisher.ts'
import { AckReader } from './ack-slots.ts'
import { ActivityWatch } from './activity.ts'
import { BlockedWork } from './blocked-work.ts'
import { LoadMeter } from './load-meter.ts'
import type { FromThread, MainLoad, ThreadSettings, ToThread } from './thread-message.ts'

const ROUND_MS = 1_000
const WATCH_MS = 250
/** A main thread that has not moved for so long reads nothing: the thread keeps its deliveries alive. */
const DEAF_AFTER_MS = 600
/** … and is shown as blocked from here on. */
const BLOCKED_AFTER_MS = 1_000
const RETRY_MS = 1_000
/** A main thread that is this late with its load is not waited for. */
const LATE_MS = 250
const WORKING = '+WPI'
const GIVE_BACK = '-NAK'
const ANSWER_WITHIN_MS = 1_000
const NOTICE_EVERY_MS = 10
const NOTICE_TRIES = 100
const ACK_PREFIX = '$JS.ACK.'
const ALIVE = '{"alive":true}'
const MESSAGE_ID = 'Nats-Msg-Id'
/**
 * Deliveries are received here as well while they are few, so that those are known that arrive before a blocked main thread is noticed. That doubles
 * what the broker delivers: beyond 20 a second, or a burst of 100, it is done only while the main thread is blocked, for the next 30 s.
 */
const MOST_PER_WATCH = 5
const MOST_AT_ONCE = 100
const QUIET_MS = 30_000
/** A main thread that is not blocked has read what came. */
const READ_WITHIN_MS = 2_000
const WORKING_EVERY_ROUNDS = 3

type FinalOrder = Extract<ToThread, { type: 'final' }>

/** All that the thread does, from its start until the main thread ends it or the process ends. */
class LivenessThread {
  readonly #settings: ThreadSettings
  readonly #port: MessagePort
  readonly #acks = new AckReader()
  readonly #meter = new LoadMeter(systemClock)
  readonly #inboxes = new Set<string>()
  /** Deliveries that the main thread may not have read yet. */
  readonly #unread = new Map<string, { readonly at: number; readonly data: Uint8Array; rounds: number }>()
  readonly #blocked: BlockedWork
  /** Of the last moments. */
  #arrivals = 0
  #quietUntil = 0
  readonly #activity: ActivityWatch
  readonly #stopping = new AbortController()
  readonly #timers: Timer[] = []
  #subscriptions: Subscription[] = []
  /** Undefined: nothing is expected yet. */
  #load: MainLoad | undefined
  #lastBeatAt = 0
  #connection: NatsConnection | undefined
  #final: FinalOrder | undefined

  constructor(settings: ThreadSettings, port: MessagePort) {
    this.#settings = settings
    this.#port = port
    this.#blocked = new BlockedWork({
      acks: this.#acks,
      session: settings.session,
      voice: {
        report: (text, messageId) => this.#report(text, messageId),
        giveBack: (subject) => this.#connection && publish(this.#connection, subject, GIVE_BACK),
      },
    })
    this.#activity = new ActivityWatch(settings.activity, systemClock.monotonic())
    port.on('message', (message: ToThread) => this.#obey(message))
  }

  async run(): Promise<void> {
    const connection = await this.#connect()
    if (!connection) return
    this.#connection = connection
    if (this.#final) this.#takeFinal(this.#final)
    const { session, control } = this.#settings.subjects
    // An error means that this user may not subscribe; there is no message then, and what is thrown here closes the connection.
    connection.subscribe(session, {
      callback: (error, message) => {
        if (!error) message.respond(ALIVE)
      },
    })
    connection.subscribe(control, {
      callback: (error, message) => {
        if (!error) this.#takeOrder(message)
      },
    })
    this.#timers.push(
      every(systemClock, ROUND_MS, () => this.#sayWorking(connection)),
      every(systemClock, WATCH_MS, () => this.#watchMain(connection)),
    )
    // A close that fails leaves nothing to do: the thread ends.
    this.#stopping.signal.addEventListener('abort', () => {
      connection.close().catch(() => undefined)
    })
    if (this.#load) this.#beat(this.#load)
    this.#follow(connection)
    this.#say({ isUp: true })
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#say({ isUp: false })
      else if (type === 'reconnect') this.#say({ isUp: true })
    }
  }

  async #connect(): Promise<NatsConnection | undefined> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        return await openConnection({ ...this.#settings.connection, clock: systemClock })
      } catch {
        // The main thread reports errors of its own connection, and sends the heartbeats until this one is up.
        await pause(systemClock, RETRY_MS, signal)
      }
    }
    return undefined
  }

  #obey(message: ToThread): void {
    if (message.type === 'segment') this.#acks.add(message.memory)
    else if (message.type === 'load') this.#beat(message.load)
    else if (message.type === 'inbox') this.#addInbox(message.inbox)
    else if (message.type === 'unwatch') this.#unwatch().catch(() => undefined)
    else if (message.type === 'final') this.#takeFinal(message)
    else {
      for (const timer of this.#timers) timer.cancel()
      this.#stopping.abort()
      this.#port.close()
    }
  }

  /** At once: deliveries before that to a blocked main thread would not be noticed. */
  #addInbox(inbox: string): void {
    this.#inboxes.add(inbox)
    if (this.#connection && systemClock.monotonic() >= this.#quietUntil) this.#follow(this.#connection)
  }

  /** While an inbox has a subscription the broker delivers to it, also work that this process has released. */
  async #unwatch(): Promise<void> {
    this.#inboxes.clear()
    this.#unfollow()
    // Without a connection nothing is delivered.
    await this.#connection?.flush().catch(() => undefined)
    this.#say({ isUnwatched: true })
  }

  #say(message: FromThread): void {
    if (!this.#stopping.signal.aborted) this.#port.postMessage(message)
  }

  #beat(load: MainLoad): void {
    this.#load = load
    this.#lastBeatAt = systemClock.monotonic()
    const stillMs = Math.round(this.#stillMs)
    const isBlocked = stillMs > BLOCKED_AFTER_MS
    const running = Math.max(this.#activity.held, load.running)
    const blocked = isBlocked ? { blockedMs: stillMs, running, eventLoopDelayMs: Math.max(stillMs, load.eventLoopDelayMs) } : {}
    const idleMs = this.#activity.idleMs(this.#lastBeatAt)
    const body = { ...this.#meter.measure(), ...load, ...blocked, idleMs, session: this.#settings.session }
    if (this.#connection) publish(this.#connection, this.#settings.subjects.beat, JSON.stringify(body))
  }

  /** The main thread obeys orders; this one knows whether work may be released that a blocked one holds. */
  #takeOrder(message: Msg): void {
    try {
      const { type } = message.json<{ type?: unknown }>()
      if (type === 'cordon' || type === 'uncordon') this.#blocked.isCordoned = type === 'cordon'
    } catch {
      // The main thread says what it does not understand.
    }
  }

  async #report(text: string, messageId?: string): Promise<boolean> {
    if (!this.#connection) return false
    const headers = createHeaders()
    if (messageId !== undefined) headers.set(MESSAGE_ID, messageId)
    const answer = await this.#connection.request(this.#settings.subjects.report, text, { timeout: ANSWER_WITHIN_MS, headers })
    return !('error' in (answer.json() as object))
  }

  /** A process may end before this thread has found the broker. */
  #takeFinal(order: FinalOrder): void {
    if (this.#connection) this.#sendFinal(this.#connection, order).catch(() => undefined)
    else this.#final = order
  }

  /** The main thread is blocked until `done` is set, and then the process ends. */
  async #sendFinal(connection: NatsConnection, { stored, giveBack, goodbye, done }: FinalOrder): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    await this.#nobodyReads(connection)
    await Promise.all(stored.map((message) => ask(connection, message)))
    for (const subject of giveBack) publish(connection, subject, GIVE_BACK)
    await ask(connection, goodbye)
    Atomics.store(new Int32Array(done), 0, 1)
    Atomics.notify(new Int32Array(done), 0)
  }

  /** The main thread has cut its connection. Until the broker has noticed, it would deliver to it the work that is released here. */
  async #nobodyReads(connection: NatsConnection): Promise<void> {
    const [inbox] = this.#inboxes
    let isGone = inbox === undefined
    const notice = (error: unknown) => {
      isGone ||= error instanceof RequestError && error.isNoResponders()
    }
    for (let i = 0; !isGone && i < NOTICE_TRIES; i++) {
      connection.request(`${inbox}.0`, '', { timeout: ANSWER_WITHIN_MS }).catch(notice)
      await pause(systemClock, NOTICE_EVERY_MS)
    }
  }

  #sayWorking(connection: NatsConnection): void {
    const stillMs = this.#stillMs
    if (stillMs < BLOCKED_AFTER_MS) this.#blocked.forget()
    else
      this.#blocked.look(
        stillMs,
        [...this.#unread].map(([ackSubject, { data }]) => ({ ackSubject, data })),
      )
    this.#blocked.reportReleases()
    for (const subject of this.#acks.due()) if (!this.#blocked.isReleased(subject)) publish(connection, subject, WORKING)
    for (const [subject, delivery] of this.#unread) {
      if (!this.#blocked.isReleased(subject) && delivery.rounds++ % WORKING_EVERY_ROUNDS === 0) publish(connection, subject, WORKING)
    }
  }

  /** The broker still answers pull requests of a blocked main thread: unread deliveries must not count as losses. */
  #watchMain(connection: NatsConnection): void {
    this.#activity.look(systemClock.monotonic())
    if (this.#load && systemClock.monotonic() - this.#lastBeatAt > this.#settings.beatMs + LATE_MS) this.#beat(this.#load)
    const isDeaf = this.#stillMs > DEAF_AFTER_MS
    const now = systemClock.monotonic()
    // In the order of arrival. The main thread keeps alive what it has read by now.
    if (!isDeaf) for (const [reply, { at }] of this.#unread) if (now - at > READ_WITHIN_MS) this.#unread.delete(reply)
    this.#arrivals = Math.max(0, this.#arrivals - MOST_PER_WATCH)
    if (!isDeaf && now < this.#quietUntil) this.#unfollow()
    else if (this.#subscriptions.length < this.#inboxes.size) this.#follow(connection)
  }

  #follow(connection: NatsConnection): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    const callback = (error: Error | null, { reply, data }: Msg) => {
      if (error || !reply?.startsWith(ACK_PREFIX)) return
      this.#unread.set(reply, { at: systemClock.monotonic(), data, rounds: 1 })
      if (++this.#arrivals <= MOST_AT_ONCE || this.#stillMs > DEAF_AFTER_MS) return
      this.#quietUntil = systemClock.monotonic() + QUIET_MS
      this.#unfollow()
    }
    this.#subscriptions = [...this.#inboxes].map((inbox) => connection.subscribe(`${inbox}.*`, { callback }))
  }

  #unfollow(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#subscriptions = []
  }

  get #stillMs(): number {
    return this.#activity.stillMs(systemClock.monotonic())
  }
}

/** Publishes and waits for any answer: nothing could be done about a refusal. */
async function ask(connection: NatsConnection, { subject, payload, headers }: LastMessage): Promise<void> {
  const sent = createHeaders()
  for (const [name, value] of headers) sent.set(name, value)
  await connection.request(subject, payload, { timeout: ANSWER_WITHIN_MS, headers: sent }).catch(() => undefined)
}

/** Without a connection the client drops it. */
function publish(connection: NatsConnection, subject: string, text: string): void {
  if (!connection.isClosed()) connection.publish(subject, text)
}

if (parentPort) void new LivenessThread(workerData as ThreadSettings, parentPort).run()
