import assert from 'node:assert/strict'
import { it } from 'node:test'
import { levelsFrom, logView } from './log-view.ts'

it('shows a stored line as it was sent', () => {
  const record = {
    namespace: 'default',
    runId: 'r',
    taskId: 'r-1',
    attempt: 1,
    seq: 2,
    instance: 'i',
    at: 5,
    level: 'info',
    message: 'm',
    fields: null,
  } as const
  const view = { runId: 'r', taskId: 'r-1', attempt: 1, seq: 2, instance: 'i', at: '1970-01-01T00:00:00.005Z', level: 'info', message: 'm' }
  assert.deepEqual(logView(record), view)
  assert.deepEqual(logView({ ...record, fields: '{"a":[1]}' }), { ...view, fields: { a: [1] } })
})

it('names a level and those above', () => {
  assert.deepEqual(levelsFrom('debug'), ['debug', 'info', 'warn', 'error'])
  assert.deepEqual(levelsFrom('error'), ['error'])
})
