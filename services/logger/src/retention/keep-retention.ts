import { LoopService, pause } from '@carillon/runtime'
import type { LoggerParts } from '../parts.ts'
import type { TrimLines } from './trim-lines.ts'

type Parts = Pick<LoggerParts, 'clock' | 'log'> & { readonly trimLines: TrimLines }

/** Enforces the limits of age and of lines per run. Loggers need no coordination: removal is idempotent. */
export class KeepRetention extends LoopService {
  readonly #parts: Parts
  readonly #everyMs: number

  constructor(parts: Parts, everyMs: number) {
    super()
    this.#parts = parts
    this.#everyMs = everyMs
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { clock, log, trimLines } = this.#parts
    while (await pause(clock, this.#everyMs, signal)) {
      try {
        const { old, beyondLimit } = await trimLines.execute(signal)
        if (old + beyondLimit > 0) log.info({ evt: 'logs.removed', old, beyondLimit }, 'log lines beyond their limits were removed')
      } catch (error) {
        log.warn({ evt: 'logs.unremoved', err: error }, 'log lines beyond their limits could not be removed; trying again')
      }
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'retention.died', err: error }, 'the retention of log lines died')
  }
}
