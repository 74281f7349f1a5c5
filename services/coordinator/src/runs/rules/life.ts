import {
  type Blame,
  CarillonError,
  type Failure,
  type FinishedReport,
  type HandlerKind,
  isExcluded,
  LIMITS,
  nextState,
  type Progress,
  type Reason,
  type Report,
  type RunEvent,
  statesBefore,
  TIMES,
  type Wait,
  writeJson,
} from '@carillon/contracts'
import type { LifeChange, LifeHead, Resume, TaskNode } from '@carillon/store'
import { contextText } from '../../modes/workflow/rules/context-size.ts'
import type { Decision, Policy, Refused } from './decision.ts'
import { furtherAttempt } from './further-attempt.ts'
import { bounded, decideLoss, ended, NO_LOSSES, NO_OWNER, runsAlone, whyCancelled } from './loss.ts'
import { type FailedLife, nextAttempt } from './next-attempt.ts'
import { beganAt, decideToWait, type ElapsedTime, leftOfDelay, ranFor } from './timing.ts'

/** How often a running task is checked for a live owner and its time limit. */
export const CHECK_RUNNING_MS = 30_000
/** How long a fan-out run is queued before it is checked whether it has begun. */
export const CHECK_QUEUED_MS = 10_000
/** An executor that does not report a time limit or a cancel for this long, after its grace, is overruled. */
const SILENT_MS = TIMES.graceMs + 2_000

/** Of a task of a workflow `node` is not null; other lives have none. */
type Life = LifeHead & FailedLife & { readonly node?: TaskNode | null }

/** A delay with less than this left is over. */
const EARLY_MS = 1_000

/** A report about a life as it is known. `progress` is the last one before an end that came with it. */
export function decideReport(
  life: Life,
  report: Report,
  context: { policy: Policy; instance: string; now: number; progress?: Progress },
): Decision | Refused {
  if (report.attempt !== life.attempt) return { refused: 'stale-attempt' }
  const owner = report.type === 'started' ? undefined : [null, context.instance]
  if (owner && life.owner !== null && life.owner !== context.instance) return { refused: 'not-owner' }
  if (report.type === 'released') return decideRelease(life, context)
  if (report.type === 'died') return decideDeath(life, report, context)
  if (report.type === 'slept') return decideSleep(life, report, context)
  const event = report.type === 'finished' ? finishedEvent(life, report, context.policy) : 'started'
  const state = nextState(life.state, event)
  const progress = report.type === 'progress' ? progressOf(report) : undefined
  if (state === undefined) {
    // A task that is being cancelled still has progress to show.
    if (progress && life.state === 'cancelling')
      return { event: 'progress', expect: { state: ['cancelling'], attempt: life.attempt, owner: [context.instance] }, set: { progress } }
    return { refused: 'not-open' }
  }
  // The reason of a cancellation is in the record: memory that does not know of it decides nothing.
  const mayBeOld = event === 'cancelled' && life.state !== 'cancelling'
  const expect = {
    state: mayBeOld ? [life.state] : statesBefore(event, state),
    attempt: life.attempt,
    ...(owner ? { owner } : {}),
  }
  if (report.type === 'finished') {
    const last = context.progress && event !== 'retried' ? { progress: context.progress } : {}
    const decision = {
      event,
      expect,
      set: { state, ...last, ...finishedSet(life, report, { ...context, event }) },
      logLines: report.logLines,
    }
    return event === 'retried' ? { ...decision, attemptBeganAt: beganAt(life, ranFor(report), context) } : decision
  }
  const startedAt = life.startedAt ?? beganAt(life, 'durationMs' in report ? report.durationMs : 0, context)
  const wakeAt = nextCheck(startedAt, context.policy.timeoutMs, context.now)
  return {
    event: report.type === 'progress' && life.state === 'running' ? 'progress' : 'started',
    expect,
    set: {
      state,
      owner: context.instance,
      ownerSession: sessionOf(report),
      startedAt,
      wakeAt,
      queuedAt: null,
      reason: null,
      ...(progress ? { progress } : {}),
    },
  }
}

const sessionOf = (report: Report) => ('session' in report ? (report.session ?? null) : null)

/** The progress of a report. */
export function progressOf({ percent, note }: { percent: number; note?: string | undefined }): Progress {
  return { percent, ...(note ? { note } : {}) }
}

/** Released before it began: the same attempt waits for another instance. */
function decideRelease(life: LifeHead, { instance, now }: { instance: string; now: number }): Decision | Refused {
  const state = nextState(life.state, 'released')
  if (state === undefined) return { refused: 'not-open' }
  const expect = { state: [life.state], attempt: life.attempt, owner: [null, instance] }
  const queuedAt = state === 'queued' ? now : null
  return {
    event: 'released',
    expect,
    set: { state, reason: queuedAt === null ? life.reason : 'released', ...NO_OWNER, startedAt: null, wakeAt: null, queuedAt },
  }
}

