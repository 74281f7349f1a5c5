import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS, LIMITS, parseInput, type RunFilter } from '@carillon/contracts'
import { aRun, runId, START_AT } from '@carillon/store/testing'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'

const at = (n: number) => new Date(START_AT + n).toISOString()
const listOf = ({ searchRuns }: TestCoordinator, input: object) => searchRuns.list('default', parseInput(CALLS.runsList.input, input))
const countOf = ({ searchRuns }: TestCoordinator, input: RunFilter) => searchRuns.count('default', parseInput(CALLS.runsCount.input, input))
const ended = (state: 'failed' | 'succeeded', n: number) => ({ state, queuedAt: null, endedAt: START_AT + n }) as const

test('runs are found by several states, by when they ended, by origin, instance, label and text, and the answer says what counted', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const error = { name: 'Error', message: 'connect ECONNREFUSED db:5432' }
  await coordinator.store.runs.insert([
    aRun(1, { ...ended('failed', 50), error, owner: 'i-1' }),
    aRun(2, { ...ended('succeeded', 60), owner: 'i-2' }),
    aRun(3, { ...ended('failed', 20), trigger: 'schedule' }),
    aRun(4),
    aRun(5, { ...ended('failed', 30), namespace: 'other', error }),
  ])
  const found = async (input: object) => (await listOf(coordinator, input)).items.map((run) => run.runId)
  assert.deepEqual(await found({ state: ['failed', 'queued'] }), [runId(4), runId(3), runId(1)])
  assert.deepEqual(await found({ state: ['failed', 'queued'], order: 'oldest', limit: 2 }), [runId(1), runId(3)])
  assert.deepEqual(await found({ time: 'ended' }), [runId(1), runId(3)])
  assert.deepEqual(await found({ time: 'ended', since: at(21) }), [runId(1)])
  assert.deepEqual(await found({ trigger: 'schedule' }), [runId(3)])
  assert.deepEqual(await found({ text: 'ECONNREFUSED' }), [runId(1)])
  assert.deepEqual(await found({ text: '.*' }), [])
  assert.deepEqual(await found({ instance: 'i-2' }), [runId(2)])
  coordinator.presence.alive.set('hello', ['i-1', 'i-2'])
  coordinator.presence.labels.set('i-1', { zone: 'eu=1' })
  assert.deepEqual(await found({ label: 'zone=eu=1' }), [runId(1)])
  assert.deepEqual(await found({ label: 'zone=us' }), [])
  assert.deepEqual((await listOf(coordinator, { time: 'ended', since: at(21), until: at(90) })).applied, {
    time: 'ended',
    since: at(21),
    until: at(90),
    states: ['failed', 'timed_out', 'cancelled', 'skipped', 'expired'],
    order: 'newest',
  })
  assert.deepEqual(await countOf(coordinator, { state: 'failed' }), { count: 2, applied: { time: 'created', states: ['failed'] } })
})

test('a run that is found by its key passes the other filters, too, and its row is that of a list', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const started = await coordinator.startRuns.execute([
    {
      namespace: 'default',
      request: { handler: 'hello', key: 'order-1', payload: { customer: 'Grace' } },
      bytes: 1,
      trigger: 'call',
      traceparent: undefined,
    },
  ])
  assert.equal(started.length, 1)
  const found = async (more: object) => (await listOf(coordinator, { key: 'order-1', ...more })).items
  const [run] = await found({})
  assert.ok(run && !('payload' in run))
  assert.equal((await found({ text: 'Grace', state: ['queued', 'running'], trigger: 'call' })).length, 1)
  assert.equal((await found({ text: 'Ada' })).length, 0)
  assert.equal((await found({ time: 'ended' })).length, 0)
  assert.equal((await countOf(coordinator, { key: 'order-1' })).count, 1)
})

