import type { WorkMessage } from '@carillon/contracts'
import type { Link } from '../connection/link.ts'
import { ACK, type ReceivedWork } from './work.ts'

/** A task that this process is answerable for: from its delivery until the broker has its report. */
export class HeldTask {
  work: WorkMessage
  readonly traceparent: string | undefined
  readonly heldAt: number
  /** Where to acknowledge it; undefined for a task that was offered directly. A redelivery brings a new one. */
  ackSubject: string | undefined

  constructor({ work, traceparent }: ReceivedWork, heldAt: number, ackSubject: string | undefined) {
    this.work = work
    this.traceparent = traceparent
    this.heldAt = heldAt
    this.ackSubject = ackSubject
  }

  /** Lost while there is no connection: the broker then delivers it again, and the claim says that it is done. */
  answer(link: Link, ack: (typeof ACK)[keyof typeof ACK]): void {
    if (this.ackSubject !== undefined) link.publish(this.ackSubject, ack)
  }
}

const keyOf = (taskId: string, attempt: number) => `${taskId}#${attempt}`
/** A message younger than this needs no "still working". */
const YOUNG_MS = 2_000

/** Every task that is held, by task and attempt. */
export class HeldTasks {
  readonly #tasks = new Map<string, HeldTask>()

  get size(): number {
    return this.#tasks.size
  }

  find({ taskId, attempt }: WorkMessage): HeldTask | undefined {
    return this.#tasks.get(keyOf(taskId, attempt))
  }

  add(task: HeldTask): void {
    this.#tasks.set(keyOf(task.work.taskId, task.work.attempt), task)
  }

  remove(task: HeldTask): void {
    const key = keyOf(task.work.taskId, task.work.attempt)
    if (this.#tasks.get(key) === task) this.#tasks.delete(key)
  }

  /** Keep the broker from giving them to someone else. */
  sayWorking(link: Link, now: number): void {
    for (const task of this.#tasks.values()) if (now - task.heldAt >= YOUNG_MS) task.answer(link, ACK.working)
  }
}