/** Its process has reported that it ends while the task runs. */
function decideDeath(
  life: LifeHead,
  { blame, error }: { blame: Blame; error: Failure },
  { instance, now }: { instance: string; now: number },
): Decision | Refused {
  if (nextState(life.state, 'lost') === undefined) return { refused: 'not-open' }
  const decision = decideLoss(life, { now, blame, error: bounded(error) })
  return { ...decision, expect: { ...decision.expect, owner: [null, instance] } }
}

/** It resumes later, as a further attempt that uses no try: a number of its own distinguishes late reports. */
function decideSleep(
  life: LifeHead,
  { delayMs, waits = null }: { delayMs?: number | undefined; waits?: readonly Wait[] | null | undefined },
  { instance, now }: { instance: string; now: number },
): Decision | Refused {
  const state = nextState(life.state, 'slept')
  if (!state) return { refused: 'not-open' }
  // Another coordinator may be storing its start at the same moment.
  const before = statesBefore('slept', state)
  const expect = { state: before, attempt: life.attempt, owner: [null, instance] }
  if (state === 'cancelled')
    return { event: 'slept', expect, set: { ...ended, state, reason: whyCancelled(life), owner: instance, endedAt: now } }
  const next = { ...furtherAttempt(life), waits }
  const due = { wakeAt: delayMs === undefined ? null : now + delayMs, delayMs: delayMs ?? null }
  const began = { startedAt: null, firstStartedAt: life.firstStartedAt ?? life.startedAt ?? now }
  return {
    event: 'slept',
    expect,
    set: { ...next, ...due, ...began, state, reason: waits ? 'signal' : 'sleep', ...NO_OWNER, queuedAt: null, ...NO_LOSSES },
  }
}

/** An instance takes over work that another one released, which is the same attempt, or that was lost with another one. */
export function decideTakeUp(
  life: LifeHead,
  context: { policy: Policy; instance: string; session?: string | undefined; now: number; loss?: Decision | undefined },
): Decision {
  const { policy, instance, session, now, loss } = context
  const wakeAt = nextCheck(now, policy.timeoutMs, now)
  // A suspect waits until it is alone, and its executor reports that it begins; an executor without a session does not.
  const startedAt = session !== undefined && runsAlone({ ...life, ...loss?.set }) ? null : now
  const owner = { owner: instance, ownerSession: session ?? null }
  const set = { ...loss?.set, state: 'running', reason: null, ...owner, startedAt, queuedAt: null, wakeAt } as const
  return { event: 'started', expect: { state: [life.state], attempt: life.attempt, owner: [life.owner] }, set }
}

/** An instance received work whose program it does not have: it goes to one that does. @param context.loss of the instance that had it before, if any */
export function decideToPin(life: LifeHead, { loss, now }: { loss: Decision | undefined; now: number }): Decision {
  if (loss) return { ...loss, set: { ...loss.set, pinnedAt: now } }
  const set = { state: 'queued', reason: null, ...NO_OWNER, startedAt: null, wakeAt: null, queuedAt: now, pinnedAt: now } as const
  return { event: 'released', expect: { state: [life.state], attempt: life.attempt, owner: [life.owner] }, set }
}

/** The instance that received a run knows that its handler maps: the run is planned again, and has tasks from now on. */
export function decideToMap(life: LifeHead, context: { kind: HandlerKind; now: number }): Decision {
  const set = {
    mode: context.kind,
    state: 'queued',
    reason: null,
    ...NO_OWNER,
    startedAt: null,
    wakeAt: null,
    queuedAt: context.now,
  } as const
  return { event: 'released', expect: { state: [life.state], attempt: life.attempt, owner: [life.owner] }, set }
}

/** When a running task is checked again. */
export function nextCheck(startedAt: number, timeoutMs: number | null, now: number): number {
  const regular = now + CHECK_RUNNING_MS
  return timeoutMs === null ? regular : Math.min(regular, Math.max(now + 1, startedAt + timeoutMs + SILENT_MS))
}

function finishedEvent(life: LifeHead, report: FinishedReport, policy: Policy): RunEvent {
  if (report.outcome === 'succeeded') return resultText(report) instanceof CarillonError ? 'failed' : 'succeeded'
  if (report.outcome === 'cancelled') return 'cancelled'
  const final = report.reason !== undefined || isFinal(report, policy) || life.attempt >= life.attempts || life.state === 'cancelling'
  return final ? report.outcome : 'retried'
}

