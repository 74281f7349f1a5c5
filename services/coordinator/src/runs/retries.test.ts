import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { pass, statesOf } from '../testing/gated-runs.ts'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const START = { namespace: 'default', bytes: 10, trigger: 'call', traceparent: undefined } as const
const DAY_MS = 86_400_000
const RETRY = { handler: 'fetch-price', payload: [{ sku: 'a' }], key: 'retry/fetch-price/a', attempts: 2, retry: { localTries: 3 } }

async function outcomeOf({ startRuns }: TestCoordinator, request: object) {
  const [outcome] = await startRuns.execute([{ ...START, request }])
  await settle()
  return outcome
}
async function started(coordinator: TestCoordinator, request: object): Promise<string> {
  const outcome = await outcomeOf(coordinator, request)
  assert.ok(outcome && 'runId' in outcome, String(outcome))
  return outcome.runId
}
async function wakes(coordinator: TestCoordinator, id: string): Promise<string> {
  const { wakeAt } = await runOf(coordinator, id)
  assert.ok(wakeAt !== null, 'nobody wakes it')
  await coordinator.clock.advance(Math.max(0, wakeAt - coordinator.clock.now()))
  await coordinator.wakeLives.execute([id])
  await settle()
  const { state, reason } = await runOf(coordinator, id)
  return `${state} ${reason}`
}
const report = (runId: string, more: object) => reportsFrom('i-1', { runId, taskId: runId, attempt: 1, ...more })
const finished = (runId: string, more: object) => report(runId, { type: 'finished', ...more })
const FAILED = { outcome: 'failed', error: { name: 'Error', message: 'no price' } }

async function runsOf({ store }: TestCoordinator, handler: string): Promise<RunRecord[]> {
  await settle()
  const { items } = await store.runs.list({ namespace: 'default', limit: 100 })
  const runs = (await store.runs.get(items.map(({ id }) => id))) as RunRecord[]
  return runs.filter((run) => run.handler === handler)
}

test('a retry with the key of another one is a duplicate of it, whatever its pause and limits are; another payload is a conflict', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const runId = await started(coordinator, { ...RETRY, delayMs: 10_000 })
  const again = await outcomeOf(coordinator, { ...RETRY, delayMs: 9_000, attempts: 7, timeoutMs: 1_000 })
  assert.deepEqual(again, { runId, created: false })
  const other = await outcomeOf(coordinator, { ...RETRY, payload: [{ sku: 'b' }] })
  assert.ok(CarillonError.is(other) && other.code === 'KEY_CONFLICT' && other.message.includes('another payload'), String(other))
  const { retry } = await coordinator.readRuns.get('default', runId)
  assert.deepEqual(retry, { localTries: 3 })
})

test('a retry that is given up starts its callback once, with its own limits and what it needs to know', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { applyReports, changeRuns } = coordinator
  const retry = { localTries: 3, onExhausted: { job: 'price-alert', attempts: 4, timeoutMs: 60_000 }, onSuccess: { job: 'price-found' } }
  const id = await started(coordinator, { ...RETRY, attempts: 1, retry })
  const end = finished(id, FAILED)
  await applyReports.execute([end])
  await applyReports.execute([end])
  const [alert, ...more] = await runsOf(coordinator, 'price-alert')
  assert.deepEqual([more.length, alert?.tries, alert?.timeoutMs, alert?.terms?.parent], [0, 4, 60_000, id])
  assert.deepEqual(JSON.parse(alert?.payload ?? ''), {
    retry: {
      ...{ scene: 'fetch-price', runId: id, key: RETRY.key, outcome: 'exhausted', state: 'failed', reason: 'handler-error' },
      ...{ attempts: 1, localTries: 3, result: null, failure: { name: 'Error', message: 'no price' } },
    },
  })
  // By hand it fails once more, then it succeeds: one callback for each outcome.
  await changeRuns.retry('default', { runId: id })
  await applyReports.execute([finished(id, { ...FAILED, attempt: 2 })])
  await changeRuns.retry('default', { runId: id })
  await applyReports.execute([finished(id, { outcome: 'succeeded', result: 7, attempt: 3 })])
  const [found, ...others] = await runsOf(coordinator, 'price-found')
  assert.deepEqual(
    [(await runsOf(coordinator, 'price-alert')).length, others.length, JSON.parse(found?.payload ?? '').retry.result],
    [1, 0, 7],
  )
  // What becomes of the callback changes nothing of the retry.
  await applyReports.execute([finished(alert?.id ?? '', FAILED)])
  assert.equal((await runOf(coordinator, id)).state, 'succeeded')
})

test('a retry that is cancelled calls nobody, and one that expires does', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const retry = { localTries: 1, onExhausted: { job: 'price-alert' } }
  const id = await started(coordinator, { ...RETRY, retry })
  await coordinator.changeRuns.cancel('default', id)
  assert.equal((await runsOf(coordinator, 'price-alert')).length, 0)
  const late = await started(coordinator, { ...RETRY, key: 'other', retry, endWithinMs: 30_000 })
  assert.equal(await wakes(coordinator, late), 'expired deadline')
  assert.equal((await runsOf(coordinator, 'price-alert')).length, 1)
})

