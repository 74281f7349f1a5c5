import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALONE_AFTER,
  backoffMs,
  type DelayBackoff,
  type FinishedReport,
  LIMITS,
  POISON_AFTER,
  type Report,
  type RunState,
  TIMES,
} from '@carillon/contracts'
import { aRun } from '@carillon/store/testing'
import { type Decision, isRefused, type Refused } from './decision.ts'
import {
  CHECK_RUNNING_MS,
  decideCancel,
  decideDue,
  decideReport,
  decideRestart,
  decideTakeUp,
  decideTimeout,
  decideWake,
  nextCheck,
} from './life.ts'
import { decideLoss, runsAlone } from './loss.ts'

const NOW = Date.UTC(2026, 5, 1)
const elapsedAt = (now: number) => ({ since: (time: number) => now - time, awakeSince: (time: number) => now - time })
const FIXED: DelayBackoff = { type: 'fixed', delayMs: 1_000 }
const running = (fields: Parameters<typeof aRun>[1] = {}) =>
  aRun(1, { state: 'running', owner: 'i-1', startedAt: NOW - 500, queuedAt: null, tries: 3, attempts: 3, backoff: FIXED, ...fields })
const ids = { runId: 'r', taskId: 'r' }
const started: Report = { ...ids, type: 'started', attempt: 1 }
const finished = (fields: Partial<FinishedReport> = {}): FinishedReport => ({
  ...ids,
  type: 'finished',
  attempt: 1,
  outcome: 'succeeded',
  ...fields,
})
const failed = (error: FinishedReport['error'] = { name: 'Error', message: 'no' }) => finished({ outcome: 'failed', error })

function decide(life: ReturnType<typeof aRun>, report: Report, instance = 'i-1'): Decision {
  const decision = decideReport(life, report, { policy: life, instance, now: NOW })
  assert.ok(!isRefused(decision), JSON.stringify(decision))
  return decision
}
function refusal(life: ReturnType<typeof aRun>, report: Report, instance = 'i-1'): string {
  return (decideReport(life, report, { policy: life, instance, now: NOW }) as Refused).refused
}

test('started: the sender becomes the owner, and is checked later', () => {
  const { set, expect } = decide(aRun(1), { ...started, durationMs: 20 })
  assert.deepEqual(
    [set.state, set.owner, set.startedAt, set.wakeAt, set.queuedAt],
    ['running', 'i-1', NOW - 20, NOW + CHECK_RUNNING_MS, null],
  )
  assert.deepEqual(expect, { state: ['queued', 'running', 'paused'], attempt: 1 })
  assert.equal(decide(running(), started, 'i-2').set.owner, 'i-2')
})

test('progress of the owner is kept, also while it is being cancelled; of anyone else it is refused', () => {
  const report: Report = { ...ids, type: 'progress', attempt: 1, percent: 40, note: 'half' }
  assert.deepEqual(decide(running(), report).set.progress, { percent: 40, note: 'half' })
  assert.equal(decide(running(), report).event, 'progress')
  assert.equal(decide(aRun(1), report).event, 'started')
  const cancelling = decide(running({ state: 'cancelling' }), report)
  assert.deepEqual([cancelling.event, cancelling.set], ['progress', { progress: { percent: 40, note: 'half' } }])
  assert.equal(refusal(running(), report, 'i-2'), 'not-owner')
})

test('success keeps its result, its owner and its times', () => {
  const { set, event } = decide(running(), finished({ result: { sent: true } }))
  assert.deepEqual(
    [event, set.state, set.reason, set.result, set.endedAt, set.wakeAt, set.queuedAt, set.losses],
    ['succeeded', 'succeeded', 'completed', '{"sent":true}', NOW, null, null, 0],
  )
  assert.equal(decide(running(), finished()).set.result, 'null')
})

