import { CarillonError, isEnded } from '@carillon/contracts'
import { type Clock, inIsolation, mayPass } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { PresenceWatch } from '../dispatch/presence.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { AdvanceRun } from './advance-run.ts'
import { decideWake } from './rules/life.ts'
import type { Lived } from './rules/timing.ts'
import type { RunChange, RunWriter } from './write-runs.ts'

/** Decides about runs whose `wakeAt` has come: ends that were not told, delays that are over, running ones whose owner or time limit needs a look. */
export class WakeRuns {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #presence: PresenceWatch
  readonly #advance: AdvanceRun
  readonly #clock: Clock
  readonly #lived: Lived

  constructor(options: { store: Store; writer: RunWriter; presence: PresenceWatch; advance: AdvanceRun; clock: Clock; lived: Lived }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#presence = options.presence
    this.#advance = options.advance
    this.#clock = options.clock
    this.#lived = options.lived
  }

  /** One that cannot be read or decided about costs no other. @throws what may pass, and the first error of those, when the others are done */
  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#clock.now()
    const changes: RunChange[] = []
    const faulty: { run: RunHead; error: CarillonError }[] = []
    const errors: unknown[] = []
    const read = await inIsolation(
      ids,
      (some) => this.#store.runs.heads(some),
      (_, error) => {
        errors.push(error)
        return undefined
      },
    )
    for (const run of read) {
      if (!run || run.wakeAt === null || run.wakeAt > now) continue
      try {
        if (isEnded(run.state)) await this.#writer.repeatEnd(run)
        else if (run.state === 'delayed')
          changes.push({ run, decision: decideWake(run, { policy: run, isLost: false, now, lived: this.#lived }) })
        else if (isFanOut(run)) this.#advance.soon(run.id)
        else changes.push(this.#lookAt(run, now))
      } catch (error) {
        if (mayPass(error) || isEnded(run.state)) errors.push(error)
        else faulty.push({ run, error: CarillonError.from(error) })
      }
    }
    await this.#writer.write(changes)
    await this.#writer.endFaulty(faulty)
    if (errors.length > 0) throw errors[0]
  }

  #lookAt(run: RunHead, now: number): RunChange {
    const isLost = run.owner !== null && this.#presence.isLost(run.namespace, run.owner, run.ownerSession)
    const decision = decideWake(run, { policy: run, isLost, now, lived: this.#lived })
    const isOverTime = !isLost && run.state === 'running' && decision.event !== 'checked'
    if (isOverTime && run.owner) this.#writer.control(run.namespace, run.owner, { type: 'cancel', taskId: run.id })
    // The broker may have lost both its message and the report of its end: then nobody else would ask.
    if (decision.event === 'checked' && run.owner)
      this.#writer.control(run.namespace, run.owner, { type: 'check', runId: run.id, taskId: run.id, attempt: run.attempt })
    return { run, decision }
  }
}