test('what is left of the time of the caller spans the delay, all attempts and their pauses; not a retry by hand', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, applyReports, readRuns, changeRuns } = coordinator
  const from = clock.now()
  const id = await started(coordinator, { ...RETRY, delayMs: 10_000, endWithinMs: 30_000, backoff: { type: 'fixed', delayMs: 60_000 } })
  assert.equal((await readRuns.get('default', id)).endAt, new Date(from + 30_000).toISOString())
  assert.equal(await wakes(coordinator, id), 'queued null')
  await applyReports.execute([report(id, { type: 'started' })])
  await clock.advance(5_000)
  await applyReports.execute([finished(id, FAILED)])
  assert.equal(await wakes(coordinator, id), 'timed_out run-timeout')
  assert.equal(clock.now(), from + 30_000)
  assert.equal((await changeRuns.retry('default', { runId: id })).state, 'queued')
  assert.equal((await runOf(coordinator, id)).wakeAt, null)
})

test('a request that was on its way for long has less time left, and one that is older than keys are remembered is refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, readRuns } = coordinator
  const requestedAt = new Date(clock.now() - 20_000).toISOString()
  const id = await started(coordinator, { ...RETRY, endWithinMs: 30_000, requestedAt })
  assert.equal((await readRuns.get('default', id)).endAt, new Date(clock.now() + 10_000).toISOString())
  const ahead = await started(coordinator, {
    ...RETRY,
    key: 'ahead',
    endWithinMs: 30_000,
    requestedAt: new Date(clock.now() + DAY_MS).toISOString(),
  })
  assert.equal((await readRuns.get('default', ahead)).endAt, new Date(clock.now() + 30_000).toISOString())
  const old = await outcomeOf(coordinator, { ...RETRY, key: 'old', requestedAt: new Date(clock.now() - 31 * DAY_MS).toISOString() })
  assert.ok(CarillonError.is(old) && old.code === 'START_TOO_OLD' && old.details.field === 'requestedAt', String(old))
  const month = await outcomeOf(coordinator, { ...RETRY, key: 'month', requestedAt: new Date(clock.now() - 29 * DAY_MS).toISOString() })
  assert.ok(month && 'runId' in month)
})

test('a retry is suspended between two tries: its time stands still, and it goes on where it was when it is resumed', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, changeRuns, applyReports, readRuns } = coordinator
  const from = clock.now()
  const backoff = { type: 'fixed', delayMs: 10_000 }
  const id = await started(coordinator, { ...RETRY, backoff, rate: { count: 600, periodMs: 60_000 }, endWithinMs: 60_000 })
  await applyReports.execute([finished(id, FAILED)])
  const view = await changeRuns.pause('default', id)
  assert.deepEqual([view.state, view.retry?.failed?.length], ['paused', 1])
  // Far beyond its next try and its deadline.
  for (let i = 0; i < 4; i++) await pass(coordinator, DAY_MS)
  assert.equal((await runOf(coordinator, id)).state, 'paused')
  assert.match((await readRuns.why('default', id)).why, /paused since/)
  assert.equal(await coordinator.store.deadLetters.get([id]).then(([letter]) => letter), undefined)
  await changeRuns.resume('default', id)
  await pass(coordinator, 1)
  const { state, attempt } = await runOf(coordinator, id)
  assert.deepEqual([state, attempt], ['queued', 2])
  assert.equal((await readRuns.get('default', id)).endAt, new Date(from + 60_000).toISOString())
  await applyReports.execute([report(id, { type: 'finished', attempt: 2, outcome: 'succeeded', result: 1 })])
  assert.equal((await runOf(coordinator, id)).state, 'succeeded')
})

test('a scene has a budget: retries beyond it wait, say why, and start in the order in which they are due; one that is too late ends', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const budget = { rate: { count: 2, periodMs: 60_000 }, delayMs: 10_000 }
  const ids: string[] = []
  for (const n of [0, 1, 2, 3]) {
    ids.push(await started(coordinator, { ...RETRY, ...budget, key: `b${n}`, payload: [n], ...(n === 3 ? { endWithinMs: 50_000 } : {}) }))
    await coordinator.clock.advance(1_000)
  }
  await pass(coordinator, 10_000)
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'queued', 'waiting gate', 'waiting gate'])
  const { why } = await coordinator.readRuns.why('default', ids[2] as string)
  assert.match(why, /rate limit .*next start is allowed at/)
  // Another scene has a budget of its own, and a plain run of the handler passes.
  const others = [
    await started(coordinator, { handler: 'fetch-price' }),
    await started(coordinator, { ...RETRY, handler: 'other', key: 'o' }),
  ]
  assert.deepEqual(await statesOf(coordinator, others), ['queued', 'queued'])
  for (let i = 0; i < 8; i++) await pass(coordinator, 10_000)
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'queued', 'queued', 'expired deadline'])
})

for (const [more, code] of [
  [{ retry: { localTries: -1 } }, 'INVALID_REQUEST'],
  [{ retry: { localTries: 1, onSuccess: { job: 'a b' } } }, 'INVALID_NAME'],
  [{ retry: { localTries: 1, onSuccess: { job: 'ok', payload: 1 } } }, 'INVALID_REQUEST'],
  [{ endWithinMs: 0 }, 'INVALID_DELAY'],
  [{ requestedAt: 'yesterday' }, 'INVALID_DATE'],
] as const)
  test(`a retry that is wrong is refused: ${JSON.stringify(more)}`, async (context) => {
    const outcome = await outcomeOf(await createTestCoordinator(context), { ...RETRY, ...more })
    assert.ok(CarillonError.is(outcome) && outcome.code === code, String(outcome))
  })