test('when it began follows from how long it ran: the clock of an executor decides nothing', () => {
  const at = (ms: number) => new Date(NOW + ms).toISOString()
  const queued = aRun(1, { queuedAt: NOW - 5_000, createdAt: NOW - 8_000, timeoutMs: 30_000 })
  const begun = (report: Report, life = queued) => (decide(life, report).set.startedAt ?? 0) - NOW
  assert.equal(begun({ ...started, at: at(-90_000) }), 0)
  assert.equal(begun({ ...started, at: at(90_000), durationMs: 210 }), -210)
  assert.equal(begun(finished({ durationMs: 1_200, startedAt: at(-90_000), endedAt: at(-88_800) })), -1_200)
  // Older executors.
  assert.equal(begun(finished({ startedAt: at(-90_000), endedAt: at(-88_800) })), -1_200)
  assert.equal(begun(finished({ startedAt: at(90_000), endedAt: at(20) })), 0)
  assert.equal(begun(finished({ startedAt: 'then', endedAt: 'now' })), 0)
  assert.equal(begun(finished(), running({ startedAt: NOW - 700 })), -700)
  // Never before it was queued, or asked for.
  assert.equal(begun(finished({ durationMs: 90_000 })), -5_000)
  assert.equal(begun(finished({ durationMs: 90_000 }), running({ createdAt: NOW - 8_000 })), -8_000)
  // 90 s behind, a limit of 30 s: what counts is what the coordinator heard, and when.
  const behind = { ...running({ timeoutMs: 30_000 }), ...decide(queued, { ...started, at: at(-90_000), durationMs: 210 }).set }
  assert.equal(decideWake(behind, { policy: behind, isLost: false, now: NOW + 29_000, elapsed: elapsedAt(NOW + 29_000) }).event, 'checked')
  assert.equal(behind.wakeAt, NOW + CHECK_RUNNING_MS)
})

test('a result over the limit, or not exact, is a failure that is not tried again', () => {
  for (const result of ['x'.repeat(LIMITS.resultBytes), 2 ** 60]) {
    const { event, set } = decide(running(), finished({ result }))
    assert.deepEqual([event, set.state, set.reason], ['failed', 'failed', 'invalid-result'])
    assert.ok(set.error?.message)
    assert.equal(set.result, undefined)
  }
})

test('a failure with tries left waits for the next attempt', () => {
  const { event, set } = decide(running(), failed())
  assert.deepEqual(
    [event, set.state, set.reason, set.attempt, set.wakeAt, set.owner, set.startedAt, set.error?.message],
    ['retried', 'delayed', 'retry', 2, NOW + 1_000, null, null, 'no'],
  )
})

test('without tries left, or when it says so, a failure is the end', () => {
  const cases: [ReturnType<typeof aRun>, FinishedReport, RunState, string][] = [
    [running({ attempts: 1, tries: 1 }), failed(), 'failed', 'handler-error'],
    [running({ attempt: 3 }), { ...failed(), attempt: 3 }, 'failed', 'handler-error'],
    [running({ attempt: 5 }), { ...failed(), attempt: 5 }, 'failed', 'handler-error'],
    [running(), failed({ name: 'E', message: 'm', retryable: false }), 'failed', 'non-retryable'],
    [running(), { ...failed(), reason: 'non-retryable' }, 'failed', 'non-retryable'],
    [running(), { ...failed(), reason: 'invalid-payload' }, 'failed', 'invalid-payload'],
    [running(), { ...failed(), reason: 'invalid-result' }, 'failed', 'invalid-result'],
    [running({ attempt: 3 }), finished({ attempt: 3, outcome: 'timed_out' }), 'timed_out', 'attempt-timeout'],
    [running(), finished({ outcome: 'cancelled' }), 'cancelled', 'cancelled-by-request'],
  ]
  for (const [life, report, state, reason] of cases) {
    const { set } = decide(life, report)
    assert.deepEqual([set.state, set.reason, set.endedAt], [state, reason, NOW])
  }
  assert.equal(decide(running(), finished({ outcome: 'timed_out' })).event, 'retried')
})

test('a task that is being cancelled ends, and its reason is that of its state', () => {
  const life = running({ state: 'cancelling' })
  const ends = (report: FinishedReport) => {
    const { set } = decide(life, report)
    return [set.state, set.reason]
  }
  assert.deepEqual(ends(finished()), ['succeeded', 'completed'])
  assert.deepEqual(ends(finished({ outcome: 'cancelled' })), ['cancelled', 'cancelled-by-request'])
  assert.deepEqual(ends(finished({ outcome: 'timed_out' })), ['cancelled', 'cancelled-by-request'])
  assert.deepEqual(ends(failed()), ['failed', 'handler-error'])
  assert.equal(refusal(life, started), 'not-open')
})

