import { isEnded } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { SignalChange, SignalRecord, Store } from '@carillon/store'
import type { SettleWaits } from './settle-waits.ts'

/** An open run keeps its signals: whether it is open is asked again after this. */
const ASK_AGAIN_MS = 86_400_000

/** Decides about signals whose `wakeAt` has come: first whether what waits for them has gone on, then whether they are to be removed. */
export class WakeSignals {
  readonly #store: Store
  readonly #waits: Pick<SettleWaits, 'arrived' | 'verify'>
  readonly #clock: Clock

  constructor(options: { store: Store; waits: SettleWaits; clock: Clock }) {
    this.#store = options.store
    this.#waits = options.waits
    this.#clock = options.clock
  }

  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#clock.now()
    const due = (await this.#store.signals.get(ids)).filter((signal) => signal !== undefined && signal.wakeAt <= now) as SignalRecord[]
    const expired = due.filter(({ expiresAt }) => expiresAt <= now)
    const kept = await this.#openRuns(expired)
    await this.#store.signals.remove(expired.filter(({ runId }) => !kept.has(runId)).map(({ id }) => id))
    for (const signal of due) {
      if (signal.expiresAt <= now) continue
      if (signal.takenBy === null) await this.#waits.arrived(signal)
      else await this.#waits.verify(signal)
    }
    const after = await this.#store.signals.get(
      due.filter(({ runId, expiresAt }) => expiresAt > now || kept.has(runId)).map(({ id }) => id),
    )
    await this.#store.signals.update(after.flatMap((signal) => (signal ? [toLater(signal, now)] : [])))
  }

  async #openRuns(signals: readonly SignalRecord[]): Promise<Set<string>> {
    const runs = await this.#store.runs.heads([...new Set(signals.map(({ runId }) => runId))])
    return new Set(runs.flatMap((run) => (run && !isEnded(run.state) ? [run.id] : [])))
  }
}

/** What has just been taken, or given back, is left to the next time. */
function toLater({ id, takenBy, expiresAt }: SignalRecord, now: number): SignalChange {
  const later = Math.max(expiresAt, expiresAt <= now ? now + ASK_AGAIN_MS : 0)
  return { id, expect: { takenBy }, set: { expiresAt: later, wakeAt: later } }
}
