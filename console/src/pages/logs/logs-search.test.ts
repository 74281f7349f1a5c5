import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesFilter, readLogsSearch } from './logs-search.ts'

test('a link gives the filters that the logger takes; what it does not know is ignored', () => {
  const now = Date.parse('2026-11-28T12:00:00Z')
  const search = readLogsSearch({ text: 'declined', level: 'error', range: '1h', job: '', other: 'x' })
  assert.deepEqual(linesFilter(search, now), { text: 'declined', level: 'error', since: '2026-11-28T11:00:00.000Z' })
  assert.deepEqual(linesFilter(readLogsSearch({ level: 'debug', range: 'for ever' }), now), {})
})
