import { CarillonError, type ClaimAnswer, type Control, isEnded, printable, type TaskClaim } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { LifeHead, Store } from '@carillon/store'
import { readLives } from '../lives.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { Lives, Presence, Reports, Runs } from '../ports.ts'
import type { Programs } from '../program-ports.ts'
import type { Decision } from '../runs/rules/decision.ts'
import { decideTakeUp, decideToMap, decideToPin } from '../runs/rules/life.ts'
import { hasExpired } from '../runs/rules/limits.ts'
import { decideLoss, runsAlone } from '../runs/rules/loss.ts'
import { isForInstances, isTaskOfRun, type Work } from '../runs/rules/work.ts'
import { ReportBarrier } from './report-barrier.ts'

/** An answer, perhaps with a check of the instance that is known to run the task, or with a decision to be written before. */
type Verdict =
  | { readonly answer: ClaimAnswer; readonly check?: { readonly owner: string; readonly control: Control } }
  | { readonly work: Work; readonly decision: Decision; readonly answer: ClaimAnswer }

/**
 * Answers the claim of an executor that received redelivered work. A live owner keeps what it runs. If the task has no owner and was released
 * before it began, the attempt goes on; else its owner died, so this is a loss and a further attempt. The claiming instance becomes the
 * owner in the same write: of two claims one is granted.
 */
export class ClaimTask {
  readonly #store: Store
  readonly #lives: Lives
  readonly #runs: Runs
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #programs: Programs
  readonly #reports: ReportBarrier

  constructor(options: {
    store: Store
    lives: Lives
    runs: Runs
    presence: Presence
    programs: Programs
    reports: Reports
    clock: Clock
  }) {
    this.#programs = options.programs
    this.#store = options.store
    this.#lives = options.lives
    this.#runs = options.runs
    this.#presence = options.presence
    this.#clock = options.clock
    this.#reports = new ReportBarrier(options)
  }

