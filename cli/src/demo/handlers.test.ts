import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DemoContext, flaky, hello, report, slow } from './handlers.ts'

function context(given: Partial<DemoContext> = {}): DemoContext & { lines: string[]; percents: number[] } {
  const lines: string[] = []
  const percents: number[] = []
  const write = (message: string) => void lines.push(message)
  const log = { debug: write, info: write, warn: write, error: write }
  const progress = (percent: number) => void percents.push(percent)
  return { payload: null, attempt: 1, signal: new AbortController().signal, log, progress, lines, percents, ...given }
}

describe('the demo handlers', () => {
  it('hello greets', async () => {
    assert.deepEqual(await hello(context({ payload: { name: 'Ada' } })), { greeting: 'Hello, Ada!' })
    assert.deepEqual(await hello(context()), { greeting: 'Hello, world!' })
  })

  it('report is the same for the same day', async () => {
    const ctx = context({ payload: { day: 1 } })
    const [first, second] = await Promise.all([report(ctx), report(context({ payload: { day: 1 } }))])
    assert.deepEqual(first, second)
    assert.equal(first.day, 1)
    assert.ok(ctx.lines.length >= 5)
    assert.deepEqual(ctx.percents, [20, 40, 60, 80])
  })

  it('flaky fails twice', async () => {
    for (const attempt of [1, 2]) await assert.rejects(flaky(context({ attempt })), /attempt \d failed/)
    assert.deepEqual(await flaky(context({ attempt: 3 })), { succeededAtAttempt: 3 })
  })

  it('slow takes the time it is given, and stops when it is cancelled', async () => {
    assert.deepEqual(await slow(context({ payload: { ms: 5 } })), { sleptMs: 5 })
    const cancel = new AbortController()
    const cancelled = slow(context({ signal: cancel.signal }))
    cancel.abort()
    await assert.rejects(cancelled, { name: 'AbortError' })
    await assert.rejects(slow(context({ payload: { ms: 'x' } })), TypeError)
  })
})
