import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type LogLevel } from '@carillon/contracts'
import { RunningContext, type TaskPort } from './task-context.ts'

/** A context, and what it hands on. */
function createContext() {
  const progress: unknown[] = []
  const lines: [LogLevel, string][] = []
  const port = {
    signal: new AbortController().signal,
    traceparent: undefined,
    progress: (percent: number, note: string | undefined) => void progress.push([percent, note]),
    log: (level: LogLevel, message: string) => void lines.push([level, message]),
    map: (call: { call: number; name: string; items: readonly unknown[] }) =>
      new Promise<void>((resolve) => calls.push({ ...call, resolve })),
    next: async (choice: object) => {
      choices.push(choice)
      return undefined
    },
    results: async ({ cursor, limit }: { cursor: string | undefined; limit: number }) => {
      const from = Number(cursor ?? 0)
      asked.push(limit)
      const items = Array.from({ length: Math.min(limit, 700 - from) }, (_, i) => ({ taskId: `t-${from + i}`, result: from + i }))
      return { items, ...(from + limit < 700 ? { next: String(from + limit) } : {}) }
    },
  }
  const calls: { call: number; name: string; items: readonly unknown[]; resolve: () => void }[] = []
  const asked: number[] = []
  const choices: object[] = []
  const context = new RunningContext({ runId: 'r', taskId: 't', handler: 'h', attempt: 1, payload: null }, port as unknown as TaskPort)
  return { context, progress, lines, calls, asked, choices }
}

test('calls to map are numbered, four at once', async () => {
  const { context, calls } = createContext()
  const done = Promise.all(Array.from({ length: 6 }, (_, i) => context.map('page', [i])))
  await new Promise(setImmediate)
  assert.deepEqual(
    calls.map(({ call, name, items }) => [call, name, items]),
    [0, 1, 2, 3].map((i) => [i, 'page', [i]]),
  )
  for (const { resolve } of calls.splice(0)) resolve()
  await new Promise(setImmediate)
  assert.deepEqual(
    calls.map(({ call }) => call),
    [4, 5],
  )
  for (const { resolve } of calls) resolve()
  await done
})

test('results are read in pages that grow, in order', async () => {
  const { context, asked } = createContext()
  const read: number[] = []
  for await (const result of context.results<number>()) read.push(result)
  assert.deepEqual(
    read,
    Array.from({ length: 700 }, (_, i) => i),
  )
  assert.deepEqual(asked, [100, 200, 400])
})

test('the next time of a job is a duration or a time, as a number, a text or a Date', async () => {
  const { context, choices } = createContext()
  const at = '2030-01-31T09:00:00.000Z'
  for (const next of [600_000, '10m', '1h30m', '2d', -5, new Date(at), '2030-01-31T10:00:00+01:00'])
    assert.equal(await context.nextAt(next), undefined)
  const delays = [600_000, 600_000, 5_400_000, 172_800_000, 0].map((delayMs) => ({ delayMs }))
  assert.deepEqual(choices, [...delays, { at }, { at }])
  for (const wrong of ['', 'tomorrow', '10 m', '30m1h', '2030-01-31', '2030-02-30T00:00:00Z', '4000d', Number.NaN, new Date('x'), null, {}])
    assert.throws(
      () => context.nextAt(wrong as string),
      (error) => {
        assert.ok(CarillonError.is(error))
        assert.match(error.details.hint ?? '', /'10m' or '1h30m'/)
        return error.code === 'INVALID_DELAY' && error.details.field === 'next'
      },
    )
})

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

test('the note of a progress is shown as the message of a log line is, whatever it is', async () => {
  const { context, progress } = createContext()
  const unreadable = {
    get a(): number {
      throw new Error('gone')
    },
  }
  for (const note of [{ row: 7 }, Object.create(null), new Map([['a', 1]]), 5, null, unreadable, 'é'.repeat(5_000), Symbol('s')])
    await context.progress(1, note as string)
  assert.deepEqual(
    progress.map((entry) => (entry as unknown[])[1]),
    ['{"row":7}', '{}', "Map(1) { 'a' => 1 }", '5', undefined, '{"a":"[unreadable: gone]"}', 'é'.repeat(1_000), 'Symbol(s)'],
  )
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
