import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { startLogger } from '../start-logger.ts'
import { BEGUN_AT, linesMessage, RUN, startTestLogger } from '../testing/test-logger.ts'

const DAY_MS = 86_400_000

describe('retention', { concurrency: true }, () => {
  it('removes what is too old, in small pages', async (t) => {
    const retentionDays = (Date.now() - BEGUN_AT - 3_000) / DAY_MS
    const logger = await startTestLogger(t, { retentionDays, trimEveryMs: 20 })
    const old = {
      namespace: 'default',
      runId: RUN,
      taskId: RUN,
      attempt: 1,
      instance: 'i1',
      level: 'info',
      message: 'old',
      fields: null,
    } as const
    await logger.store.logs.insert(Array.from({ length: 2_500 }, (_, i) => ({ ...old, seq: i + 1, at: BEGUN_AT - 1_000_000 + i })))
    await logger.store.logs.insert([{ ...old, seq: 9_999, at: Date.now(), message: 'young' }])
    await eventually('one is left', async () => (await logger.query({ limit: 10 })).items.length === 1)
    assert.deepEqual(await logger.texts(), ['young'])
    assert.equal(
      logger.broker.lines.some((line) => line['evt'] === 'logs.removed'),
      true,
    )
  })

  it('keeps the newest lines of a run that grows', async (t) => {
    const logger = await startTestLogger(t, { linesPerRun: 50, trimEveryMs: 20 })
    for (let i = 0; i < 10; i++) logger.publish(linesMessage(1 + 20 * i, 20 + 20 * i))
    await eventually('fifty are left', async () => {
      const { items } = await logger.query({ limit: 1_000 })
      return items.length === 50 && items[0]?.seq === 151 && items.at(-1)?.seq === 200
    })
  })
})

describe('the logger', { concurrency: true }, () => {
  it('answers for its health, and says which part is ill', async (t) => {
    let isFull = false
    const logger = await startTestLogger(t, { id: 'logger-1' }, (store) => ({
      ...store,
      check: async () => {
        if (isFull) throw new Error('the disk is full')
        await store.check()
      },
    }))
    const well = await logger.call('loggerHealth', {})
    assert.equal(well.id, 'logger-1')
    assert.deepEqual(
      well.checks.map(({ name, ok }) => ({ name, ok })),
      ['broker', 'streams', 'store', 'lines'].map((name) => ({ name, ok: true })),
    )
    assert.equal(well.checks[3]?.message, '0 messages wait, 0 are being stored')
    isFull = true
    const ill = await logger.call('loggerHealth', {})
    assert.deepEqual(ill.checks[2], { name: 'store', ok: false, message: 'the disk is full' })
  })

  it('goes on when the broker comes back empty', async (t) => {
    const logger = await startTestLogger(t)
    logger.publish(linesMessage(1, 1))
    await eventually('the first line', async () => (await logger.query()).items.length === 1)
    await logger.broker.server.kill()
    await logger.broker.server.restart({ wipe: true })
    await eventually('the stream', async () => (await logger.call('loggerHealth', {}).catch(() => undefined))?.checks[3]?.ok)
    logger.publish(linesMessage(2, 2))
    await eventually('the second line', async () => (await logger.texts().catch(() => [])).length === 2)
  })

  it('works beside another one, stops twice, and leaves its store open', async (t) => {
    const logger = await startTestLogger(t)
    const store = await openStore('sqlite::memory:')
    const other = await startLogger({ nats: { servers: logger.broker.server.url }, log: logger.broker.log, store })
    for (let seq = 1; seq <= 50; seq++) logger.publish(linesMessage(seq, seq))
    const stored = async (of: typeof store) =>
      (await of.logs.query({ namespace: 'default', runId: RUN, order: 'oldest', limit: 100 })).items.length
    await eventually('every line in one of the stores', async () => (await stored(store)) + (await stored(logger.store)) === 50)
    await Promise.all([other.stop(), other.stop()])
    await store.check()
    await store.close()
  })
})