  /** @throws CarillonError INSTANCE_UNKNOWN; CONCURRENT_CHANGE while it cannot be decided: the executor claims again */
  async execute(namespace: string, claim: TaskClaim): Promise<ClaimAnswer> {
    if (!this.#presence.isPresent(namespace, claim.instance)) throw instanceUnknown(claim.instance)
    const first = this.#judge(namespace, await this.#find(claim.taskId), claim)
    if (!('work' in first) && !first.answer.run) {
      // The owner lives, but the broker may have lost the report of the task's end.
      if (first.check) this.#runs.control(namespace, first.check.owner, first.check.control)
      return first.answer
    }
    // The end of the task may be in stream REPORTS: a task that has ended must not run again.
    const isReleased = 'work' in first && first.decision.event === 'released'
    if (!isReleased && !(await this.#reports.passed())) throw notNow(claim.taskId, 'reports that may be about it wait to be applied')
    const verdict = this.#judge(namespace, await this.#find(claim.taskId), claim)
    if (!('work' in verdict)) return verdict.answer
    const [outcome] = await this.#lives.write([{ ...verdict.work, decision: verdict.decision }])
    if (outcome === 'applied' || !verdict.answer.run) return verdict.answer
    // The other write may be a claim of the same instance whose answer was lost: if refused, no instance would run the task.
    const after = (await this.#find(claim.taskId))?.task
    return after?.state === 'running' && after.owner === claim.instance && after.ownerSession === (claim.session ?? null)
      ? yes(after)
      : no('another instance has it')
  }

  #judge(namespace: string, work: Work | undefined, claim: TaskClaim): Verdict {
    if (!work || work.run.namespace !== namespace) return { answer: no('there is no such task') }
    const { run, task: life } = work
    // A claim from the owner means that its process restarted and does not run the task any more.
    if (life.attempt !== claim.attempt && !(life.state === 'running' && life.owner === claim.instance))
      return { answer: no(`attempt ${claim.attempt} is over; the task is at ${life.attempt}`) }
    if (isEnded(run.state)) return { answer: no(`the run is ${run.state}`) }
    const isOnly = !isTaskOfRun(work)
    if (isOnly && isFanOut(run)) return { answer: no(`the run has tasks: its mode is ${run.mode}`) }
    if (!isForInstances(work)) return { answer: no('no instance runs it') }
    if (life.state !== 'queued' && life.state !== 'running' && life.state !== 'cancelling')
      return { answer: no(`the task is ${life.state}`) }
    if (isOnly && hasExpired(run, this.#clock.now())) return { answer: no('its deadline has passed') }
    // Only now: of what has ended, an answer must not depend on who lives.
    const holder = this.#holderOf(work, claim)
    if (holder === 'another' && life.owner !== null) {
      const control = { type: 'check', runId: run.id, taskId: claim.taskId, attempt: life.attempt } as const
      return { answer: no(`instance ${life.owner} is running it`), check: { owner: life.owner, control } }
    }
    const isHeld = run.state === 'paused' && !(holder === 'asker' && life.state === 'running') && life.state !== 'cancelling'
    if (isHeld) return { answer: no('its run is paused') }
    const now = this.#clock.now()
    if (isOnly && claim.kind && life.state !== 'cancelling') {
      const answer = no(`the run has tasks: its mode is ${claim.kind}`)
      return { work: { ...work, run: { ...run, mode: claim.kind } }, decision: decideToMap(life, { kind: claim.kind, now }), answer }
    }
    // The answer to its claim was lost, or the report of its end: no process died.
    if (holder === 'asker' && life.state === 'running') return { answer: yes(life) }
    const released = life.state === 'queued' && (life.reason === 'released' || !claim.redelivered)
    if (!released && life.owner === null && this.#presence.stoodStill)
      throw notNow(claim.taskId, 'this coordinator was suspended, and the instance that began it may have been as well')
    const loss = released ? undefined : decideLoss(life, { now })
    if (loss && loss.set.state !== 'queued')
      return { work, decision: loss, answer: no(`the task is ${loss.set.state}: ${loss.set.reason}`) }
    if (claim.incompatible || this.#programs.isForeign(work, claim.instance)) {
      const decision = decideToPin(life, { loss, now })
      return { work, decision, answer: no(`it goes on with program ${life.program}`) }
    }
    const decision = decideTakeUp(life, { policy: run, instance: claim.instance, session: claim.session, now, loss })
    return { work, decision, answer: yes({ ...life, ...decision.set }) }
  }

  /**
   * The instance that runs the task. If the owner has registered a session, presence shows whether that process lives; else the redelivery proves that it
   * was silent. @throws CarillonError CONCURRENT_CHANGE while presence may not be complete
   */
  #holderOf({ run, task: { owner, ownerSession } }: Work, claim: TaskClaim): 'asker' | 'another' | undefined {
    if (owner === null) return undefined
    const isSame = ownerSession !== null && ownerSession === claim.session
    if (owner === claim.instance) return isSame ? 'asker' : undefined
    const { namespace } = run
    if (ownerSession === null && claim.redelivered) return undefined
    if (this.#presence.holds(namespace, owner, ownerSession)) return 'another'
    if (ownerSession === null) return this.#presence.isPresent(namespace, owner) ? 'another' : undefined
    if (this.#presence.isLost(namespace, owner, ownerSession)) return undefined
    throw notNow(claim.taskId, `whether its owner ${owner} lives is not known yet`)
  }

  async #find(taskId: string): Promise<Work | undefined> {
    return (await readLives(this.#store, [taskId]))[0]
  }
}

const no = (reason: string) => ({ run: false, reason }) as const
const yes = (life: LifeHead): ClaimAnswer => ({ run: true, attempt: life.attempt, ...(runsAlone(life) ? { alone: true } : {}) })

function instanceUnknown(instance: string): CarillonError {
  return new CarillonError('INSTANCE_UNKNOWN', `no live instance has the id ${printable(instance)}`, {
    field: 'instance',
    value: printable(instance),
  })
}

function notNow(taskId: string, why: string): CarillonError {
  return new CarillonError('CONCURRENT_CHANGE', `the owner of task ${taskId} is not known: ${why}; claim again`, {
    field: 'taskId',
    value: printable(taskId),
  })
}
