import { LoopService, pause } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import type { DeclareLost } from './declare-lost.ts'

type Parts = Pick<RegistryParts, 'clock' | 'time' | 'broker' | 'log'> & { readonly declareLost: DeclareLost }

/**
 * Ticks, and declares lost the instances that were silent for too long. A tick counts once the broker has answered a round trip: then this process is
 * awake, connected, and has received whatever was sent before.
 */
export class WatchSilence extends LoopService {
  readonly #parts: Parts
  readonly #tickMs: number

  constructor(parts: Parts, tickMs: number) {
    super()
    this.#parts = parts
    this.#tickMs = tickMs
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { clock, time, declareLost } = this.#parts
    while (await pause(clock, this.#tickMs, signal)) {
      if (!(await this.#isAnswered(signal))) continue
      time.tick(clock.monotonic())
      await declareLost.execute()
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'silence.died', err: error }, 'watching for silence died')
  }

  /** A suspended broker answers when it goes on, or the connection breaks: no deadline but the end of this loop is needed. */
  async #isAnswered(signal: AbortSignal): Promise<boolean> {
    const { broker, log } = this.#parts
    return new Promise((resolve) => {
      const end = (answered: boolean) => {
        signal.removeEventListener('abort', abort)
        resolve(answered)
      }
      const abort = () => end(false)
      signal.addEventListener('abort', abort)
      broker.connection.flush().then(
        () => end(!signal.aborted),
        (error: unknown) => {
          log.debug({ evt: 'silence.unanswered', err: error }, 'the broker does not answer; no silence is counted')
          end(false)
        },
      )
    })
  }
}