test('a cursor goes with the filters and the order that it was given out for', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.store.runs.insert([1, 2, 3].map((n) => aRun(n)))
  const { next, searchedBackTo } = await listOf(coordinator, { state: 'queued', limit: 2 })
  assert.equal(typeof searchedBackTo, 'string')
  assert.equal((await listOf(coordinator, { limit: 1, state: 'queued', cursor: next })).items[0]?.runId, runId(1))
  const refused = { code: 'INVALID_REQUEST', details: { field: 'cursor' } }
  for (const other of [{}, { state: 'failed' }, { state: 'queued', order: 'oldest' }, { state: 'queued', until: at(9) }])
    await assert.rejects(listOf(coordinator, { ...other, cursor: next }), (error: typeof refused) => {
      assert.equal(error.code, 'INVALID_REQUEST')
      assert.equal(error.details.field, 'cursor')
      return true
    })
  for (const cursor of ['%%%', 'AAAAAAAA~', '~~~~~~~~~~', `${next}x`])
    await assert.rejects(listOf(coordinator, { state: 'queued', cursor }), { code: 'INVALID_REQUEST' })
})

test('a count stops at its cap, and a search for what is rare says how far it came', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const total = LIMITS.countedRuns + 5
  await coordinator.store.runs.insert(Array.from({ length: total }, (_, n) => aRun(n, n === 0 ? { key: 'needle' } : {})))
  assert.deepEqual(await countOf(coordinator, {}), { count: 10_000, atLeast: true, applied: { time: 'created' } })
  // The clock of the test stands still, so the time of the search is never over.
  assert.deepEqual(
    (await listOf(coordinator, { text: 'needle' })).items.map((run) => run.runId),
    [runId(0)],
  )
  assert.deepEqual(await countOf(coordinator, { text: 'needle' }), { count: 1, applied: { time: 'created' } })
  const { monotonic } = coordinator.clock
  let now = monotonic.call(coordinator.clock)
  coordinator.clock.monotonic = () => {
    now += 500
    return now
  }
  const page = await listOf(coordinator, { text: 'needle' })
  assert.deepEqual([page.items, page.searchedBackTo], [[], at(total - 5_000)])
  const rest = await listOf(coordinator, { text: 'needle', cursor: page.next })
  assert.equal(typeof rest.next, 'string')
  const part = await countOf(coordinator, { text: 'needle' })
  assert.deepEqual([part.count, part.atLeast, part.searchedBackTo], [0, true, at(total - 5_000)])
  coordinator.clock.monotonic = monotonic
})

test('what is searched for is no pattern: a text that would take a regular expression for ever is found at once, or not', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const evil = `${'a'.repeat(4_000)}!`
  await coordinator.store.runs.insert(Array.from({ length: 2_000 }, (_, n) => aRun(n, { payload: JSON.stringify(evil) })))
  const began = performance.now()
  assert.deepEqual((await listOf(coordinator, { text: '(a+)+$' })).items, [])
  assert.deepEqual((await listOf(coordinator, { text: `${'(a|a)*'.repeat(30)}b` })).items, [])
  assert.equal((await listOf(coordinator, { text: 'a!', limit: 1 })).items.length, 1)
  assert.ok(performance.now() - began < 2_000, String(performance.now() - began))
})

test('filters with wrong types, and ends of runs that succeed, are refused by name', () => {
  const refused = (input: object, field: string) =>
    assert.throws(
      () => parseInput(CALLS.runsList.input, input),
      (error: { code: string; details: { field: string } }) => {
        assert.ok(error.details.field.startsWith(field), `${JSON.stringify(input)}: ${error.details.field}`)
        return true
      },
    )
  refused({ state: 'fine' }, 'state')
  refused({ state: [] }, 'state')
  refused({ state: ['failed', 7] }, 'state')
  refused({ trigger: 'nobody' }, 'trigger')
  refused({ since: 'yesterday' }, 'since')
  refused({ text: '' }, 'text')
  refused({ text: { $regex: '.*' } }, 'text')
  refused({ label: 'zone' }, 'label')
  refused({ time: 'ended', state: 'succeeded' }, 'state')
  refused({ time: 'ended', state: ['failed', 'running'] }, 'state')
  refused({ order: 'random' }, 'order')
})