test('waiting times: fixed, exponential up to its cap, and what the handler asks for if that is longer', () => {
  const exponential: DelayBackoff = { type: 'exponential', delayMs: 100, factor: 3, maxMs: 5_000 }
  assert.deepEqual(
    [1, 2, 3, 4, 5, 900].map((failed) => backoffMs(exponential, { failed, seed: '' })),
    [100, 300, 900, 2_700, 5_000, 5_000],
  )
  assert.equal(backoffMs({ ...exponential, delayMs: 0, factor: 100 }, { failed: 900, seed: '' }), 0)
  assert.equal(backoffMs(FIXED, { failed: 7, seed: '' }), 1_000)
  const waits = (retryAfterMs: number) => (decide(running(), failed({ name: 'E', message: 'm', retryAfterMs })).set.wakeAt ?? 0) - NOW
  assert.equal(waits(500), 1_000)
  assert.equal(waits(90_000), 90_000)
  assert.equal(waits(1_500.25), 1_501)
  assert.equal(waits(1e300), LIMITS.horizonYears * 365 * 86_400_000)
})

test('after a manual retry the backoff starts again', () => {
  const exponential: DelayBackoff = { type: 'exponential', delayMs: 100, factor: 10, maxMs: 1e9 }
  const life = running({ attempt: 4, attempts: 6, tries: 3, backoff: exponential })
  assert.equal(decide(life, { ...failed(), attempt: 4 }).set.wakeAt, NOW + 100)
})

test('reports of another attempt, another owner or an ended run are refused', () => {
  assert.equal(refusal(running({ attempt: 2 }), started), 'stale-attempt')
  assert.equal(refusal(running(), finished({ attempt: 2 })), 'stale-attempt')
  assert.equal(refusal(running(), finished(), 'i-2'), 'not-owner')
  assert.equal(refusal(aRun(1, { state: 'succeeded', owner: 'i-1' }), finished()), 'not-open')
  assert.equal(refusal(aRun(1, { state: 'cancelled' }), started), 'not-open')
  assert.equal(refusal(aRun(1, { state: 'delayed' }), finished()), 'not-open')
})

test('texts of errors are cut to their limit', () => {
  const long = 'x'.repeat(LIMITS.errorTextBytes * 2)
  const { set } = decide(running({ attempts: 1, tries: 1 }), failed({ name: 'E', message: long, stack: long }))
  assert.equal(set.error?.message.length, LIMITS.errorTextBytes)
  assert.equal(set.error?.stack?.length, LIMITS.errorTextBytes)
})

test('a loss is a further attempt; three in a row are poison; one that was being cancelled has ended', () => {
  const { set, expect } = decideLoss(running({ attempt: 3, losses: 1 }), { now: NOW })
  assert.deepEqual([set.state, set.reason, set.attempt, set.losses, set.owner, set.queuedAt], ['queued', 'instance-lost', 4, 2, null, NOW])
  assert.deepEqual(expect, { state: ['running'], attempt: 3, owner: ['i-1'] })
  const poison = decideLoss(running({ losses: 2, startedAt: NOW }), { now: NOW })
  assert.deepEqual([poison.event, poison.set.state, poison.set.reason, poison.set.endedAt], ['failed', 'failed', 'poison', NOW])
  assert.match(poison.set.error?.message ?? '', /i-1/)
  const cancelled = decideLoss(running({ state: 'cancelling' }), { now: NOW })
  assert.deepEqual([cancelled.set.state, cancelled.set.reason], ['cancelled', 'cancelled-by-request'])
})

const died = (blame: 'this' | 'another' | 'unknown', attempt = 1): Report => ({
  ...ids,
  type: 'died',
  attempt,
  blame,
  error: { name: 'Error', message: 'boom' },
})

test('a process that dies of a task is a loss of that task; for its neighbours it is an interruption, and never poison', () => {
  const guilty = decide(running({ losses: 1 }), died('this')).set
  assert.deepEqual([guilty.state, guilty.attempt, guilty.losses, guilty.error?.message], ['queued', 2, 2, 'boom'])
  const poison = decide(running({ losses: 2 }), died('this')).set
  assert.deepEqual([poison.state, poison.reason, poison.losses], ['failed', 'poison', 3])
  assert.match(poison.error?.message ?? '', /boom/)
  const neighbour = decide(running({ losses: 2, interruptions: 40 }), died('another')).set
  assert.deepEqual([neighbour.state, neighbour.attempt, neighbour.losses, neighbour.interruptions], ['queued', 2, undefined, 41])
  assert.equal(decide(running({ losses: 1 }), died('unknown')).set.losses, 2)
  assert.equal(refusal(running(), died('this'), 'i-2'), 'not-owner')
  assert.equal(refusal(running(), died('this', 2)), 'stale-attempt')
  assert.equal(decide(aRun(1), died('another')).set.state, 'queued', 'its start was not reported yet')
  assert.equal(decide(running({ state: 'cancelling' }), died('another')).set.state, 'cancelled')
})

