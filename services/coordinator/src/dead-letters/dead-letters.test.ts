import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { letterView } from './rules/letter.ts'

const NS = 'default'
const START = { namespace: NS, bytes: 10, trigger: 'call', traceparent: undefined } as const
const RETRY = { handler: 'pay', payload: [{ order: 1 }], key: 'retry/pay/1', attempts: 2, retry: { localTries: 3 } }
const FAILED = { outcome: 'failed', error: { name: 'Error', message: 'no money' } }

async function started({ startRuns }: TestCoordinator, request: object): Promise<string> {
  const [outcome] = await startRuns.execute([{ ...START, request }])
  await settle()
  assert.ok(outcome && 'runId' in outcome, String(outcome))
  return outcome.runId
}
const finished = (runId: string, attempt: number, more: object) =>
  reportsFrom('i-1', { runId, taskId: runId, type: 'finished', attempt, ...more })
async function letterOf({ store }: TestCoordinator, id: string) {
  await settle()
  return (await store.deadLetters.get([id]))[0]
}
async function runs({ store }: TestCoordinator): Promise<RunRecord[]> {
  const { items } = await store.runs.list({ namespace: NS, limit: 100 })
  return (await store.runs.get(items.map(({ id }) => id))) as RunRecord[]
}
/** A retry that has used up its two tries. */
async function givenUp(coordinator: TestCoordinator, request: object = RETRY): Promise<string> {
  const id = await started(coordinator, request)
  await coordinator.applyReports.execute([finished(id, 1, { ...FAILED, error: { name: 'TypeError', message: 'first' } })])
  await coordinator.clock.advance(60_000)
  await coordinator.wakeLives.execute([id])
  await settle()
  await coordinator.applyReports.execute([finished(id, 2, FAILED)])
  assert.equal((await runOf(coordinator, id)).state, 'failed')
  return id
}
const isRefused = (code: string) => (error: unknown) => CarillonError.is(error) && error.code === code

test('a retry that has used up its tries is a dead letter at once, with its arguments and each try that failed; its end again makes no second one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const from = coordinator.clock.now()
  const id = await givenUp(coordinator)
  await coordinator.applyReports.execute([finished(id, 2, FAILED)])
  const letter = await letterOf(coordinator, id)
  assert.ok(letter)
  const at = (ms: number) => new Date(ms).toISOString()
  assert.deepEqual(letterView(letter), {
    ...{ id, scene: 'pay', key: RETRY.key, state: 'failed', reason: 'handler-error', failure: FAILED.error, attempts: 2 },
    ...{ requestedAt: at(from), at: at(from + 60_000), payload: [{ order: 1 }] },
    retry: {
      localTries: 3,
      failed: [
        { attempt: 1, startedAt: at(from), at: at(from), name: 'TypeError', message: 'first' },
        { attempt: 2, startedAt: at(from + 60_000), at: at(from + 60_000), name: 'Error', message: 'no money' },
      ],
    },
  })
  const { retry } = await coordinator.readRuns.get(NS, id)
  assert.equal(retry?.failed?.length, 2)
  assert.equal((await coordinator.store.deadLetters.list({ namespace: NS, limit: 10 })).items.length, 1)
})

test('a letter that could not be stored is stored when the end comes again: from its report, and of a retry whose time is over from its timer', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, applyReports, wakeLives } = coordinator
  const { insert } = store.deadLetters
  const away = () => {
    store.deadLetters.insert = () => Promise.reject(new CarillonError('STORE_UNAVAILABLE', 'gone'))
  }
  const id = await started(coordinator, { ...RETRY, attempts: 1 })
  away()
  await assert.rejects(applyReports.execute([finished(id, 1, FAILED)]), isRefused('STORE_UNAVAILABLE'))
  assert.deepEqual([(await runOf(coordinator, id)).state, await letterOf(coordinator, id)], ['failed', undefined])
  store.deadLetters.insert = insert
  await applyReports.execute([finished(id, 1, FAILED)])
  assert.equal((await letterOf(coordinator, id))?.attempt, 1)
  const late = await started(coordinator, { ...RETRY, key: 'late', endWithinMs: 5_000 })
  await clock.advance(5_000)
  away()
  await wakeLives.execute([late]).catch(() => undefined)
  await settle()
  const { state, wakeAt } = await runOf(coordinator, late)
  assert.deepEqual([state, wakeAt !== null, await letterOf(coordinator, late)], ['expired', true, undefined])
  store.deadLetters.insert = insert
  await clock.advance(30_000)
  await wakeLives.execute([late])
  assert.equal((await letterOf(coordinator, late))?.reason, 'deadline')
})

