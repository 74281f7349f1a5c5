import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterOf, hasFilter, mayMatch, readRunsSearch } from './runs-search.ts'

test('what a URL says, and nothing that it cannot say', () => {
  const search = readRunsSearch({ state: 'failed,nonsense,timed_out', job: 'report', range: '2y', limit: '9' })
  assert.deepEqual(search.state, ['failed', 'timed_out'])
  assert.equal(search.range, undefined)
  assert.deepEqual(filterOf(search, 0), { job: 'report', state: ['failed', 'timed_out'] })
  assert.ok(hasFilter(search))
  assert.ok(!hasFilter(readRunsSearch({ order: 'oldest' })))
})

test('a relative time is made absolute', () => {
  assert.deepEqual(filterOf({ range: '1h' }, Date.parse('2026-01-01T12:00:00Z')), { since: '2026-01-01T11:00:00.000Z' })
})

test('new runs are counted only where the list would show them', () => {
  const run = { job: 'report', handler: 'report', state: 'queued' } as const
  assert.ok(mayMatch({}, run))
  assert.ok(mayMatch({ job: 'report', state: ['queued'] }, run))
  assert.ok(!mayMatch({ job: 'other' }, run))
  assert.ok(!mayMatch({ text: 'x' }, run))
})
