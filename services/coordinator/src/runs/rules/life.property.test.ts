import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEnded, LIFECYCLE, nextState, REASONS, type Report, RUN_EVENTS, type RunEvent } from '@carillon/contracts'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import fc from 'fast-check'
import { type Decision, isRefused, type Refused } from './decision.ts'
import { decideCancel, decideDue, decideHung, decideReport, decideRestart, decideTakeUp, decideTimeout } from './life.ts'
import { decideLoss, runsAlone } from './loss.ts'

/** What happens next: who says or does what, and how old the view is on which it is decided. */
interface Step {
  readonly what: 'report' | 'loss' | 'timeout' | 'hung' | 'due' | 'cancel' | 'restart' | 'take up'
  readonly report: Report
  readonly instance: string
  readonly passMs: number
  /** Steps ago that the view is from. */
  readonly age: number
}

const ids = { runId: 'r', taskId: 'r' }
const attempt = fc.integer({ min: 1, max: 6 })
const error = fc.record(
  { name: fc.constant('E'), message: fc.string(), retryable: fc.boolean(), retryAfterMs: fc.double({ min: 0, max: 1e15, noNaN: true }) },
  { requiredKeys: ['name', 'message'] },
)
const report = fc.oneof(
  attempt.map((of): Report => ({ ...ids, type: 'started', attempt: of })),
  attempt.map((of): Report => ({ ...ids, type: 'progress', attempt: of, percent: 50 })),
  attempt.map((of): Report => ({ ...ids, type: 'released', attempt: of })),
  fc
    .record({ attempt, blame: fc.constantFrom('this', 'another', 'unknown'), error: fc.constant({ name: 'E', message: 'died' }) })
    .map((fields) => ({ ...ids, type: 'died', ...fields }) as Report),
  fc
    .record(
      { attempt, outcome: fc.constantFrom('succeeded', 'failed', 'timed_out', 'cancelled'), error, result: fc.jsonValue() },
      { requiredKeys: ['attempt', 'outcome'] },
    )
    .map((fields) => ({ ...ids, type: 'finished', ...fields }) as Report),
)
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('report', 'report', 'report', 'loss', 'timeout', 'hung', 'due', 'cancel', 'restart', 'take up'),
  report,
  instance: fc.constantFrom('i-1', 'i-2'),
  passMs: fc.integer({ min: 0, max: 100_000 }),
  age: fc.integer({ min: 0, max: 2 }),
})
const backoff = fc.oneof(
  fc.record({ type: fc.constant('fixed' as const), delayMs: fc.nat(10_000) }),
  fc.record({
    type: fc.constant('exponential' as const),
    delayMs: fc.nat(10_000),
    factor: fc.double({ min: 1, max: 100, noNaN: true }),
    maxMs: fc.integer({ min: 10_000, max: 1e9 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ type: fc.constant('list' as const), delaysMs: fc.array(fc.nat(10_000), { minLength: 1, maxLength: 5 }) }),
  fc.record({ type: fc.constant('random' as const), minMs: fc.nat(10_000), maxMs: fc.integer({ min: 10_000, max: 1e9 }) }),
  fc.record({
    type: fc.constant('cron' as const),
    cron: fc.constantFrom('* * * * *', '0 9 * * MON'),
    timezone: fc.constant('Europe/Paris'),
  }),
)

/** What a part of the coordinator would decide on this view; undefined where it would not ask. */
function decisionOf({ what, report, instance }: Step, view: RunRecord, now: number): Decision | Refused | undefined {
  const busy = view.state === 'running' || view.state === 'cancelling' || view.state === 'queued'
  switch (what) {
    case 'report':
      return decideReport(view, report, { policy: view, instance, now })
    case 'loss':
      return busy ? decideLoss(view, { now }) : undefined
    case 'timeout':
      return view.state === 'running' ? decideTimeout(view, { policy: view, now }) : undefined
    case 'hung':
      return view.state === 'running' ? decideHung(view, { policy: view, idleMs: 300_000, now }) : undefined
    case 'due':
      return view.state === 'delayed' ? decideDue(view, now) : undefined
    case 'cancel':
      return decideCancel(view, now)
    case 'restart':
      return decideRestart(view, { tries: view.tries, now })
    case 'take up':
      return view.state === 'queued' ? decideTakeUp(view, { policy: view, instance, now }) : undefined
  }
}

/** As a store does it. */
function holds({ expect }: Decision, stored: RunRecord): boolean {
  return (
    expect.state.includes(stored.state) &&
    (expect.attempt ?? stored.attempt) === stored.attempt &&
    (expect.owner?.includes(stored.owner) ?? true)
  )
}

function checkDecision({ event, expect, set }: Decision): void {
  assert.ok(expect.state.length > 0)
  assert.equal(expect.attempt === undefined, false)
  if (!(RUN_EVENTS as readonly string[]).includes(event)) {
    assert.ok(set.state === undefined || expect.state.every((state) => state === set.state || LIFECYCLE.started[state] === set.state))
    return
  }
  for (const state of expect.state) assert.equal(nextState(state, event as RunEvent), set.state, `${event} from ${state}`)
}

function checkLife(life: RunRecord): void {
  for (const [field, value] of Object.entries(life))
    if (typeof value === 'number') assert.ok(Number.isSafeInteger(value), `${field} is ${value}`)
  assert.equal(life.queuedAt !== null, life.state === 'queued', `queuedAt of a ${life.state} run`)
  assert.ok(life.reason === null || life.reason in REASONS)
  if (isEnded(life.state)) {
    assert.notEqual(life.reason, null)
    assert.deepEqual([life.endedAt === null, life.wakeAt], [false, null])
  } else assert.equal(life.endedAt, null)
  if (life.state === 'delayed' || life.state === 'cancelling') assert.notEqual(life.wakeAt, null)
  if (life.state === 'running')
    assert.deepEqual([life.owner === null, life.wakeAt === null, life.startedAt === null && !runsAlone(life)], [false, false, false])
  if (life.state === 'queued' || life.state === 'delayed') assert.equal(life.owner, null)
  if (life.state === 'succeeded') assert.deepEqual([life.reason, life.result === null, life.error], ['completed', false, null])
  if (life.reason === 'cancelled-by-request') assert.equal(life.state, 'cancelled')
}

test('whatever happens in whatever order, seen late or not, a life stays well formed', () => {
  const lives = fc.record({ tries: fc.integer({ min: 1, max: 4 }), backoff, timeoutMs: fc.option(fc.nat(100_000)) })
  fc.assert(
    fc.property(lives, fc.array(step, { maxLength: 40 }), (policy, steps) => {
      let stored: RunRecord = aRun(1, { ...policy, attempts: policy.tries })
      const past = [stored]
      let now = stored.createdAt
      for (const next of steps) {
        now += next.passMs
        const decision = decisionOf(next, past.at(-1 - next.age) ?? stored, now)
        if (decision === undefined || isRefused(decision)) continue
        checkDecision(decision)
        if (!holds(decision, stored)) continue
        const before = stored
        stored = { ...stored, ...decision.set }
        past.push(stored)
        checkLife(stored)
        assert.ok(stored.attempt >= before.attempt)
        if (isEnded(before.state)) assert.equal(decision.event, 'restarted')
        if (stored.owner !== before.owner && before.owner !== null && stored.owner !== null && stored.attempt === before.attempt)
          assert.equal(decision.event, 'started')
      }
    }),
    { numRuns: 3_000, seed: 20_260_101 },
  )
})
