import { LoopService, pause } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'

const RETRY_AFTER_MS = 500

type Parts = Pick<RegistryParts, 'bucket' | 'roster' | 'cordons' | 'time' | 'clock' | 'log'>

/** Mirrors the presence bucket in the roster and the cordons, for what other registries write. Each start of the watch resets the silence of every instance. */
export class FollowPresence extends LoopService {
  readonly #parts: Parts
  #onBegun: () => void = () => undefined
  /** Resolves once the roster holds what the bucket does. */
  readonly begun = new Promise<void>((resolve) => (this.#onBegun = resolve))

  constructor(parts: Parts) {
    super()
    this.#parts = parts
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { bucket, roster, cordons, time, clock, log } = this.#parts
    do {
      try {
        await bucket.follow(signal, {
          all: (entries, cordoned) => {
            roster.reset(entries, time.elapsedMs)
            cordons.reset(cordoned)
            this.#onBegun()
          },
          news: ({ key, revision, entry }) => (entry ? roster.follow(key, entry, time.elapsedMs) : roster.followRemoval(key, revision)),
          cordon: ({ key, revision, cordon }) => cordons.follow(key, revision, cordon),
        })
      } catch (error) {
        if (!signal.aborted) log.warn({ evt: 'presence.unfollowed', err: error }, 'the presence bucket cannot be followed; trying again')
      }
    } while (await pause(clock, RETRY_AFTER_MS, signal))
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'presence.died', err: error }, 'following the presence bucket died')
  }

  /** Starts the watch again: the broker may have lost everything. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }
}