test('an error that must not be tried again makes a letter at once; a cancelled retry and a run that is no retry make none', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await started(coordinator, { ...RETRY, nonRetryable: ['Refused'] })
  await coordinator.applyReports.execute([finished(id, 1, { outcome: 'failed', error: { name: 'Refused', message: 'never' } })])
  assert.equal((await letterOf(coordinator, id))?.reason, 'non-retryable')
  const cancelled = await started(coordinator, { ...RETRY, key: 'other' })
  await coordinator.changeRuns.cancel(NS, cancelled)
  const plain = await started(coordinator, { handler: 'pay' })
  await coordinator.applyReports.execute([finished(plain, 1, FAILED)])
  assert.equal((await runOf(coordinator, plain)).state, 'failed')
  assert.deepEqual([await letterOf(coordinator, cancelled), await letterOf(coordinator, plain)], [undefined, undefined])
})

test('redrive makes a new run, linked to the letter, with the limits and callbacks of the old one; two at once make one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const retry = { localTries: 3, onExhausted: { job: 'alert', attempts: 4 } }
  const id = await givenUp(coordinator, { ...RETRY, timeoutMs: 7_000, nonRetryable: ['X'], retry })
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  const outcomes = await Promise.all([
    coordinator.changeLetters.redrive(NS, { id }, 'ada'),
    other.changeLetters.redrive(NS, { id }, 'bob'),
    coordinator.changeLetters.redrive(NS, { id }, undefined),
  ])
  const [runId, ...more] = new Set(outcomes.map((outcome) => outcome.runId))
  assert.ok(runId !== undefined && runId !== id && more.length === 0)
  const run = (await runs(coordinator)).find((one) => one.id === runId)
  assert.deepEqual(
    [run?.handler, run?.payload, run?.tries, run?.timeoutMs, run?.key],
    ['pay', JSON.stringify(RETRY.payload), 2, 7_000, null],
  )
  assert.deepEqual(run?.terms, { nonRetryable: ['X'], retry: { ...retry, redriveOf: id } })
  assert.equal((await runs(coordinator)).filter(({ handler }) => handler === 'pay').length, 2)
  const letter = await letterOf(coordinator, id)
  assert.deepEqual([letter?.redrivenAs, letter?.isRedriven], [runId, 1])
  assert.equal((await coordinator.readRuns.get(NS, runId)).retry?.redriveOf, id)
  // It is given up, too: a letter of its own, which can be redriven.
  await coordinator.applyReports.execute([finished(runId, 1, { ...FAILED, error: { name: 'X', message: '' } })])
  assert.equal((await letterOf(coordinator, runId))?.request.retry?.redriveOf, id)
  assert.equal((await coordinator.changeLetters.redrive(NS, { id: runId }, undefined)).created, true)
})

test('redrive with other arguments; with others again is a conflict that names the run (31)', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeLetters } = coordinator
  const id = await givenUp(coordinator)
  const { runId } = await changeLetters.redrive(NS, { id, payload: [{ order: 2 }] }, undefined)
  assert.equal((await runOf(coordinator, runId)).payload, '[{"order":2}]')
  assert.deepEqual(await changeLetters.redrive(NS, { id, payload: [{ order: 2 }] }, undefined), { runId, created: false })
  assert.deepEqual(await changeLetters.redrive(NS, { id }, undefined), { runId, created: false })
  await assert.rejects(changeLetters.redrive(NS, { id, payload: [3] }, undefined), isRefused('KEY_CONFLICT'))
  await assert.rejects(changeLetters.rollback(NS, id), isRefused('KEY_CONFLICT'))
  for (const wrong of [changeLetters.redrive('shop', { id }, undefined), changeLetters.redrive(NS, { id: 'nobody' }, undefined)])
    await assert.rejects(wrong, isRefused('DEAD_LETTER_NOT_FOUND'))
})

test('a coordinator that stopped between its decision and the run leaves what a repetition finishes; after that nothing starts again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, changeLetters } = coordinator
  const id = await givenUp(coordinator)
  const { insert } = store.runs
  store.runs.insert = () => Promise.reject(new CarillonError('STORE_UNAVAILABLE', 'gone'))
  await assert.rejects(changeLetters.redrive(NS, { id, payload: [9] }, undefined), isRefused('STORE_UNAVAILABLE'))
  store.runs.insert = insert
  assert.equal((await runs(coordinator)).length, 1)
  const { runId, created } = await changeLetters.redrive(NS, { id }, undefined)
  assert.deepEqual([created, (await runOf(coordinator, runId)).payload], [true, '[9]'])
  // Also when nothing remembers that run any more.
  store.runs.insert = () => Promise.reject(new Error('it is started again'))
  assert.deepEqual(await changeLetters.redrive(NS, { id }, undefined), { runId, created: false })
})

