import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { STREAMS } from '@carillon/contracts'
import { createTestLog, FakeClock, startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { CountEnds } from './count-ends.ts'
import { PublishedEnds } from './published-ends.ts'
import { endedEvents } from './read-ends.ts'

let broker: TestBroker
before(async () => {
  broker = await startTestBroker(['EVENTS'])
})
after(() => broker.stop())

const end = (n: number, fields: object = {}) =>
  JSON.stringify({
    runId: `run-${n}`,
    handler: 'work',
    state: 'succeeded',
    reason: 'completed',
    attempt: 1,
    at: '2026-11-28T05:00:00.000Z',
    ...fields,
  })

async function publish(subject: string, body: string): Promise<void> {
  const refusal = await broker.publisher.send({ subject, body })
  assert.equal(refusal, undefined)
}

test('ends are read in order and by pages; other events, and what is no end, have sequences and are passed over', async () => {
  const events = endedEvents(broker.broker, new PublishedEnds({ isCounting: () => true }))
  const empty = await events.state()
  assert.deepEqual([empty.last, await events.page({ after: 0, last: 0 })], [0, { ends: [], changes: [], upTo: 0, moreAt: undefined }])
  await publish('carillon.default.event.job.report.changed', '{}')
  await publish('carillon.default.event.run.run-1.succeeded', end(1, { job: 'report', ranMs: 12, waitedMs: 3, lateMs: 1, retries: 2 }))
  await publish('carillon.default.event.run.run-2.succeeded', 'no JSON')
  await publish('carillon.other.event.run.run-3.failed', end(3, { state: 'failed', reason: 'handler-error', failure: { message: 'no' } }))
  await publish('carillon.default.event.run.run-4.whatever', end(4, { state: 'whatever' }))
  await publish('carillon.default.event.job.report.finished', '{}')
  await publish(
    'carillon.default.event.job.report.paused',
    JSON.stringify({ revision: 7, by: 'ops', updatedAt: '2026-11-28T05:00:00.000Z' }),
  )
  await publish('carillon.default.event.job.report.removed', '{"name":"report"}')
  const { stream, last } = await events.state()
  assert.equal(last, 8)
  assert.ok(Math.abs(stream - Date.now()) < 60_000)
  const { ends, changes, ...rest } = await events.page({ after: 0, last })
  assert.deepEqual(rest, { upTo: 8, moreAt: undefined })
  const at = Date.parse('2026-11-28T05:00:00.000Z')
  assert.deepEqual(changes[0], {
    namespace: 'default',
    job: 'report',
    change: { at, kind: 'paused', job: 'report', revision: 7, by: 'ops' },
  })
  assert.deepEqual([changes.length, changes[1]?.change.kind], [2, 'removed'])
  assert.ok(Math.abs((changes[1]?.change.at ?? 0) - Date.now()) < 60_000)
  const common = { handler: 'work', attempt: 1, at }
  const nothing = { waitedMs: undefined, ranMs: undefined, lateMs: undefined, retries: 0 }
  assert.deepEqual(ends, [
    {
      sequence: 2,
      namespace: 'default',
      runId: 'run-1',
      job: 'report',
      state: 'succeeded',
      reason: 'completed',
      ...common,
      waitedMs: 3,
      ranMs: 12,
      lateMs: 1,
      retries: 2,
      failure: undefined,
    },
    {
      sequence: 4,
      namespace: 'other',
      runId: 'run-3',
      job: null,
      state: 'failed',
      reason: 'handler-error',
      ...common,
      ...nothing,
      failure: { name: 'Error', message: 'no' },
    },
  ])
  assert.deepEqual(
    (await events.page({ after: 2, last })).ends.map(({ runId }) => runId),
    ['run-3'],
  )
  assert.deepEqual(await events.page({ after: 8, last }), { ends: [], changes: [], upTo: 8, moreAt: undefined })
})

test('more than one page: nothing is missing between them, and no consumer is left', async () => {
  const events = endedEvents(broker.broker, new PublishedEnds({ isCounting: () => true }))
  const { last: before } = await events.state()
  const messages = Array.from({ length: 4_500 }, (_, n) => ({ subject: `carillon.default.event.run.many-${n}.succeeded`, body: end(n) }))
  await new Promise((resolve) => broker.publisher.publishAll(messages, resolve))
  const { last } = await events.state()
  const read: number[] = []
  let upTo = before
  let pages = 0
  while (upTo < last) {
    const page = await events.page({ after: upTo, last })
    read.push(...page.ends.map(({ sequence }) => sequence))
    assert.equal(page.moreAt === undefined, page.upTo === last)
    upTo = page.upTo
    pages++
  }
  assert.deepEqual(
    read,
    Array.from({ length: 4_500 }, (_, n) => before + 1 + n),
  )
  assert.equal(pages, 3)
  assert.equal((await broker.broker.manager.streams.info('EVENTS')).state.consumer_count, 0)
})

test('a stream that was deleted and made again: what ended meanwhile is counted from the runs, what follows from its events', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const { manager } = broker.broker
  const clock = new FakeClock(Date.parse('2026-11-28T05:00:10.000Z'))
  const events = endedEvents(broker.broker, new PublishedEnds({ isCounting: () => true }))
  const counter = new CountEnds({ events, store, shares: () => [0], clock, log: createTestLog().log })
  const ended = async () => {
    await counter.round(new AbortController().signal)
    const [day] = await store.stats.series({ namespace: 'shop', scope: '*', level: 'day', from: 0, before: clock.now() })
    return day?.ended ?? 0
  }
  const live = async (n: number, isPublished: boolean) => {
    const endedAt = clock.now()
    await store.runs.insert([
      aRun(n, {
        id: `run-${n}`,
        namespace: 'shop',
        state: 'succeeded',
        reason: 'completed',
        endedAt,
        createdAt: endedAt - 1,
        queuedAt: null,
      }),
    ])
    const at = new Date(endedAt).toISOString()
    if (isPublished) await publish(`carillon.shop.event.run.run-${n}.succeeded`, end(n, { at }))
  }
  await live(1, true)
  assert.equal(await ended(), 1)
  await live(2, true)
  const { config } = await manager.streams.info(STREAMS.EVENTS.name)
  await manager.streams.delete(STREAMS.EVENTS.name)
  await live(3, false)
  await manager.streams.add(config)
  await live(4, true)
  assert.equal(await ended(), 1, 'a run that has just ended may not be stored yet')
  await clock.advance(6_000)
  await live(5, true)
  await clock.advance(60_000)
  assert.equal(await ended(), 5)
  await live(6, true)
  assert.equal(await ended(), 6)
  assert.deepEqual([await events.storedAt(0), await events.storedAt(99)], [undefined, undefined])
})
