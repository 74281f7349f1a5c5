import { type Priority, parseSubject, SUBJECT_ROOT, subjects } from '@carillon/contracts'
import { LoopService, pause } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import { type OfferedHandler, OTHERS } from './work-consumers.ts'

/** Work that was published while no registry listened is found after this. */
const CHECK_MS = 10_000
/** Handlers that are checked together, so that thousands of them are no burst. */
const CHECKED_TOGETHER = 20

type Parts = Pick<RegistryParts, 'broker' | 'consumers' | 'roster' | 'clock' | 'log'>

/**
 * Makes the queue of a handler's work of high or low priority when there is such work first, and has its executors register again, because the answer names
 * the queues that they pull from. A handler whose work is all normal has one queue.
 */
export class FollowPriorities extends LoopService {
  readonly #parts: Parts
  /** Handlers offered, in the turn in which they are checked. */
  #turn: OfferedHandler[] = []

  constructor(parts: Parts) {
    super()
    this.#parts = parts
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { broker, clock, log } = this.#parts
    const subscriptions = OTHERS.map((priority) =>
      broker.connection.subscribe(`${SUBJECT_ROOT}.*.work.*.${priority}.>`, {
        callback: (error, { subject }) => {
          const parsed = parseSubject(subject)
          if (!error && parsed) this.#prioritize({ namespace: parsed.namespace, handler: parsed.rest[0] as string }, priority)
        },
      }),
    )
    try {
      do
        await this.#check().catch((error: unknown) =>
          log.warn({ evt: 'priorities.unchecked', err: error }, 'work of other priorities could not be looked for'),
        )
      while (await pause(clock, CHECK_MS, signal))
    } finally {
      for (const subscription of subscriptions) if (!subscription.isClosed()) subscription.unsubscribe()
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'priorities.died', err: error }, 'following priorities died')
  }

  /** Level-triggered: also finds work that came while this registry was away. */
  async #check(): Promise<void> {
    const { consumers, roster } = this.#parts
    if (this.#turn.length === 0) this.#turn = roster.handlers()
    const checked = this.#turn.splice(0, CHECKED_TOGETHER)
    await Promise.all(
      checked.flatMap((offered) =>
        OTHERS.map(async (priority) => {
          if (await consumers.lacks(offered, priority)) this.#prioritize(offered, priority)
        }),
      ),
    )
  }

  #prioritize(offered: OfferedHandler, priority: Priority): void {
    const { consumers, roster, broker, log } = this.#parts
    consumers.prioritize(offered, priority).then(
      (isNew) => {
        if (!isNew) return
        const { namespace, handler } = offered
        for (const { presence } of roster.list(namespace))
          if (presence.handlers.some(({ name }) => name === handler))
            broker.connection.publish(subjects.control(namespace, presence.instance), JSON.stringify({ type: 'register' }))
      },
      (error: unknown) =>
        log.warn({ evt: 'priority.unqueued', ...offered, priority, err: error }, 'a queue could not be made; trying again'),
    )
  }
}
