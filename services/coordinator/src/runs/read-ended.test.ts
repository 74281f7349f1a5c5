import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS, LIMITS } from '@carillon/contracts'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator } from '../testing/test-coordinator.ts'
import { endedEventText } from './rules/views.ts'

const ENDED = { state: 'succeeded', reason: 'completed', queuedAt: null, endedAt: 1_000 } as const

test('each run has an outcome of its own, in the order of the ids: its end, that it is open, or what is wrong', async (context) => {
  const { store, readEnded } = await createTestCoordinator(context)
  const [succeeded, large] = [aRun(1, { ...ENDED, result: '{"a":1}' }), aRun(2, { ...ENDED, result: JSON.stringify('x'.repeat(9_000)) })]
  const failed = aRun(3, { ...ENDED, state: 'failed', reason: 'handler-error', error: { name: 'Error', message: 'no' } })
  await store.runs.insert([succeeded, large, failed, aRun(4), aRun(5, { ...ENDED, namespace: 'shop' })])
  const ids = [3, 4, 1, 2, 5, 1].map((n) => aRun(n).id)
  const runs = await readEnded.execute('default', [...ids, '../x', null])
  const codes = runs.map((run) => ('error' in run ? run.error.code : run.state))
  assert.deepEqual(codes, [
    'failed',
    'queued',
    'succeeded',
    'succeeded',
    'RUN_NOT_FOUND',
    'succeeded',
    'INVALID_REQUEST',
    'INVALID_REQUEST',
  ])
  CALLS.runsEnded.answer.parse({ runs })
  const events = [succeeded, large, failed].map((run) => JSON.parse(endedEventText(run)))
  assert.deepEqual([runs[2], runs[3], runs[0]], events)
  assert.deepEqual([events[0].result, events[1].resultOmitted, events[2].failure.message], [{ a: 1 }, true, 'no'])
})

test('an answer fits into a message: it ends before the end with which it would not, and is never empty', async (context) => {
  const { store, readEnded } = await createTestCoordinator(context)
  const error = { name: 'Error', message: 'no', stack: 'x'.repeat(7_000) }
  const failed = Array.from({ length: 200 }, (_, n) => aRun(n, { ...ENDED, state: 'failed', reason: 'handler-error', error }))
  const open = Array.from({ length: 800 }, (_, n) => aRun(1_000 + n))
  await store.runs.insert([...failed, ...open])
  const ids = [...open, ...failed].map(({ id }) => id)
  const seen: string[] = []
  while (seen.length < ids.length) {
    const runs = await readEnded.execute('default', ids.slice(seen.length))
    assert.ok(runs.length > 0)
    assert.ok(Buffer.byteLength(JSON.stringify({ runs })) <= LIMITS.messageBytes)
    seen.push(...runs.map((run) => ('error' in run ? run.error.code : run.runId)))
  }
  assert.deepEqual(seen, ids)
})

test('duplicates and long refusals count, too', async (context) => {
  const { store, readEnded } = await createTestCoordinator(context)
  const large = aRun(1, { ...ENDED, result: JSON.stringify('x'.repeat(8_000)) })
  await store.runs.insert([large])
  const quotes = '\'"'.repeat(600)
  for (const ids of [
    Array.from({ length: 1_000 }, () => large.id),
    Array.from({ length: 1_000 }, (_, n) => (n < 60 ? large.id : quotes)),
  ]) {
    const runs = await readEnded.execute('default', ids)
    assert.ok(runs.length > 60)
    assert.ok(Buffer.byteLength(JSON.stringify({ runs })) <= LIMITS.messageBytes)
  }
})

test('a run that is removed between the two reads is missing, and leaves the others alone', async (context) => {
  const { store, readEnded } = await createTestCoordinator(context)
  await store.runs.insert([aRun(1, ENDED), aRun(2, ENDED)])
  const { get } = store.runs
  store.runs.get = async (ids, maxBytes) =>
    (await get.call(store.runs, ids, maxBytes)).map((run) => (run?.id === aRun(1).id ? undefined : run))
  const runs = await readEnded.execute('default', [aRun(1).id, aRun(2).id])
  assert.deepEqual(
    runs.map((run) => ('error' in run ? run.error.code : run.state)),
    ['RUN_NOT_FOUND', 'succeeded'],
  )
})
