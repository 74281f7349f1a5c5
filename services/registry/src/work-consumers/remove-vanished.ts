import { PRIORITIES, workConsumer } from '@carillon/contracts'
import { LoopService, pause } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import { VanishedHandlers } from './rules/vanished-handlers.ts'

const LONGEST_INTERVAL_MS = 600_000
const INTERVALS_PER_IDLE_TIME = 4

type Parts = Pick<RegistryParts, 'consumers' | 'roster' | 'time' | 'clock' | 'log'>

/** Removes the queues of handlers that are not offered any more. Registries need no coordination: an instance that offers a handler again gets its queue back. */
export class RemoveVanished extends LoopService {
  readonly #parts: Parts
  readonly #vanished: VanishedHandlers
  readonly #intervalMs: number

  constructor(parts: Parts, options: { idleMs: number }) {
    super()
    this.#parts = parts
    this.#vanished = new VanishedHandlers(options)
    this.#intervalMs = Math.min(LONGEST_INTERVAL_MS, options.idleMs / INTERVALS_PER_IDLE_TIME)
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (await pause(clock, this.#intervalMs, signal)) {
      try {
        await this.#remove()
      } catch (error) {
        log.warn({ evt: 'queues.unremoved', err: error }, 'queues of handlers that are not offered could not be removed; trying again')
      }
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'queues.died', err: error }, 'the removal of queues died')
  }

  async #remove(): Promise<void> {
    const { consumers, roster, time, log } = this.#parts
    const queues = await consumers.list()
    const offered = new Set(
      roster.handlers().flatMap(({ namespace, handler }) => PRIORITIES.map((priority) => workConsumer(namespace, handler, priority))),
    )
    for (const name of this.#vanished.find(queues, { offered, elapsedMs: time.elapsedMs })) {
      await consumers.remove(name)
      log.info({ evt: 'queue.removed', consumer: name }, 'the queue of a handler that is not offered was removed')
    }
  }
}
