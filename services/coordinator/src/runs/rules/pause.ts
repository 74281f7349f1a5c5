import type { LifeChange, RunHead, TaskHead, Terms } from '@carillon/store'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import { type Decision, isRefused } from './decision.ts'
import { furtherAttempt } from './further-attempt.ts'
import { CHECK_QUEUED_MS, CHECK_RUNNING_MS, decideFree } from './life.ts'
import { limitOfWait } from './waits-of-nodes.ts'

/**
 * A run is paused: its tasks that are under way end, nothing of it starts.
 * @param options.isWithin with the run that it is within; then it may be queued, too, as tasks of that are
 * @returns why it cannot be, instead
 */
export function decidePause(
  run: RunHead,
  { now, isWithin = false }: { now: number; isWithin?: boolean },
): Decision | { readonly why: string } {
  const { state } = run
  if (state === 'waiting') return { why: 'it waits for its place, and holds nothing up' }
  if (state === 'cancelling') return { why: 'it is being cancelled' }
  const isHeld = state === 'delayed' || (isWithin && state === 'queued')
  if (!isFanOut(run) && !isHeld) return { why: `its only task is ${state}: it can be paused between two attempts` }
  if (state !== 'delayed' && state !== 'queued' && state !== 'running') return { why: `it is ${state}` }
  const wakeAt = state === 'delayed' && run.wakeAt !== null ? { wakeAt: run.wakeAt } : {}
  const paused = { at: now, from: state, ...wakeAt, ...(isWithin ? { within: true as const } : {}) }
  return {
    event: 'paused',
    expect: { state: [state], attempt: run.attempt },
    set: {
      state: 'paused',
      queuedAt: null,
      // What its tasks are held by, and what it goes on by with the run that it is within.
      wakeAt: state === 'delayed' && !isWithin ? null : now + CHECK_RUNNING_MS,
      terms: { ...run.terms, paused },
    },
  }
}

/** It goes on as it was. @param pausedForMs measured by the monotonic clock */
export function decideResume(run: RunHead, { now, pausedForMs }: { now: number; pausedForMs: number }): Decision | undefined {
  const { paused, ...rest } = run.terms ?? {}
  if (run.state !== 'paused' || !paused) return undefined
  const terms: Terms = { ...rest, pausedMs: (rest.pausedMs ?? 0) + Math.max(0, Math.round(pausedForMs)) }
  const expect = { state: ['paused'], attempt: run.attempt } as const
  if (paused.from === 'running') return { event: 'resumed', expect, set: { state: 'running', wakeAt: now, terms } }
  if (paused.from === 'queued')
    return { event: 'freed', expect, set: { state: 'queued', queuedAt: now, wakeAt: now + CHECK_QUEUED_MS, terms, ...fenced(run) } }
  return { event: 'postponed', expect, set: { state: 'delayed', wakeAt: Math.max(now, paused.wakeAt ?? now), terms } }
}

/** Of a run with one task: an instance may have had its message before it was paused. Its attempt number grows, without using up a try. */
function fenced(run: RunHead): LifeChange['set'] {
  return isFanOut(run) ? {} : furtherAttempt(run)
}

/** Of a run that is retried: its limits count anew. */
export function withoutPause(terms: Terms | null): Terms | null {
  if (terms === null || (terms.pausedMs === undefined && terms.paused === undefined)) return terms
  const { paused: _, pausedMs: __, ...rest } = terms
  return Object.keys(rest).length > 0 ? rest : null
}

/** A task of a paused run that would begin is held until the run is resumed. */
export function held(run: Pick<RunHead, 'state'>, decision: Decision): Decision {
  if (run.state !== 'paused' || decision.set.state !== 'queued') return decision
  return { ...decision, event: 'paused', set: { ...decision.set, ...HELD } }
}

const HELD = { state: 'paused', queuedAt: null, wakeAt: null } as const

/** A queued task of a paused run. An instance may have begun it a moment before: then it goes on, as soon as its start is known. */
export const decideHold = (task: TaskHead): Decision => ({
  event: 'paused',
  expect: { state: ['queued'], attempt: task.attempt },
  set: { ...HELD, reason: 'paused' },
})

/**
 * A task that was held is queued. If it had been queued before, its attempt number grows, without using up a try: an instance may have received the message of
 * before and started, and the number fences its late reports.
 */
export function decideRelease(task: TaskHead, now: number): Decision | undefined {
  const freed = decideFree(task, now)
  if (isRefused(freed)) return undefined
  if (task.reason !== 'paused') return freed
  return { ...freed, set: { ...freed.set, ...furtherAttempt(task) } }
}

/** The time of a wait stands still; that of one until a point in time does not, but is not acted on. Undefined: it has none. */
export function decideFreeze(task: TaskHead, { terms }: RunHead): Decision | undefined {
  const wakeAt = limitOfWait(task)
  if (task.state !== 'delayed' || task.node === null || task.node.own || task.node.frozen || wakeAt === null) return undefined
  const frozen = { at: terms?.paused?.at ?? 0, wakeAt }
  return { event: 'checked', expect: { state: ['delayed'], attempt: task.attempt }, set: { wakeAt: null, node: { ...task.node, frozen } } }
}

/** The opposite. */
export function decideThaw(task: TaskHead, now: number): Decision | undefined {
  const { frozen, ...node } = task.node ?? {}
  if (task.state !== 'delayed' || !frozen) return undefined
  const isUntil = task.reason === 'delay' && task.delayMs === null
  const leftMs = frozen.wakeAt - frozen.at
  // What was over before the pause stays over: a signal that came since was too late.
  const wakeAt = isUntil ? Math.max(now, frozen.wakeAt) : leftMs < 0 ? frozen.wakeAt : now + leftMs
  return { event: 'checked', expect: { state: ['delayed'], attempt: task.attempt }, set: { wakeAt, node } }
}
