import { LoopService, WakeablePause } from '@carillon/runtime'
import type { AlertsParts } from './alerts-parts.ts'

/** What a loop does in each round. */
export interface AlertRounds {
  readonly name: string
  readonly everyMs: number
  /** @returns whether there is more to do at once */
  execute(signal: AbortSignal): Promise<boolean>
  /** What the end of the loop has to wait for. */
  settled?(): Promise<void>
}

/** A timer of alerts: each round reads by an index what is due. Gateways need no agreement about who does it: every write is conditional. */
export class AlertLoop extends LoopService {
  readonly #log: AlertsParts['log']
  readonly #rounds: AlertRounds
  readonly #pause: WakeablePause

  constructor({ clock, log }: Pick<AlertsParts, 'clock' | 'log'>, rounds: AlertRounds) {
    super()
    this.#log = log
    this.#rounds = rounds
    this.#pause = new WakeablePause(clock)
  }

  /** Begins a round now, or right after the one that is under way. */
  again(): void {
    this.#pause.end()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    const { name, everyMs } = this.#rounds
    do {
      try {
        if (await this.#rounds.execute(signal)) this.#pause.end()
      } catch (error) {
        this.#log.warn({ evt: 'alerts.round-failed', loop: name, err: error }, 'alerts could not be handled; trying again')
      }
    } while (await this.#pause.wait(everyMs, signal))
    await this.#rounds.settled?.()
  }

  protected onFailure(error: unknown): void {
    this.#log.fatal({ evt: 'alerts.died', loop: this.#rounds.name, err: error }, 'a loop of alerts died')
  }
}
