import { HEADERS, type WorkMessage } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'
import type { Link } from '../connection/link.ts'
import { ACK, type AckBody } from './work.ts'

/** A task that this process is answerable for: from its delivery until the broker has its report. */
export class HeldTask {
  work: WorkMessage
  readonly heldAt: number
  /** Where to acknowledge it; undefined for a task that was offered directly. A redelivery brings a new one. */
  ackSubject: string | undefined
  /** A coordinator has written us down as its owner. */
  isClaimed = false

  readonly #message: Msg

  /** @param message what brought it; its headers are read when they are asked for */
  constructor(work: WorkMessage, message: Msg, options: { heldAt: number; ackSubject?: string }) {
    this.work = work
    this.#message = message
    this.heldAt = options.heldAt
    this.ackSubject = options.ackSubject
  }

  get traceparent(): string | undefined {
    return this.#message.headers?.get(HEADERS.traceparent) || undefined
  }

  /** Lost while there is no connection: the broker then delivers it again, and the claim says that it is done. */
  answer(link: Link, ack: AckBody): void {
    if (this.ackSubject !== undefined) link.publish(this.ackSubject, ack)
  }
}

/** Most tasks are in their first attempt: their key costs nothing. */
const keyOf = ({ taskId, attempt }: WorkMessage) => (attempt === 1 ? taskId : `${taskId}#${attempt}`)
/** A message younger than this needs no "still working". */
const YOUNG_MS = 2_000

/** Every task that is held, by task and attempt. */
export class HeldTasks {
  readonly #tasks = new Map<string, HeldTask>()

  get size(): number {
    return this.#tasks.size
  }

  find(work: WorkMessage): HeldTask | undefined {
    return this.#tasks.get(keyOf(work))
  }

  add(task: HeldTask): void {
    this.#tasks.set(keyOf(task.work), task)
  }

  remove(task: HeldTask): void {
    const key = keyOf(task.work)
    if (this.#tasks.get(key) === task) this.#tasks.delete(key)
  }

  /** Keep the broker from giving them to someone else. */
  sayWorking(link: Link, now: number): void {
    for (const task of this.#tasks.values()) if (now - task.heldAt >= YOUNG_MS) task.answer(link, ACK.working)
  }
}
