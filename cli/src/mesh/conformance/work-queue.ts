import { subjects, TIMES, workConsumer, workFilter } from '@carillon/contracts'
import { type Broker, ensureConsumer, ensureStream } from '@carillon/runtime'
import { pause } from '../../clock.ts'

const NANOS = 1_000_000
/** The stream has a message on this subject already. */
const SUBJECT_TAKEN = 10077
/** How long, and how often, a message that was acknowledged is waited for to be gone. */
const [REMOVED_WITHIN_MS, REMOVED_CHECK_MS] = [5_000, 20]
const MAX_ACK_PENDING = 1_000
/** A test needs little room. */
const SMALL = { replicas: 1, part: 1 / 64, change: 'none' } as const

/** The streams that an executor deals with, and the messages of work in them. */
export class WorkQueue {
  readonly #broker: Broker
  readonly #namespace: string
  /** By place in the stream. */
  readonly #tasks = new Map<number, { taskId: string; handler: string }>()

  #storing: Promise<unknown> = Promise.resolve()
  readonly #taken: { nak(): void }[] = []

  constructor(broker: Broker, namespace: string) {
    this.#broker = broker
    this.#namespace = namespace
  }

  async make(handlers: readonly string[]): Promise<void> {
    const { manager } = this.#broker
    for (const name of ['WORK', 'REPORTS', 'LOGS'] as const) await ensureStream(manager, name, SMALL)
    for (const handler of handlers)
      await ensureConsumer(manager, 'WORK', {
        durable_name: workConsumer(this.#namespace, handler),
        filter_subject: workFilter(this.#namespace, handler),
        ack_wait: TIMES.ackWaitMs * NANOS,
        max_ack_pending: MAX_ACK_PENDING,
      })
  }

  /** Puts work into the stream. A message of the task that has just been acknowledged is removed by the broker in its own time: until then it refuses another one. */
  async put(work: { handler: string; taskId: string }, text: string): Promise<void> {
    const subject = subjects.work(this.#namespace, work.handler, work.taskId)
    const stored = this.#publish(subject, text)
    const known = stored.then(({ seq }) => this.#tasks.set(seq, work))
    this.#storing = Promise.allSettled([this.#storing, known])
    await known
  }

  async #publish(subject: string, text: string): Promise<{ readonly seq: number }> {
    for (let left = REMOVED_WITHIN_MS / REMOVED_CHECK_MS; ; left--) {
      try {
        return await this.#broker.manager.jetstream().publish(subject, text)
      } catch (error) {
        if (left <= 0 || (error as { code?: unknown }).code !== SUBJECT_TAKEN) throw error
        await pause(REMOVED_CHECK_MS)
      }
    }
  }

  /** Pulls the next message of a handler: when it is released, it is delivered a second time. */
  async deliverOnce(handler: string): Promise<void> {
    const consumer = await this.#broker.manager.jetstream().consumers.get('WORK', workConsumer(this.#namespace, handler))
    const message = await consumer.next({ expires: 5_000 })
    if (message) this.#taken.push(message)
  }

  /** Releases what was pulled (`-NAK`). */
  giveBack(): void {
    for (const message of this.#taken.splice(0)) message.nak()
  }

  /** As if the delivery of the task's message had not been acknowledged in time. */
  async redeliver(taskId: string): Promise<void> {
    const [sequence, { handler }] = this.#find(taskId)
    const consumer = workConsumer(this.#namespace, handler)
    const { delivered } = await this.#broker.manager.consumers.info('WORK', consumer)
    this.#broker.connection.publish(`$JS.ACK.WORK.${consumer}.1.${sequence}.${delivered.consumer_seq}.0.0`, '-NAK')
  }

  async remove(taskId: string): Promise<void> {
    await this.#broker.manager.streams.deleteMessage('WORK', this.#find(taskId)[0])
  }

  /** Messages that are in the stream, or were, end here. */
  get lastSequence(): number {
    return Math.max(0, ...this.#tasks.keys())
  }

  /** The task whose message an acknowledgement is about. */
  taskOf(ackSubject: string): string | undefined {
    return this.#tasks.get(Number(ackSubject.split('.')[5]))?.taskId
  }

  /** Resolves when what was put is known by its place in the stream. */
  async stored(): Promise<void> {
    await this.#storing
  }

  #find(taskId: string): [number, { handler: string }] {
    const found = [...this.#tasks].reverse().find(([, task]) => task.taskId === taskId)
    if (!found) throw new Error(`no work of task ${taskId} was sent`)
    return found
  }
}
