import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { aLine, aRun, runId, START_AT } from '@carillon/store/testing'
import { startTestLogger } from '../testing/test-logger.ts'

const at = (n: number) => new Date(START_AT + n).toISOString()

describe('lines of all runs', { concurrency: true }, () => {
  it('are found newest first, by level, text, instance and time, and no other namespace has them', async (t) => {
    const logger = await startTestLogger(t)
    await logger.store.logs.insert([
      aLine('run-1', 1, { at: START_AT + 1, level: 'error', message: 'Paid 100% (a.c)' }),
      aLine('run-2', 1, { at: START_AT + 2, level: 'info', message: 'paid', instance: 'i-9' }),
      aLine('run-1', 2, { at: START_AT + 3, level: 'warn', message: 'x', fields: '{"to":"Ada"}' }),
      aLine('run-3', 1, { at: START_AT + 4, level: 'error', message: 'secret', namespace: 'other' }),
    ])
    const found = async (input: object) => (await logger.call('logsSearch', input)).items.map(({ message }) => message)
    assert.deepEqual(await found({}), ['x', 'paid', 'Paid 100% (a.c)'])
    assert.deepEqual(await found({ level: 'warn' }), ['x', 'Paid 100% (a.c)'])
    assert.deepEqual(await found({ text: '(a.c)' }), ['Paid 100% (a.c)'])
    assert.deepEqual(await found({ text: '"Ada"' }), ['x'])
    assert.deepEqual(await found({ text: '.' }), ['Paid 100% (a.c)'])
    assert.deepEqual(await found({ instance: 'i-9' }), ['paid'])
    assert.deepEqual(await found({ since: at(2), until: at(3) }), ['paid'])
    assert.deepEqual((await logger.call('logsSearch', { since: at(2) })).applied, { since: at(2) })
  })

  it('come by run when a job is named, page by page', async (t) => {
    const logger = await startTestLogger(t)
    await logger.store.runs.insert([
      aRun(1, { job: 'report' }),
      aRun(2, { job: 'other' }),
      aRun(3, { job: 'report', state: 'failed', queuedAt: null, endedAt: START_AT + 5 }),
      aRun(4, { job: 'report' }),
    ])
    const lines = [1, 2, 3, 4].flatMap((n) =>
      [1, 2, 3].map((seq) => aLine(runId(n), seq, { at: START_AT + 10 * n + seq, message: `${n}.${seq}` })),
    )
    await logger.store.logs.insert(lines)
    const expected = ['4.3', '4.2', '4.1', '3.3', '3.2', '3.1', '1.3', '1.2', '1.1']
    for (const limit of [1, 2, 100]) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await logger.call('logsSearch', { job: 'report', limit, ...(cursor ? { cursor } : {}) })
        seen.push(...page.items.map(({ message }) => message))
        assert.equal(page.searchedBackTo === undefined, page.next === undefined)
        cursor = page.next
      } while (cursor)
      assert.deepEqual(seen, expected)
    }
    const since = (await logger.call('logsSearch', { job: 'report', since: at(12) })).items.map(({ message }) => message)
    assert.deepEqual(since, ['4.3', '4.2', '4.1', '1.3', '1.2'], 'a run that had ended before is passed over')
    assert.deepEqual((await logger.call('logsSearch', { job: 'nothing' })).items, [])
  })

  it('are found with the cursor of the same filters alone; wrong filters are refused', async (t) => {
    const logger = await startTestLogger(t)
    await logger.store.logs.insert([1, 2, 3].map((seq) => aLine('run-1', seq)))
    const { next } = await logger.call('logsSearch', { limit: 1 })
    assert.equal((await logger.call('logsSearch', { limit: 2, cursor: next })).items.length, 2)
    const refused = (input: object) => assert.rejects(logger.call('logsSearch', input), { code: 'INVALID_REQUEST' })
    await refused({ text: 'x', cursor: next })
    await refused({ job: 'report', cursor: next })
    await refused({ cursor: 'nonsense' })
    await refused({ text: '' })
    await refused({ level: 'loud' })
    await refused({ runId: 'run-1' })
  })

  it('that are searched for with a hostile text cost no more than others', async (t) => {
    const logger = await startTestLogger(t)
    await logger.store.logs.insert(Array.from({ length: 5_000 }, (_, n) => aLine('run-1', n + 1, { message: `${'a'.repeat(500)}!` })))
    const began = performance.now()
    assert.deepEqual((await logger.call('logsSearch', { text: '(a+)+$' })).items, [])
    assert.ok(performance.now() - began < 1_500)
  })
})
