import { CarillonError, type ClaimAnswer, isEnded, printable, type TaskClaim } from '@carillon/contracts'
import type { Store, UpdateOutcome } from '@carillon/store'
import { type Decision, decideLoss, decideTakeUp, decideToMap } from '../domain/life.ts'
import type { PresenceWatch } from './presence.ts'
import type { Work } from './publish-work.ts'
import { findWork } from './running-task.ts'
import type { RunWriter } from './write-runs.ts'
import type { TaskChange, TaskWriter } from './write-tasks.ts'

/**
 * Answers an executor that received work which was delivered before. If it was given back unbegun, the attempt goes on; else whoever held it
 * died or was silent, so this is a loss and a further attempt. Either way the asking instance becomes the owner in the same write: of two
 * that ask one gets a yes.
 */
export class ClaimTask {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #tasks: TaskWriter
  readonly #presence: PresenceWatch

  constructor(options: { store: Store; writer: RunWriter; tasks: TaskWriter; presence: PresenceWatch }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#tasks = options.tasks
    this.#presence = options.presence
  }

  /** @throws CarillonError INSTANCE_UNKNOWN */
  async execute(namespace: string, claim: TaskClaim): Promise<ClaimAnswer> {
    if (!this.#presence.isPresent(namespace, claim.instance)) throw instanceUnknown(claim.instance)
    const work = await this.#find(claim.taskId)
    if (!work || work.run.namespace !== namespace) return { run: false, reason: 'there is no such task' }
    const { run, task: life } = work
    // Whoever asks does not have it: an owner that asks has lost it, whatever its message says.
    const isOwner = life.state === 'running' && life.owner === claim.instance
    if (life.attempt !== claim.attempt && !isOwner)
      return { run: false, reason: `attempt ${claim.attempt} is over; the task is at ${life.attempt}` }
    if (isEnded(run.state)) return { run: false, reason: `the run is ${run.state}` }
    if ('mode' in life && life.mode !== 'single') return { run: false, reason: `the run has tasks: its mode is ${life.mode}` }
    if (life.state !== 'queued' && life.state !== 'running' && life.state !== 'cancelling')
      return { run: false, reason: `the task is ${life.state}` }
    // Without a redelivery nobody has been silent: a live owner keeps what it runs.
    if (!claim.redelivered && life.owner !== null && !isOwner && this.#presence.isPresent(namespace, life.owner))
      return { run: false, reason: `instance ${life.owner} is running it` }
    const now = this.#writer.now()
    if ('mode' in life && claim.kind && life.state !== 'cancelling') {
      await this.#writer.write([{ run: { ...run, mode: claim.kind }, decision: decideToMap(life, { kind: claim.kind, now }) }])
      return { run: false, reason: `the run has tasks: its mode is ${claim.kind}` }
    }
    const released = life.state === 'queued' && (life.reason === 'released' || !claim.redelivered)
    const loss = released ? undefined : decideLoss(life, { now })
    if (loss && loss.set.state !== 'queued') {
      await this.#write(work, loss)
      return { run: false, reason: `the task is ${loss.set.state}: ${loss.set.reason}` }
    }
    const takeUp = decideTakeUp(life, { policy: run, instance: claim.instance, now })
    const decision = { ...takeUp, set: { ...loss?.set, ...takeUp.set } }
    if ((await this.#write(work, decision)) === 'applied') return { run: true, attempt: decision.set.attempt ?? life.attempt }
    // It may have been the same asker, whose first answer got lost: without a yes nobody would run it.
    const after = (await this.#find(claim.taskId))?.task
    return after?.state === 'running' && after.owner === claim.instance
      ? { run: true, attempt: after.attempt }
      : { run: false, reason: 'someone else has it' }
  }

  #find(taskId: string): Promise<Work | undefined> {
    return findWork({ store: this.#store, tasks: this.#tasks }, taskId)
  }

  async #write(work: Work, decision: Decision): Promise<UpdateOutcome | undefined> {
    const change = { ...work, decision }
    const [outcome] = 'runId' in work.task ? await this.#tasks.write([change as TaskChange]) : await this.#writer.write([change])
    return outcome
  }
}

function instanceUnknown(instance: string): CarillonError {
  return new CarillonError('INSTANCE_UNKNOWN', `no live instance has the id ${printable(instance)}`, {
    field: 'instance',
    value: printable(instance),
  })
}
