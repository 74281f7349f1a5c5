import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { endedEventText } from '../runs/rules/views.ts'
import { PublishedEnds } from './published-ends.ts'
import { endedEvents } from './read-ends.ts'

let broker: TestBroker
before(async () => {
  broker = await startTestBroker(['EVENTS'])
})
after(() => broker.stop())

const ended = (n: number, fields: Partial<RunRecord> = {}) =>
  aRun(n, { id: `run-${n}`, state: 'succeeded', reason: 'completed', createdAt: 1_000, startedAt: 1_500, endedAt: 2_000 + n, ...fields })

/** Publishes terminal events as the announcer does; what is kept knows those with `isKept`. */
async function publish(runs: readonly RunRecord[], kept?: PublishedEnds): Promise<void> {
  const messages = runs.map((run) => ({ subject: subjects.event(run.namespace, 'run', run.id, run.state), body: endedEventText(run) }))
  const sequences = await new Promise<readonly (number | undefined)[]>((resolve) =>
    broker.publisher.publishAll(messages, (_, given) => resolve(given)),
  )
  kept?.keep(runs, sequences)
}

const counting = () => new PublishedEnds({ isCounting: () => true })
const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => ended(from + i))

async function all(published: PublishedEnds, first: number) {
  const events = endedEvents(broker.broker, published)
  const { last } = await events.state()
  const read: { runId: string; sequence: number }[] = []
  const pages: number[] = []
  for (let after = first; after < last; ) {
    const page = await events.page({ after, last })
    read.push(...page.ends)
    pages.push(page.ends.length)
    after = page.upTo
  }
  return { read, pages }
}

test('what was published here is counted as what is read from the stream, and the gaps between are read', async () => {
  const { last } = await endedEvents(broker.broker, counting()).state()
  const published = counting()
  await publish(many(0, 100), published)
  await publish(many(100, 30))
  await publish(many(130, 10), published)
  await publish(many(140, 1))
  await publish(
    [...many(141, 99), ended(240, { state: 'failed', reason: 'handler-error', error: { name: 'Error', message: 'no' } })],
    published,
  )
  const withMemory = await all(published, last)
  const fromStream = await all(counting(), last)
  assert.deepEqual(withMemory.read, fromStream.read)
  assert.equal(withMemory.read.length, 241)
  // A stretch of ten is read with its neighbours.
  assert.deepEqual(withMemory.pages, [100, 41, 100])
})

test('the first sequence may lie within what is known, and what was counted is forgotten', async () => {
  const { last } = await endedEvents(broker.broker, counting()).state()
  const published = counting()
  await publish(many(0, 300), published)
  const events = endedEvents(broker.broker, published)
  const page = await events.page({ after: last + 100, last: last + 300 })
  assert.deepEqual([page.ends.length, page.ends[0]?.runId, page.upTo, page.moreAt], [200, 'run-100', last + 300, undefined])
  published.from(last + 301)
  assert.equal(published.from(last + 1).ends.length, 0)
})

test('a stream that has other messages in that place is read', async () => {
  const { last } = await endedEvents(broker.broker, counting()).state()
  const published = counting()
  published.keep(
    many(1_000, 100),
    Array.from({ length: 100 }, (_, i) => last + 1 + i),
  )
  await publish(many(0, 100))
  const { read } = await all(published, last)
  assert.deepEqual(
    read.map(({ runId }) => runId),
    many(0, 100).map(({ id }) => id),
  )
})

test('sequences that go back, and a coordinator that does not count: nothing is kept', () => {
  const state = { isCounting: true }
  const published = new PublishedEnds({ isCounting: () => state.isCounting })
  const sequences = (from: number) => Array.from({ length: 100 }, (_, i) => from + i)
  published.keep(many(0, 100), sequences(1_000))
  published.keep(many(100, 100), sequences(1))
  assert.deepEqual([published.from(1).ends.length, published.from(1_000).ends.length], [100, 0])
  published.keep(many(200, 100), sequences(101))
  state.isCounting = false
  published.keep(many(300, 1), [201])
  state.isCounting = true
  assert.equal(published.from(101).ends.length, 0)
})

test('an end without a sequence, or with a long message, is a gap', () => {
  const published = counting()
  const long = ended(64, { state: 'failed', reason: 'handler-error', error: { name: 'Error', message: 'x'.repeat(1_001) } })
  published.keep(
    [...many(0, 64), long, ...many(65, 64), ended(129)],
    Array.from({ length: 130 }, (_, i) => (i === 129 ? undefined : i + 1)),
  )
  assert.deepEqual([published.from(1).ends.length, published.from(65).next, published.from(66).ends.length], [64, 66, 64])
})

test('no more ends are kept than fit: the oldest are read from the stream', () => {
  const published = counting()
  for (let from = 1; from < 150_000; from += 10_000)
    published.keep(
      many(from, 10_000),
      Array.from({ length: 10_000 }, (_, i) => from + i),
    )
  const { ends, next } = published.from(1)
  assert.deepEqual([ends.length, next], [0, 50_001])
  assert.equal(published.from(140_001).ends[0]?.runId, 'run-140001')
})

test('with half of what fits in memory the listener is called once, and again only after what was counted is gone', () => {
  const published = counting()
  let calls = 0
  const keep = (from: number, count: number) =>
    published.keep(
      many(from, count),
      Array.from({ length: count }, (_, i) => from + i),
    )
  published.onMany(() => calls++)
  keep(1, 49_999)
  assert.equal(calls, 0)
  keep(50_000, 1)
  keep(50_001, 1)
  assert.equal(calls, 1, 'once')
  published.onMany(() => calls++)
  assert.equal(calls, 2, 'at once where there are as many already')
  published.from(50_001)
  published.onMany(() => calls++)
  keep(50_002, 1)
  assert.equal(calls, 2, 'what was counted is not kept')
})