test('a suspect runs alone before it can become poison; so does a task that was interrupted too often', () => {
  const alone = (losses: number, interruptions: number | null = null) => runsAlone({ losses, interruptions })
  assert.deepEqual([alone(POISON_AFTER - 2), alone(POISON_AFTER - 1)], [false, true])
  assert.deepEqual([alone(0, ALONE_AFTER - 1), alone(0, ALONE_AFTER)], [false, true])
})

test('a suspect that was only held by a process that died does not count its death; one whose start is never reported does in the end', () => {
  const held = { losses: 2, startedAt: null }
  const claimed = decideLoss(running(held), { now: NOW }).set
  assert.deepEqual([claimed.state, claimed.attempt, claimed.losses, claimed.interruptions], ['queued', 2, undefined, 1])
  const delivered = aRun(1, { ...held, interruptions: 9 })
  assert.equal(decideLoss(delivered, { now: NOW }).set.interruptions, 10)
  const silent = decideLoss({ ...delivered, interruptions: 10 }, { now: NOW }).set
  assert.equal(silent.reason, 'poison')
  assert.match(silent.error?.message ?? '', /the last time: the process that had received it reported nothing$/)
  assert.equal(decideLoss(running({ startedAt: null, losses: 1 }), { now: NOW }).set.losses, 2, 'no suspect yet')
  assert.equal(decide(aRun(1, held), died('this')).set.reason, 'poison', 'its start and its death were reported together')
})

test('a suspect that is taken over begins when its instance reports it', () => {
  const context = { policy: aRun(1), instance: 'i-2', session: 's', now: NOW }
  const suspect = aRun(1, { reason: 'released', losses: 2 })
  assert.equal(decideTakeUp(suspect, context).set.startedAt, null)
  assert.equal(decideTakeUp(suspect, { ...context, session: undefined }).set.startedAt, NOW, 'this one may not say so')
  const becomesOne = running({ losses: 1 })
  const taken = decideTakeUp(becomesOne, { ...context, loss: decideLoss(becomesOne, { now: NOW }) }).set
  assert.deepEqual([taken.state, taken.attempt, taken.losses, taken.startedAt, taken.owner], ['running', 2, 2, null, 'i-2'])
  const begun = decide({ ...suspect, state: 'running', owner: 'i-2' }, { ...ids, type: 'started', attempt: 1, session: 's' }, 'i-2').set
  assert.equal(begun.startedAt, NOW)
})

test('a report clears the count of losses', () => {
  const slept: Report = { ...ids, type: 'slept', attempt: 1, delayMs: 1 }
  for (const report of [finished(), failed(), slept]) {
    const { set } = decide(running({ losses: 2, interruptions: 3 }), report)
    assert.deepEqual([set.losses, set.interruptions], [0, null])
  }
})

test('the first start outlives sleeps, further tries and losses, and is gone after a manual retry; a sleep uses no try', () => {
  const began = NOW - 500
  const slept = decide(running(), { ...ids, type: 'slept', attempt: 1, delayMs: 60_000 }).set
  assert.deepEqual([slept.startedAt, slept.firstStartedAt, slept.sleeps, slept.attempt, slept.attempts], [null, began, 1, 2, 4])
  assert.equal(decide(aRun(1), { ...ids, type: 'slept', attempt: 1, delayMs: 1 }).set.firstStartedAt, NOW, 'its start was not reported')
  const { expect } = decide(aRun(1), { ...ids, type: 'slept', attempt: 1, delayMs: 1 })
  assert.deepEqual(expect.state, ['queued', 'running', 'paused'], 'its start may be stored meanwhile, by another coordinator')
  const later = running({ ...slept, attempt: 1, state: 'running', owner: 'i-1', firstStartedAt: began - 9_000, startedAt: NOW - 20 })
  const again = decide(later, { ...ids, type: 'slept', attempt: 1, delayMs: 1 }).set
  assert.deepEqual([again.firstStartedAt, again.sleeps], [began - 9_000, 2])
  assert.equal(decide(running(), failed()).set.firstStartedAt, began)
  assert.equal(decideLoss(running(), { now: NOW }).set.firstStartedAt, began)
  const done = decide(later, finished()).set
  assert.deepEqual([done.startedAt, 'firstStartedAt' in done, 'sleeps' in done], [NOW - 20, false, false])
  const restarted = decideRestart(aRun(1, { ...later, state: 'failed' }), { tries: 3, now: NOW })
  assert.ok(!isRefused(restarted))
  assert.deepEqual([restarted.set.firstStartedAt, 'sleeps' in restarted.set], [null, false])
})

