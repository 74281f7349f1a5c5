import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { eventually } from '@carillon/runtime/testing'
import { linesMessage, RUN, startTestLogger, withInsert } from '../testing/test-logger.ts'

describe('lines', { concurrency: true }, () => {
  it('come in and go out, by level, text, task, order and page', async (t) => {
    const logger = await startTestLogger(t)
    logger.publish(linesMessage(1, 40))
    logger.publish(linesMessage(41, 60, { dropped: 3 }))
    logger.publish({ ...linesMessage(1, 1), taskId: `${RUN}-1`, lines: [{ seq: 1, at: 'never', level: 'loud', message: 'of a task' }] })
    await eventually('all lines', async () => (await logger.query()).items.length === 62)

    const [first] = (await logger.query({ limit: 1 })).items
    assert.deepEqual(
      { ...first, at: '' },
      { runId: RUN, taskId: RUN, attempt: 1, seq: 1, instance: 'i1', at: '', level: 'info', message: 'line 1' },
    )
    assert.deepEqual(await logger.texts({ level: 'warn' }), ["3 lines were dropped: the executor's buffer was full"])
    assert.deepEqual(await logger.texts({ text: 'line 6' }), ['line 6', 'line 60'])
    assert.deepEqual(await logger.texts({ taskId: `${RUN}-1` }), ['of a task'])
    const around = (await logger.texts({ order: 'oldest' })).slice(39, 42)
    assert.deepEqual(around, ['line 40', "3 lines were dropped: the executor's buffer was full", 'line 41'])
    assert.deepEqual(await logger.texts({ order: 'newest', limit: 2 }), ['of a task', 'line 60'])

    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await logger.query({ limit: 7, text: '', ...(cursor ? { cursor } : {}) })
      seen.push(...page.items.map(({ message }) => message))
      cursor = page.next
    } while (cursor)
    assert.deepEqual(seen, await logger.texts())
    assert.deepEqual(await logger.texts({ runId: 'runnobodyknowsof' }), [])
    await assert.rejects(logger.query({ cursor: 'nonsense' }), { code: 'INVALID_REQUEST' })
    await assert.rejects(logger.query({ runId: 'x' }), { code: 'INVALID_REQUEST' })
  })

  it('that come again change nothing', async (t) => {
    const logger = await startTestLogger(t)
    for (let i = 0; i < 3; i++) logger.publish(linesMessage(1, 10, { dropped: 2 }))
    logger.publish(linesMessage(11, 11))
    await eventually('the last line', async () => (await logger.texts()).includes('line 11'))
    assert.equal((await logger.query()).items.length, 12)
  })

  it('that are garbage are rejected, the others are kept', async (t) => {
    const logger = await startTestLogger(t)
    logger.publish(linesMessage(1, 1))
    const deep = '['.repeat(10_000)
    for (const body of [
      '{not json',
      '',
      '[]',
      deep,
      linesMessage(2, 2, { runId: 'runofsomebodyelse' }),
      linesMessage(2, 2, { attempt: 0 }),
    ])
      logger.publish(body)
    logger.broker.connection.publish(`carillon.a=b.log.${RUN}`, JSON.stringify(linesMessage(2, 2)))
    logger.publish(linesMessage(3, 3))
    await eventually('both lines', async () => (await logger.query()).items.length === 2)
    await eventually('the rest rejected', () => logger.rejected.length >= 7)
    const codes = logger.rejected.map(({ code }) => code).sort()
    assert.deepEqual(codes, ['INVALID_JSON', 'INVALID_NAME', ...Array(4).fill('INVALID_REQUEST'), 'JSON_TOO_DEEP'])
    assert.deepEqual(await logger.texts(), ['line 1', 'line 3'])
    await eventually('an empty stream', async () => {
      const { num_pending, num_ack_pending } = await logger.broker.manager.consumers.info('LOGS', 'loggers')
      return num_pending + num_ack_pending === 0
    })
  })

  it('wait for a store that is away; what is garbage is rejected once all the same', async (t) => {
    let isAway = true
    let refusals = 0
    const logger = await startTestLogger(t, {}, (store) =>
      withInsert(store, async (lines) => {
        if (isAway && ++refusals) throw new CarillonError('STORE_UNAVAILABLE', 'the store does not answer')
        await store.logs.insert(lines)
      }),
    )
    for (const body of ['{not json', linesMessage(1, 5), { strange: true }]) logger.publish(body)
    await eventually('a refusal', () => refusals > 0)
    isAway = false
    await eventually('the lines', async () => (await logger.query()).items.length === 5)
    await eventually('rejected', () => logger.rejected.length === 2)
    assert.deepEqual(logger.rejected.map(({ code }) => code).sort(), ['INVALID_JSON', 'INVALID_NAME'])
  })

  it('that the store cannot keep are rejected, their neighbours are kept', async (t) => {
    const logger = await startTestLogger(t, {}, (store) =>
      withInsert(store, async (lines) => {
        if (lines.some(({ seq }) => seq === 2)) throw new CarillonError('INTERNAL', 'a line that this store cannot keep')
        await store.logs.insert(lines)
      }),
    )
    for (const seq of [1, 2, 3]) logger.publish(linesMessage(seq, seq))
    await eventually('the neighbours', async () => (await logger.query()).items.length === 2)
    await eventually('rejected', () => logger.rejected.length === 1)
    assert.match(String(logger.rejected[0]?.['message']), /cannot keep/)
  })

  it('cost no other line of their message where the store cannot keep one', async (t) => {
    const logger = await startTestLogger(t, {}, (store) =>
      withInsert(store, async (lines) => {
        if (lines.some(({ message }) => message === 'line 60')) throw new CarillonError('INTERNAL', 'not this one')
        await store.logs.insert(lines)
      }),
    )
    logger.publish(linesMessage(1, 100))
    const kept = await eventually('all lines', async () => {
      const texts = await logger.texts({ limit: 200 })
      return texts.length === 100 ? texts : undefined
    })
    assert.deepEqual(kept.slice(58, 61), ['line 59', '1 line was dropped: not this one', 'line 61'])
    assert.equal(logger.rejected.length, 0)
  })

  it('too many for one message are a shorter page that leads on', async (t) => {
    const logger = await startTestLogger(t)
    const wide = 'ä'.repeat(8_000)
    for (let i = 0; i < 3; i++) {
      const { lines, ...message } = linesMessage(1 + 40 * i, 40 + 40 * i)
      logger.publish({ ...message, lines: lines.map((line) => ({ ...line, message: wide })) })
    }
    const counts: number[] = []
    await eventually('all lines', async () => (await logger.query({ order: 'newest', limit: 1 })).items[0]?.seq === 120)
    let cursor: string | undefined
    do {
      const page = await logger.query({ limit: 1_000, ...(cursor ? { cursor } : {}) })
      counts.push(page.items.length)
      cursor = page.next
    } while (cursor)
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      120,
    )
    assert.ok(counts.length >= 2 && counts.every((count) => count <= 62), String(counts))
  })
})