/** The handler excludes a retry, or the policy does. */
const isFinal = ({ error }: FinishedReport, { terms }: Policy) => error?.retryable === false || isExcluded(error, terms?.nonRetryable)

function finishedSet(
  life: Life,
  report: FinishedReport,
  context: { policy: Policy; instance: string; now: number; event: RunEvent },
): LifeChange['set'] {
  if (context.event === 'retried') {
    return {
      reason: 'retry',
      attempt: life.attempt + 1,
      ...nextAttempt(life, { ...context, retryAfterMs: report.error?.retryAfterMs ?? 0 }),
      error: failureOf(report),
      ...NO_OWNER,
      progress: null,
      startedAt: null,
      firstStartedAt: life.firstStartedAt ?? beganAt(life, ranFor(report), context),
      queuedAt: null,
      ...NO_LOSSES,
      resume: retriedAt(life, life.attempt + 1),
    }
  }
  const base = {
    ...ended,
    owner: context.instance,
    endedAt: context.now,
    startedAt: beganAt(life, ranFor(report), context),
    ...NO_LOSSES,
  }
  if (context.event === 'succeeded')
    return { ...base, reason: 'completed', result: resultText(report) as string, error: null, ...contextOf(life, report) }
  if (context.event === 'cancelled' || nextState(life.state, context.event) === 'cancelled')
    return { ...base, reason: whyCancelled(life), error: report.error ? failureOf(report) : null }
  if (context.event === 'timed_out') return { ...base, reason: 'attempt-timeout', error: failureOf(report) }
  const badResult = report.outcome === 'succeeded'
  return {
    ...base,
    reason: badResult ? 'invalid-result' : (report.reason ?? (isFinal(report, context.policy) ? 'non-retryable' : 'handler-error')),
    error: badResult ? refusalOf(resultText(report) as CarillonError) : failureOf(report),
  }
}

/** What a task of a workflow adds to its context. */
function contextOf(life: Life, { context }: FinishedReport): LifeChange['set'] {
  if (context === undefined || !life.node) return {}
  const text = contextText(context) as string
  return { context: text, contextBytes: Buffer.byteLength(text) }
}

function refusalOf({ code, message }: CarillonError): Failure {
  return { name: code, message }
}

/** The result as JSON text, or what is wrong with what the task has returned. */
function resultText(report: FinishedReport): string | CarillonError {
  try {
    contextText(report.context)
    return writeJson(report.result ?? null, {
      field: 'result',
      maxBytes: LIMITS.resultBytes,
      tooLarge: 'RESULT_TOO_LARGE',
      notJson: 'RESULT_NOT_JSON',
    })
  } catch (error) {
    return CarillonError.from(error)
  }
}

function failureOf(report: FinishedReport): Failure {
  return bounded(report.error ?? { name: 'Error', message: 'the executor gave no error' })
}

/** Its owner is silent beyond the time limit. */
export function decideTimeout(life: Life, context: { policy: Policy; now: number }): Decision {
  const error = { name: 'TimeoutError', message: `the attempt took longer than ${context.policy.timeoutMs} ms` }
  return decideEnd(life, { ...context, outcome: 'timed_out', error })
}

/** The coordinator ends an attempt as its executor would have reported it. */
function decideEnd(life: Life, context: { policy: Policy; now: number; outcome: 'failed' | 'timed_out'; error: Failure }): Decision {
  const { outcome, error } = context
  const report: FinishedReport = { type: 'finished', runId: '', taskId: '', attempt: life.attempt, outcome, error }
  const event = finishedEvent(life, report, context.policy)
  const state = nextState(life.state, event)!
  const set = finishedSet(life, report, { ...context, instance: life.owner ?? 'unknown', event })
  return { event, expect: { state: [life.state], attempt: life.attempt, owner: [life.owner] }, set: { state, ...set } }
}

/** Its instance lives, and nothing has come of it for longer than it may take: the attempt ends, and further ones follow as after a failure. */
export function decideHung(life: Life, context: { policy: Policy; idleMs: number; now: number }): Decision {
  const message = `instance ${life.owner} lives, but nothing came of its tasks for ${Math.round(context.idleMs / 1_000)} s`
  const decision = decideEnd(life, { ...context, outcome: 'failed', error: { name: 'InstanceHung', message } })
  return decision.event === 'retried' ? decision : { ...decision, set: { ...decision.set, reason: 'hung' } }
}