test('a silent owner is decided for after the limit, its grace and a little more', () => {
  const grace = TIMES.graceMs + 2_000
  assert.equal(nextCheck(NOW, null, NOW), NOW + CHECK_RUNNING_MS)
  assert.equal(nextCheck(NOW, 1_000, NOW), NOW + 1_000 + grace)
  assert.equal(nextCheck(NOW, 1_000_000, NOW), NOW + CHECK_RUNNING_MS)
  assert.equal(nextCheck(NOW - 60_000, 1_000, NOW), NOW + 1)
  const retried = decideTimeout(running({ timeoutMs: 1_000 }), { policy: running({ timeoutMs: 1_000 }), now: NOW })
  assert.deepEqual([retried.event, retried.set.attempt, retried.set.error?.name], ['retried', 2, 'TimeoutError'])
  const last = running({ attempt: 3, timeoutMs: 1_000 })
  const ended = decideTimeout(last, { policy: last, now: NOW })
  assert.deepEqual([ended.set.state, ended.set.reason], ['timed_out', 'attempt-timeout'])
})

test('a delay that is over queues the run', () => {
  const { set, expect } = decideDue(aRun(1, { state: 'delayed', attempt: 2 }), NOW)
  assert.deepEqual([set.state, set.queuedAt, set.wakeAt], ['queued', NOW, null])
  assert.deepEqual(expect, { state: ['delayed'], attempt: 2 })
})

test('cancel: what waits ends at once, what runs is given time, what has ended is refused', () => {
  for (const state of ['delayed', 'queued'] as const) {
    const decision = decideCancel(aRun(1, { state }), NOW) as Decision
    assert.deepEqual([decision.set.state, decision.set.reason, decision.set.endedAt], ['cancelled', 'cancelled-by-request', NOW])
  }
  const decision = decideCancel(running(), NOW) as Decision
  assert.deepEqual([decision.set.state, decision.set.wakeAt], ['cancelling', NOW + TIMES.graceMs + 2_000])
  for (const state of ['cancelling', 'succeeded', 'failed', 'timed_out', 'cancelled', 'skipped'] as const)
    assert.ok(isRefused(decideCancel(aRun(1, { state }), NOW)))
})

test('a manual retry is a new attempt with as many tries as at first', () => {
  const decision = decideRestart(aRun(1, { state: 'failed', attempt: 3, attempts: 3 }), { tries: 3, now: NOW }) as Decision
  assert.deepEqual(
    [decision.set.state, decision.set.attempt, decision.set.attempts, decision.set.result, decision.set.error, decision.set.endedAt],
    ['queued', 4, 6, null, null, null],
  )
  for (const state of ['delayed', 'queued', 'running', 'cancelling'] as const)
    assert.ok(isRefused(decideRestart(aRun(1, { state }), { tries: 1, now: NOW })))
})

test('work that is released before it began waits in the same attempt, and the instance that takes it over owns it', () => {
  const { event, set } = decide(running(), { ...ids, type: 'released', attempt: 1 })
  assert.deepEqual(
    [event, set.state, set.reason, set.owner, set.attempt, set.queuedAt],
    ['released', 'queued', 'released', null, undefined, NOW],
  )
  const life = aRun(1, { reason: 'released' })
  const taken = decideTakeUp(life, { policy: life, instance: 'i-2', now: NOW })
  assert.deepEqual([taken.set.state, taken.set.owner, taken.set.queuedAt, taken.set.attempt], ['running', 'i-2', null, undefined])
})
