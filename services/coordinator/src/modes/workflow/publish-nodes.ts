import { CarillonError, printable, TIMES } from '@carillon/contracts'
import { type Broker, type Clock, headersOf, type StreamPublisher } from '@carillon/runtime'
import type { RunHead, Store, TaskRecord } from '@carillon/store'
import type { Tasks } from '../../ports.ts'
import type { Decision } from '../../runs/rules/decision.ts'

/** What the task of a node that publishes keeps as its item. */
export interface PublishIntent {
  readonly subject: string
  /** JSON text. */
  readonly body: string
}

/**
 * Publishes the messages of nodes. The task is stored first; its id is the id of the message, so a stream keeps one of those that a repetition makes within its time for duplicates. The
 * node ends when the stream has stored the message; where no stream takes its subject, when the broker has it.
 */
export class PublishNodes {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #publisher: StreamPublisher
  readonly #broker: Broker
  readonly #clock: Clock

  constructor(options: { store: Store; tasks: Tasks; publisher: StreamPublisher; broker: Broker; clock: Clock }) {
    this.#store = options.store
    this.#tasks = options.tasks
    this.#publisher = options.publisher
    this.#broker = options.broker
    this.#clock = options.clock
  }

  async publish(run: RunHead, taskIds: readonly string[]): Promise<void> {
    for (const task of await this.#store.tasks.get(taskIds)) if (task?.state === 'delayed') await this.#one(run, task)
  }

  /** @throws CarillonError PUBLISH_REFUSED: it is tried again */
  async #one(run: RunHead, task: TaskRecord): Promise<void> {
    const { subject, body } = JSON.parse(task.item ?? '{}') as PublishIntent
    const refusal = await this.#send({ subject, body, messageId: task.id, traceparent: run.traceparent, run: run.id }).catch(
      (error: unknown) => CarillonError.from(error).message,
    )
    const now = this.#clock.now()
    const expect = { state: ['delayed'], attempt: task.attempt } as const
    const published: Decision = {
      event: 'resolved',
      expect,
      set: { state: 'succeeded', reason: 'completed', result: 'null', endedAt: now, wakeAt: null },
    }
    const later: Decision = { event: 'checked', expect, set: { wakeAt: now + TIMES.ackWaitMs } }
    await this.#tasks.write([{ run, task, decision: refusal === undefined ? published : later }])
    if (refusal !== undefined)
      throw new CarillonError('NATS_UNAVAILABLE', `node ${printable(task.name)} could not publish on ${printable(subject)}: ${refusal}`, {
        field: 'subject',
        value: printable(subject),
      })
  }

  /** Undefined: it is published. A subject of no stream has subscribers at most, which do not acknowledge. */
  async #send(message: PublishIntent & { messageId: string; traceparent: string | null; run: string }): Promise<string | undefined> {
    const streams = await this.#broker.manager.streams.names(message.subject).next()
    if (streams.length > 0) return new Promise((resolve) => this.#publisher.publish(message, (refusal) => resolve(refusal?.message)))
    this.#broker.connection.publish(message.subject, message.body, headersOf(message))
    await this.#broker.connection.flush()
    return undefined
  }
}
