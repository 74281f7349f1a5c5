import { STREAMS, workOfRunFilter } from '@carillon/contracts'
import { apiErrorCode, type Broker } from '@carillon/runtime'
import type { StoredWork } from '../ports.ts'
import { consumerOf, subjectOf, type Work } from '../runs/rules/work.ts'

const WORK = STREAMS.WORK.name
const PAGE = 500
/** The size of one answer of the broker that a connection has room for beside other traffic. */
const ANSWER_BYTES = 4 * 1024 * 1024
const MESSAGE_NOT_FOUND = [10037, 10043]
/** Whatever the storage of the broker said: also that the message was acknowledged a moment ago. */
const DELETE_FAILED = 10057
const CONSUMER_NOT_FOUND = 10014

/**
 * What stream WORK holds, and its removal. A message that may be with an executor is deleted by its sequence, never purged by its subject:
 * when a purge meets one, nats-server (2.15.2) moves the consumer's acknowledgement floor past all that was delivered before it. Those messages
 * stay in the stream, and when their executor dies they are never delivered again.
 */
export class WorkStream implements StoredWork {
  readonly #manager: Broker['manager']

  constructor({ manager }: Pick<Broker, 'manager'>) {
    this.#manager = manager
  }

  /** The message of a task: its sequence and its attempt. */
  async find(work: Work): Promise<{ sequence: number; attempt: number | undefined } | undefined> {
    const message = await this.#manager.direct.getMessage(WORK, { last_by_subj: subjectOf(work) })
    return message ? { sequence: message.seq, attempt: attemptOf(message.string()) } : undefined
  }

  /**
   * Removes the message of a task, if there is one. That of a later attempt stays: the run was retried, or resumed, and its message would be published once more, while
   * an executor has it.
   */
  async remove(work: Work): Promise<void> {
    const message = await this.find(work)
    if (message && (message.attempt ?? 0) <= work.task.attempt) await this.delete(message.sequence)
  }

  /** Removes the messages of all tasks of a fan-out run: those that were delivered one by one, all others at once. */
  async removeAll(run: Work['run']): Promise<void> {
    const filter = workOfRunFilter(run.namespace, run.handler, run.id)
    const { delivered, isIdle } = await this.#consumer(consumerOf(run))
    for (let isLeft = !isIdle; isLeft; ) {
      const sequences: number[] = []
      const query = { multi_last: [filter], up_to_seq: delivered, batch: PAGE, max_bytes: ANSWER_BYTES }
      for await (const { seq } of await this.#manager.direct.getLastMessagesFor(WORK, query)) sequences.push(seq)
      await Promise.all(sequences.map((sequence) => this.delete(sequence)))
      isLeft = sequences.length > 0
    }
    await this.#manager.streams.purge(WORK, { filter })
  }

  async delete(sequence: number): Promise<void> {
    try {
      await this.#manager.streams.deleteMessage(WORK, sequence, false)
    } catch (error) {
      const code = apiErrorCode(error) ?? 0
      if (MESSAGE_NOT_FOUND.includes(code)) return
      if (code !== DELETE_FAILED || (await this.#manager.direct.getMessage(WORK, { seq: sequence })) !== null) throw error
    }
  }

  /**
   * The sequence of the message of each of these subjects that has one. The broker answers with the messages themselves and stops when they are
   * many bytes; so the rest is requested until there is none.
   */
  async sequences(wanted: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    for (let rest = wanted, before = -1; rest.length > 0 && found.size > before; rest = wanted.filter((subject) => !found.has(subject))) {
      before = found.size
      const query = { multi_last: [...rest], batch: rest.length, max_bytes: ANSWER_BYTES }
      for await (const { subject, seq } of await this.#manager.direct.getLastMessagesFor(WORK, query)) found.set(subject, seq)
    }
    return found
  }

  /** Up to this sequence a consumer regards every message as acknowledged: one that is still there is never delivered. */
  async acknowledgedUpTo(consumer: string): Promise<number> {
    return (await this.#consumer(consumer)).floor
  }

  async #consumer(name: string): Promise<{ delivered: number; floor: number; isIdle: boolean }> {
    try {
      const info = await this.#manager.consumers.info(WORK, name)
      return { delivered: info.delivered.stream_seq, floor: info.ack_floor.stream_seq, isIdle: info.num_ack_pending === 0 }
    } catch (error) {
      if (apiErrorCode(error) === CONSUMER_NOT_FOUND) return { delivered: 0, floor: 0, isIdle: true }
      throw error
    }
  }
}

/** Any client may publish on its subject: an invalid message has no attempt. */
function attemptOf(body: string): number | undefined {
  try {
    return JSON.parse(body)?.attempt
  } catch {
    return undefined
  }
}
