import { CarillonError, type ClaimAnswer, isEnded, printable } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import { decideLoss, decideTakeUp } from '../domain/life.ts'
import type { PresenceWatch } from './presence.ts'
import type { RunWriter } from './write-runs.ts'

/**
 * Answers an executor that received work which was delivered before. If it was given back unbegun, the attempt goes on; else whoever held it
 * died or was silent, so this is a loss and a further attempt. Either way the asking instance becomes the owner in the same write: of two
 * that ask one gets a yes.
 */
export class ClaimTask {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #presence: PresenceWatch

  constructor(options: { store: Store; writer: RunWriter; presence: PresenceWatch }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#presence = options.presence
  }

  /** @throws CarillonError INSTANCE_UNKNOWN */
  async execute(
    namespace: string,
    claim: { taskId: string; attempt: number; instance: string; redelivered: boolean },
  ): Promise<ClaimAnswer> {
    if (!this.#presence.isPresent(namespace, claim.instance)) throw instanceUnknown(claim.instance)
    // Work messages are those of single runs, whose only task has the run's id.
    const [run] = await this.#store.runs.get([claim.taskId])
    if (!run || run.namespace !== namespace) return { run: false, reason: 'there is no such run' }
    // Whoever asks does not have it: an owner that asks has lost it, whatever its message says.
    const isOwner = run.state === 'running' && run.owner === claim.instance
    if (run.attempt !== claim.attempt && !isOwner)
      return { run: false, reason: `attempt ${claim.attempt} is over; the run is at ${run.attempt}` }
    if (isEnded(run.state) || run.state === 'delayed') return { run: false, reason: `the run is ${run.state}` }
    // Without a redelivery nobody has been silent: a live owner keeps what it runs.
    if (!claim.redelivered && run.owner !== null && !isOwner && this.#presence.isPresent(namespace, run.owner))
      return { run: false, reason: `instance ${run.owner} is running it` }
    const now = this.#writer.now()
    const released = run.state === 'queued' && (run.reason === 'released' || !claim.redelivered)
    const loss = released ? undefined : decideLoss(run, { now })
    if (loss && loss.set.state !== 'queued') {
      await this.#writer.write([{ run, decision: loss }])
      return { run: false, reason: `the run is ${loss.set.state}: ${loss.set.reason}` }
    }
    const takeUp = decideTakeUp(run, { policy: run, instance: claim.instance, now })
    const decision = { ...takeUp, set: { ...loss?.set, ...takeUp.set } }
    const [outcome] = await this.#writer.write([{ run, decision }])
    return outcome === 'applied'
      ? { run: true, attempt: decision.set.attempt ?? run.attempt }
      : { run: false, reason: 'someone else has it' }
  }
}

function instanceUnknown(instance: string): CarillonError {
  return new CarillonError('INSTANCE_UNKNOWN', `no live instance has the id ${printable(instance)}`, {
    field: 'instance',
    value: printable(instance),
  })
}
