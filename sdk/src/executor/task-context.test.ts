import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type LogLevel } from '@carillon/contracts'
import { RunningContext, type TaskPort } from './task-context.ts'

/** A context, and what it hands on. */
function createContext() {
  const progress: unknown[] = []
  const lines: [LogLevel, string][] = []
  const port: TaskPort = {
    signal: new AbortController().signal,
    traceparent: undefined,
    progress: (percent, note) => void progress.push([percent, note]),
    log: (level, message) => void lines.push([level, message]),
  }
  const context = new RunningContext({ runId: 'r', taskId: 't', handler: 'h', attempt: 1, payload: null }, port)
  return { context, progress, lines }
}

test('progress is a number from 0 to 100; anything else is thrown at once', async () => {
  const { context, progress } = createContext()
  for (const percent of [0, 12.5, 100]) await context.progress(percent, 'note')
  for (const percent of [-1, 101, 100.1, Number.NaN, Number.POSITIVE_INFINITY, '50', undefined] as number[]) {
    assert.throws(
      () => context.progress(percent),
      (error) => {
        assert.ok(CarillonError.is(error))
        const { field, value, hint } = error.details
        assert.deepEqual([error.code, field, hint], ['INVALID_REQUEST', 'percent', 'Use a number from 0 to 100.'])
        return value === (typeof percent === 'string' ? '"50"' : String(percent))
      },
    )
  }
  assert.deepEqual(progress, [
    [0, 'note'],
    [12.5, 'note'],
    [100, 'note'],
  ])
})

test('a line without a message has an empty one', () => {
  const { context, lines } = createContext()
  context.log.info()
  context.log.warn(undefined, { a: 1 })
  context.log.error('text')
  assert.deepEqual(lines, [
    ['info', ''],
    ['warn', ''],
    ['error', 'text'],
  ])
})