/** Why the `wakeAt` of an open life has come: a delay is over, its owner is gone or silent, its time is up, or it is checked again later. */
export function decideWake(life: Life, context: { policy: Policy; isLost: boolean; now: number; elapsed: ElapsedTime }): Decision {
  const { policy, isLost, now, elapsed } = context
  if (life.state === 'delayed') {
    const leftMs = leftOfDelay(life, context)
    return leftMs > EARLY_MS ? decideToWait(life, { now, leftMs }) : decideDue(life, now)
  }
  // Cancelling: its owner had its grace and is silent.
  if (isLost || life.state === 'cancelling') return decideLoss(life, { now })
  const startedAt = life.startedAt === null ? now : now - elapsed.awakeSince(life.startedAt)
  const next = nextCheck(startedAt, policy.timeoutMs, now)
  if (policy.timeoutMs !== null && next <= now + 1) return decideTimeout(life, { policy, now })
  // No executor holds a suspect for so long before it begins: its time limit, and a loss, count from now on.
  const begun = life.state === 'running' && life.startedAt === null ? { startedAt: now } : {}
  const expect = { state: [life.state], attempt: life.attempt, owner: [life.owner] }
  return { event: 'checked', expect, set: { ...begun, wakeAt: next } }
}

export function decideDue(life: LifeHead, now: number): Decision {
  return {
    event: 'due',
    expect: { state: ['delayed'], attempt: life.attempt },
    set: { state: 'queued', reason: null, wakeAt: null, queuedAt: now },
  }
}

/** A waiting task of a fan-out run may begin. An offer to its target is repeated if it gets no answer. */
export function decideFree(task: LifeHead & { target: string | null }, now: number): Decision | Refused {
  const state = nextState(task.state, 'freed')
  if (!state) return { refused: 'not-open' }
  const wakeAt = task.target === null ? null : now + TIMES.ackWaitMs
  return { event: 'freed', expect: { state: [task.state], attempt: task.attempt }, set: { state, reason: null, queuedAt: now, wakeAt } }
}

/** A task of a run that is retried: it waits until the planner frees it. */
export function decideReopen(task: LifeHead, context: { tries: number }): Decision | Refused {
  const state = nextState(task.state, 'reopened')
  if (!state) return { refused: 'not-open' }
  const attempt = task.attempt + 1
  // A task that has succeeded starts again from the beginning; another one resumes.
  const resume = task.state === 'succeeded' ? { step: 0, epoch: attempt, since: attempt } : retriedAt(task, attempt)
  const bound = beginsAnew(resume, attempt) ? UNBOUND : {}
  const set = { ...FRESH, ...bound, state, attempt, attempts: task.attempt + context.tries, queuedAt: null, resume }
  return { event: 'reopened', expect: { state: [task.state], attempt: task.attempt }, set }
}

export function decideCancel(
  life: LifeHead & Pick<Life, 'node'>,
  now: number,
  reason: Reason = 'cancelled-by-request',
): Decision | Refused {
  const state = nextState(life.state, 'cancel')
  if (!state) return { refused: 'not-open' }
  const expect = { state: [life.state], attempt: life.attempt }
  // No executor has to confirm for one that waits for a child run: it ends with that.
  const wakeAt = life.node?.child === undefined ? now + SILENT_MS : null
  if (state === 'cancelling') return { event: 'cancel', expect, set: { state, ...(reason === 'replaced' ? { reason } : {}), wakeAt } }
  return { event: 'cancel', expect, set: { ...ended, state, reason, endedAt: now } }
}

/** Of a task that is tried again: steps that are done stay so, those that have failed permanently are tried again. The step after the last: it was never restarted from one. */
export function retriedAt({ resume }: LifeHead, attempt: number): Resume {
  return { step: resume?.step ?? LIMITS.steps, epoch: resume?.epoch ?? 0, since: attempt }
}

/** Resets what the attempts before have set. */
const FRESH = {
  reason: null,
  ...NO_OWNER,
  ...NO_LOSSES,
  progress: null,
  result: null,
  error: null,
  startedAt: null,
  firstStartedAt: null,
  endedAt: null,
  wakeAt: null,
  pinnedAt: null,
  refusedBy: null,
} as const

/** It begins anew, with whatever program there is now. */
export const UNBOUND = { program: null } as const

/** Whether an attempt has no steps of those before it. One that resumes may go on from the first step, too: with what has been stored since an earlier one began anew. */
export const beginsAnew = ({ step, epoch }: Resume, attempt: number): boolean => step === 0 && epoch === attempt

/** A manual retry: a new attempt with as many tries as at first. */
export function decideRestart(life: LifeHead, context: { tries: number; now: number }): Decision | Refused {
  const state = nextState(life.state, 'restarted')
  if (!state) return { refused: 'not-open' }
  return {
    event: 'restarted',
    expect: { state: [life.state], attempt: life.attempt },
    set: {
      ...FRESH,
      state,
      attempt: life.attempt + 1,
      attempts: life.attempt + context.tries,
      queuedAt: context.now,
      resume: retriedAt(life, life.attempt + 1),
    },
  }
}
