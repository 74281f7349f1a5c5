import { HEADERS, type WorkMessage } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'
import type { Link } from '../connection/link.ts'
import type { AckSlots, SlotState } from '../liveness/ack-slots.ts'
import { ACK, type AckBody } from './work.ts'

/** The message that delivered a task. */
type Brought = { readonly headers?: Msg['headers'] | undefined }

/** A task that this process is responsible for: from its delivery until the broker has its report. */
export class HeldTask {
  work: WorkMessage
  /** The attempt of its message. A claim may have made it a further one; a redelivery has the old one again. */
  readonly deliveredAttempt: number
  /** On the monotonic clock. */
  readonly heldAt: number
  /** Where to acknowledge it; undefined for a task that did not come from the work queue. A redelivery brings a new one. */
  ackSubject: string | undefined
  /** A coordinator has stored this instance as its owner. */
  isClaimed = false
  /** Whether its handler has begun, and whether that is reported. */
  state: SlotState = 'waiting'
  /** Where its acknowledgement subject is shared with the liveness thread; -1: nowhere. */
  slot = -1

  readonly isAssigned: boolean

  readonly #message: Brought

  /** @param message the delivery; its headers are parsed when they are used */
  constructor(work: WorkMessage, message: Brought, options: { heldAt: number; ackSubject?: string; isAssigned?: boolean }) {
    this.work = work
    this.deliveredAttempt = work.attempt
    this.#message = message
    this.heldAt = options.heldAt
    this.ackSubject = options.ackSubject
    this.isAssigned = options.isAssigned === true
  }

  /** Another instance may have it, too: it was pulled from the work queue, or assigned. Else it was offered to this one. */
  get isForAny(): boolean {
    return this.isAssigned || this.ackSubject !== undefined
  }

  get traceparent(): string | undefined {
    return this.work.traceparent ?? this.#traceHeader
  }

  get #traceHeader(): string | undefined {
    return this.#message.headers?.get(HEADERS.traceparent) || undefined
  }

  /** Lost while there is no connection: the broker then delivers it again, and it is answered from memory or by a claim. */
  answer(link: Link, ack: AckBody): void {
    if (this.ackSubject !== undefined) link.publish(this.ackSubject, ack)
  }
}

/** Names an attempt of a task. Most tasks are in their first attempt: their key costs nothing. */
export const attemptKey = ({ taskId, attempt }: Pick<WorkMessage, 'taskId' | 'attempt'>) =>
  attempt === 1 ? taskId : `${taskId}#${attempt}`
/** A message younger than this is not reported as in progress. */
const YOUNG_MS = 2_000
/** Ended attempts that are remembered: the last seconds of the fastest executor, and the last hours of most. */
const REMEMBERED = 10_000

/**
 * Every task that is held, by task and attempt: the attempt of its message, and the one that it is run as. The liveness thread is shown each of
 * them at once: its handler may block in the next moment. Of the last 10,000 attempts that have ended, and whose report the broker has confirmed,
 * it keeps where their message was acknowledged: a broker that is killed forgets acknowledgements and delivers such work again, as if for the first time.
 */
export class HeldTasks {
  /** A task, or the acknowledgement subject of one that has ended: in one map, because each task is looked up in both when it arrives. */
  readonly #tasks = new Map<string, HeldTask | string>()
  /** Keys of ended attempts, the oldest at `#oldest` once there are as many as are remembered. */
  readonly #ended: string[] = []
  #oldest = 0
  #slots: AckSlots | undefined

  find(work: Pick<WorkMessage, 'taskId' | 'attempt'>): HeldTask | undefined {
    const known = this.#tasks.get(attemptKey(work))
    return typeof known === 'string' ? undefined : known
  }

  /** Where the message of an attempt that has ended was acknowledged; empty if it had none, because it was assigned. */
  findEnded(work: Pick<WorkMessage, 'taskId' | 'attempt'>): string | undefined {
    const known = this.#tasks.get(attemptKey(work))
    return typeof known === 'string' ? known : undefined
  }

  add(task: HeldTask): void {
    this.#tasks.set(attemptKey(task.work), task)
    this.#share(task)
  }

  /** The broker has delivered its message again: answers to the earlier delivery no longer count. */
  redelivered(task: HeldTask, link: Link, ackSubject: string): void {
    task.ackSubject = ackSubject
    this.#share(task)
    task.answer(link, ACK.working)
  }

  /** Show everything that is held, from now on, to the thread that reads these slots; undefined: there is none. */
  shareWith(slots: AckSlots | undefined): void {
    this.#slots = slots
    // A task may be here under two keys.
    for (const task of this.#held()) task.slot = -1
    for (const task of this.#held()) this.#share(task)
  }

  /** Its handler begins, or its begin is reported: if its handler blocks before that, the thread reports it. */
  mark(task: HeldTask, state: SlotState): void {
    task.state = state
    if (task.slot >= 0) this.#slots?.mark(task.slot, state)
  }

  remove(task: HeldTask): void {
    this.#unshare(task)
    for (const key of keysOf(task)) if (this.#tasks.get(key) === task) this.#tasks.delete(key)
  }

  /** Another instance is to have it. An assigned one may be offered here once more by a coordinator that does not know of that yet: it is remembered as if it had ended. */
  giveBack(task: HeldTask): void {
    if (task.isAssigned) this.end(task)
    else this.remove(task)
  }

  /** Its attempt has ended, and the broker has its report. */
  end(task: HeldTask): void {
    if (!task.isForAny) {
      this.remove(task)
      return
    }
    this.#unshare(task)
    for (const key of keysOf(task)) this.#remember(key, task.ackSubject ?? '')
  }

  /** Keep the broker from redelivering them to another instance. */
  sayWorking(link: Link, now: number): void {
    for (const task of this.#held()) if (now - task.heldAt >= YOUNG_MS) task.answer(link, ACK.working)
  }

  /** Those that are held longest, as a heartbeat names them. */
  longest(now: number, most: number): { taskId: string; handler: string; forMs: number }[] {
    // A task may be here under two keys.
    const tasks = [...new Set(this.#held())].sort((a, b) => a.heldAt - b.heldAt).slice(0, most)
    return tasks.map(({ work: { taskId, handler }, heldAt }) => ({ taskId, handler, forMs: Math.round(now - heldAt) }))
  }

  *#held(): Generator<HeldTask> {
    for (const task of this.#tasks.values()) if (typeof task !== 'string') yield task
  }

  #remember(key: string, ackSubject: string): void {
    const oldest = this.#ended[this.#oldest]
    // It may be held again.
    if (oldest !== undefined && typeof this.#tasks.get(oldest) === 'string') this.#tasks.delete(oldest)
    this.#tasks.set(key, ackSubject)
    this.#ended[this.#oldest] = key
    this.#oldest = (this.#oldest + 1) % REMEMBERED
  }

  #share(task: HeldTask): void {
    if (this.#slots === undefined) return
    if (task.slot >= 0) this.#slots.put(task.slot, task)
    else {
      task.slot = this.#slots.take(task)
      if (task.state !== 'waiting') this.#slots.mark(task.slot, task.state)
    }
  }

  #unshare(task: HeldTask): void {
    if (task.slot >= 0) this.#slots?.release(task.slot)
    task.slot = -1
  }
}

const keysOf = ({ work, deliveredAttempt }: HeldTask) =>
  work.attempt === deliveredAttempt
    ? [attemptKey(work)]
    : [attemptKey(work), attemptKey({ taskId: work.taskId, attempt: deliveredAttempt })]
