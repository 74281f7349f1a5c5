import assert from 'node:assert/strict'
import { CarillonError } from '@carillon/contracts'
import type { Store } from '../ports.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { aFinish, aJob, aLine, aRun, runId, START_AT } from './records.ts'

/** JSON texts that a database could misread if it looked into them. */
const TEXTS = [
  '{"$where":"1","a.b":{"$gt":0},"":null,"__proto__":{"x":1},"constructor":1}',
  '{ "b" : 1.0, "a" : 1e2, "b" : 2 }',
  '"caf\u00e9 cafe\u0301 \u{1f514} \u2028 \u0000 \ufeff"',
  '"\\ud800 \\u0000 \\/"',
  '[123456789012345678, -0, 0.1]',
  ' null ',
  `"${'x'.repeat(300_000)}"`,
]

const rejects = (work: () => Promise<unknown>, code: string, field: string) =>
  assert.rejects(work, (error) => CarillonError.is(error) && error.code === code && error.details.field === field)

/** Writes that must be refused before any of their records is stored. */
function faultyWrites(store: Store): [string, () => Promise<unknown>][] {
  const unknown = undefined as never
  const life = (set: object) => [aFinish(runId(1)), { id: runId(2), expect: { state: ['queued' as const] }, set }]
  return [
    ['payload', () => store.runs.insert([aRun(10), aRun(11, { payload: unknown })])],
    ['wakeAt', () => store.runs.insert([aRun(10), aRun(11, { wakeAt: Number.NaN })])],
    ['slot', () => store.runs.insert([aRun(10), aRun(11, { slot: Number.POSITIVE_INFINITY })])],
    ['backoff.delayMs', () => store.runs.insert([aRun(10), aRun(11, { backoff: { type: 'fixed', delayMs: Number.NaN } })])],
    ['wakeAt', () => store.runs.update(life({ wakeAt: Number.NEGATIVE_INFINITY }))],
    ['result', () => store.runs.update(life({ result: undefined }))],
    ['progress.percent', () => store.runs.update(life({ progress: { percent: Number.NaN } }))],
    ['updatedAt', () => store.jobs.insert(aJob('report', { updatedAt: Number.NaN }))],
    ['schedule.everyMs', () => store.jobs.replace(aJob('there', { schedule: { everyMs: Number.NaN } }), { revision: 1 })],
    ['at', () => store.logs.insert([aLine(runId(1), 1), aLine(runId(1), 2, { at: Number.NaN })])],
    ['beat', () => store.coordinators.put({ id: 'c-1', beat: Number.NaN, publishedBefore: 0 })],
  ]
}

export const TEXT_CASES: ConformanceCase[] = [
  {
    name: 'JSON text is kept letter for letter',
    async run(store) {
      await store.runs.insert(TEXTS.map((payload, n) => aRun(n, { payload, key: payload.slice(0, 200) })))
      await store.runs.update(TEXTS.map((result, n) => ({ id: runId(n), expect: { state: ['queued'] }, set: { result } })))
      const runs = await store.runs.get(TEXTS.map((_, n) => runId(n)))
      assert.deepEqual(
        runs.map((run) => run?.payload),
        TEXTS,
      )
      assert.deepEqual(
        runs.map((run) => run?.result),
        TEXTS,
      )
      await store.logs.insert(TEXTS.map((fields, n) => aLine('run-1', n + 1, { fields, message: fields })))
      const { items } = await store.logs.query({ namespace: 'default', runId: 'run-1', order: 'oldest', limit: 100 })
      assert.deepEqual(
        items.map((line) => [line.fields, line.message]),
        TEXTS.map((text) => [text, text]),
      )
    },
  },
  {
    name: 'an error keeps its text, a lone surrogate elsewhere harms nothing around it',
    async run(store) {
      const error = { name: '$set', message: 'lone \ud800, nul \u0000, \u{1f514}', stack: 'a.b: $c' }
      await store.runs.insert([aRun(1, { error: { ...error, retryable: undefined } })])
      assert.deepEqual((await store.runs.get([runId(1)]))[0]?.error, error)
      await store.logs.insert([aLine('run-1', 1, { message: 'a \ud800 b' })])
      const { items } = await store.logs.query({ namespace: 'default', runId: 'run-1', order: 'oldest', limit: 10 })
      assert.match(items[0]!.message, /^a (?:\ud800|\ufffd+) b$/)
    },
  },
  {
    name: 'undefined, NaN and Infinity are refused before anything is stored',
    async run(store) {
      await store.runs.insert([aRun(1), aRun(2)])
      await store.jobs.insert(aJob('there'))
      for (const [field, write] of faultyWrites(store)) await rejects(write, 'INTERNAL', field)
      assert.deepEqual(await store.runs.get([runId(1), runId(2), runId(10)]), [aRun(1), aRun(2), undefined])
      assert.deepEqual(await store.jobs.get(['default/report', 'default/there']), [undefined, aJob('there')])
      assert.deepEqual((await store.logs.query({ namespace: 'default', runId: runId(1), order: 'oldest', limit: 5 })).items, [])
      assert.deepEqual(await store.coordinators.list(), [])
    },
  },
  {
    name: 'a cursor that the list did not give out is INVALID_REQUEST',
    async run(store) {
      await store.runs.insert([aRun(1), aRun(2)])
      const { cursor: ofRuns } = await store.runs.list({ namespace: 'default', limit: 1 })
      for (const cursor of ['', 'x', '!!!', 'bnVsbA', '{"$gt":""}', `${ofRuns}x`, '__proto__']) {
        await rejects(() => store.runs.list({ namespace: 'default', cursor, limit: 1 }), 'INVALID_REQUEST', 'cursor')
        await rejects(() => store.runs.queued({ from: 0, before: START_AT, cursor, limit: 1 }), 'INVALID_REQUEST', 'cursor')
        await rejects(() => store.runs.ownedBy({ namespace: 'default', owner: 'i', cursor, limit: 1 }), 'INVALID_REQUEST', 'cursor')
        await rejects(() => store.tasks.list({ runId: 'run-1', cursor, limit: 1 }), 'INVALID_REQUEST', 'cursor')
      }
      await rejects(() => store.jobs.list({ namespace: 'default', cursor: ofRuns, limit: 1 }), 'INVALID_REQUEST', 'cursor')
      const logs = { namespace: 'default', runId: 'run-1', order: 'oldest' as const, limit: 1 }
      await rejects(() => store.logs.query({ ...logs, cursor: ofRuns }), 'INVALID_REQUEST', 'cursor')
    },
  },
]