test('rollback lets the same run go on and removes the letter; given up again it is a letter again, which can be redriven', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeLetters, applyReports } = coordinator
  const id = await givenUp(coordinator)
  const first = await letterOf(coordinator, id)
  const view = await changeLetters.rollback(NS, id)
  assert.deepEqual([view.state, view.attempt, view.attempts], ['queued', 3, 4])
  assert.equal(await letterOf(coordinator, id), undefined)
  await assert.rejects(changeLetters.rollback(NS, id), isRefused('DEAD_LETTER_NOT_FOUND'))
  await applyReports.execute([finished(id, 3, { ...FAILED, error: { name: 'Error', message: 'again', retryable: false } })])
  const again = await letterOf(coordinator, id)
  assert.deepEqual([again?.attempt, again?.failed.length], [3, 3])
  assert.ok(first)
  const { runId } = await changeLetters.redrive(NS, { id }, undefined)
  assert.notEqual(runId, id)
})

test('a run that somebody has retried by hand is no dead letter: redrive is refused while it is open, and its success removes the letter', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeLetters, changeRuns, applyReports } = coordinator
  const id = await givenUp(coordinator)
  await changeRuns.retry(NS, { runId: id })
  await assert.rejects(changeLetters.redrive(NS, { id }, undefined), isRefused('RUN_OPEN'))
  await applyReports.execute([finished(id, 3, { outcome: 'succeeded', result: 1 })])
  assert.equal(await letterOf(coordinator, id), undefined)
  const other = await givenUp(coordinator, { ...RETRY, key: 'other' })
  await changeRuns.retry(NS, { runId: other })
  await applyReports.execute([finished(other, 3, { ...FAILED, error: { name: 'Error', message: 'third', retryable: false } })])
  const letter = await letterOf(coordinator, other)
  assert.deepEqual([letter?.attempt, letter?.error?.message, letter?.redrivenAs], [3, 'third', null])
})

test('a letter outlives its run: it is redriven without it, and only a rollback needs it; removed, it is gone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeLetters, store, clock } = coordinator
  const id = await givenUp(coordinator)
  await store.retention.markRemoved({ ids: [id], endedBefore: clock.now() + 1, at: clock.now() })
  await assert.rejects(changeLetters.rollback(NS, id), isRefused('RUN_REMOVED'))
  const { created } = await changeLetters.redrive(NS, { id }, undefined)
  assert.equal(created, true)
  assert.deepEqual(await changeLetters.remove(NS, id), { removed: true })
  await assert.rejects(changeLetters.remove(NS, id), isRefused('DEAD_LETTER_NOT_FOUND'))
})

test('only the last twenty tries that failed are kept, and what is kept of a message is short', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await started(coordinator, { ...RETRY, attempts: 25, backoff: { type: 'fixed', delayMs: 1_000 } })
  for (let attempt = 1; attempt <= 25; attempt++) {
    await coordinator.applyReports.execute([finished(id, attempt, { ...FAILED, error: { name: 'Error', message: 'x'.repeat(5_000) } })])
    await coordinator.clock.advance(1_000)
    await coordinator.wakeLives.execute([id])
    await settle()
  }
  const letter = await letterOf(coordinator, id)
  assert.deepEqual([letter?.failed.length, letter?.failed[0]?.attempt, letter?.failed[19]?.message.length], [20, 6, 200])
})

test('that a letter was kept, redriven or removed is an event, without its arguments', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const id = await givenUp(coordinator)
  const { runId } = await coordinator.changeLetters.redrive(NS, { id }, 'ada')
  await coordinator.changeLetters.redrive(NS, { id }, 'ada')
  await coordinator.changeLetters.remove(NS, id)
  const events = coordinator.fake.published.filter(({ subject }) => subject.includes('.event.deadLetter.'))
  assert.deepEqual(
    events.map(({ subject }) => subject),
    ['created', 'redriven', 'removed'].map((what) => `carillon.${NS}.event.deadLetter.${id}.${what}`),
  )
  const [created, redriven, removed] = events.map(({ body }) => JSON.parse(String(body)))
  assert.deepEqual(
    [created.scene, created.attempts, created.failure.message, created.payload, created.retry],
    ['pay', 2, 'no money', undefined, undefined],
  )
  assert.deepEqual([redriven.redrivenAs, redriven.by, removed], [runId, 'ada', { id }])
})
