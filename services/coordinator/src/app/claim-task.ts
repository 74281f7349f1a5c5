import { type ClaimAnswer, isEnded, runIdOf } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import { decideLoss, nextCheck } from '../domain/life.ts'
import type { RunWriter } from './write-runs.ts'

/**
 * Answers an executor that received work which was delivered before. Whoever held it died or was silent, so this is a loss and a further
 * attempt, of which the asking instance becomes the owner in the same write: two that ask get one yes.
 */
export class ClaimTask {
  readonly #store: Store
  readonly #writer: RunWriter

  constructor(options: { store: Store; writer: RunWriter }) {
    this.#store = options.store
    this.#writer = options.writer
  }

  async execute(namespace: string, claim: { taskId: string; attempt: number; instance: string }): Promise<ClaimAnswer> {
    const [run] = await this.#store.runs.get([runIdOf(claim.taskId)])
    if (!run || run.namespace !== namespace) return { run: false, reason: 'there is no such run' }
    if (run.attempt !== claim.attempt) return { run: false, reason: `attempt ${claim.attempt} is over; the run is at ${run.attempt}` }
    if (isEnded(run.state) || run.state === 'delayed') return { run: false, reason: `the run is ${run.state}` }
    const now = this.#writer.now()
    const loss = decideLoss(run, { now })
    if (loss.event !== 'lost' || loss.set.state !== 'queued') {
      await this.#writer.write([{ run, decision: loss }])
      return { run: false, reason: `the run is ${loss.set.state}: ${loss.set.reason}` }
    }
    const taken = {
      ...loss.set,
      state: 'running',
      reason: null,
      owner: claim.instance,
      startedAt: now,
      queuedAt: null,
      wakeAt: nextCheck(now, run.timeoutMs, now),
    } as const
    const [outcome] = await this.#writer.write([{ run, decision: { event: 'started', expect: loss.expect, set: taken } }])
    return outcome === 'applied' ? { run: true, attempt: taken.attempt ?? run.attempt } : { run: false, reason: 'someone else has it' }
  }
}
