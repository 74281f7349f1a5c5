import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { endedEventText } from '../runs/rules/views.ts'
import { PublishedEnds } from './published-ends.ts'
import { endedEvents } from './read-ends.ts'
import { type EndsOfPlace, groupEnds } from './rules/group-ends.ts'
import { addValues, emptyTally, type Tally } from './rules/rollup.ts'

let broker: TestBroker
before(async () => {
  broker = await startTestBroker(['EVENTS'])
})
after(() => broker.stop())

const ended = (n: number, fields: Partial<RunRecord> = {}) =>
  aRun(n, { id: `run-${n}`, state: 'succeeded', reason: 'completed', createdAt: 1_000, startedAt: 1_500, endedAt: 2_000 + n, ...fields })

/** Publishes terminal events as the announcer does; `kept` counts them. */
async function publish(runs: readonly RunRecord[], kept?: PublishedEnds, options: { isRepeated?: boolean } = {}): Promise<void> {
  const messages = runs.map((run) => ({
    subject: subjects.event(run.namespace, 'run', run.id, run.state),
    body: endedEventText(run, options),
  }))
  const sequences = await new Promise<readonly (number | undefined)[]>((resolve) =>
    broker.publisher.publishAll(messages, (_, given) => resolve(given)),
  )
  kept?.count(runs, sequences)
}

const counting = () => new PublishedEnds({ isCounting: () => true })
const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => ended(from + i))

/** What `after` and the following pages have, as documents. */
async function all(published: PublishedEnds, first: number) {
  const events = endedEvents(broker.broker, published)
  const { last } = await events.state()
  const groups: EndsOfPlace[] = []
  const pages: string[] = []
  for (let after = first; after < last; ) {
    const { ends, counts, upTo } = await events.page({ after, last })
    groups.push(...(counts?.groups() ?? groupEnds(ends)))
    pages.push(`${upTo - after} ${counts ? 'counted' : 'read'}`)
    after = upTo
  }
  const documents = new Map<string, Tally>()
  for (const { place, tally } of groups) {
    const document = documents.get(place.id) ?? emptyTally()
    documents.set(place.id, document)
    addValues(document, tally)
  }
  return { documents, pages }
}

test('what was counted as it was published is the same as what is read from the stream, and the gaps between are read', async () => {
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
  const counted = await all(published, last)
  const read = await all(counting(), last)
  assert.deepEqual(counted.documents, read.documents)
  assert.ok(counted.documents.size >= 8)
  // A stretch of ten is read with its neighbours.
  assert.deepEqual(counted.pages, ['100 counted', '41 read', '100 counted'])
  assert.deepEqual(read.pages, ['241 read'])
})

test('a stretch goes on until it is read, then another one begins', async () => {
  const { last } = await endedEvents(broker.broker, counting()).state()
  const published = counting()
  await publish(many(0, 100), published)
  await publish(many(100, 100), published)
  assert.deepEqual((await all(published, last)).pages, ['200 counted'])
  await publish(many(200, 100), published)
  assert.deepEqual((await all(published, last)).pages, ['200 counted', '100 counted'])
  assert.deepEqual((await all(published, last + 200)).pages, ['100 counted'])
})

test('the first sequence may lie within a stretch: that is read, and what was counted before is forgotten', async () => {
  const { last } = await endedEvents(broker.broker, counting()).state()
  const published = counting()
  await publish(many(0, 300), published)
  assert.deepEqual((await all(published, last + 100)).pages, ['200 read'])
  assert.deepEqual((await all(published, last)).pages, ['300 read'])
})

test('a stream that has other messages in that place is read', async () => {
  const { last } = await endedEvents(broker.broker, counting()).state()
  const published = counting()
  published.count(
    many(1_000, 100),
    Array.from({ length: 100 }, (_, i) => last + 1 + i),
  )
  await publish(many(0, 100))
  assert.deepEqual((await all(published, last)).pages, ['100 read'])
})

test('sequences that go back, and a coordinator that does not count: nothing is kept', () => {
  const state = { isCounting: true }
  const published = new PublishedEnds({ isCounting: () => state.isCounting })
  const sequences = (from: number) => Array.from({ length: 100 }, (_, i) => from + i)
  published.count(many(0, 100), sequences(1_000))
  published.count(many(100, 100), sequences(1))
  assert.deepEqual(published.from(1_000), { stretch: undefined, next: Number.POSITIVE_INFINITY })
  published.count(many(0, 100), sequences(1_000))
  published.count(many(100, 100), sequences(1))
  assert.equal(published.from(1).stretch?.last.runId, 'run-199')
  published.count(many(200, 100), sequences(101))
  state.isCounting = false
  published.count(many(300, 1), [201])
  state.isCounting = true
  assert.equal(published.from(101).stretch, undefined)
})

test('an end without a sequence, or with a long message, is a gap', () => {
  const published = counting()
  const long = ended(64, { state: 'failed', reason: 'handler-error', error: { name: 'Error', message: 'x'.repeat(1_001) } })
  published.count(
    [...many(0, 64), long, ...many(65, 64), ended(129)],
    Array.from({ length: 130 }, (_, i) => (i === 129 ? undefined : i + 1)),
  )
  assert.deepEqual(
    [published.from(1).stretch?.last.sequence, published.from(65).next, published.from(66).stretch?.last.sequence],
    [64, 66, 129],
  )
})

test('of more minutes of jobs than fit the oldest are read from the stream', () => {
  const published = counting()
  const ofJobs = (from: number) => Array.from({ length: 8_000 }, (_, i) => ended(from + i, { job: `job-${i}` }))
  // A gap between each of them.
  for (let i = 0; i < 3; i++)
    published.count(
      ofJobs(i * 8_001),
      Array.from({ length: 8_000 }, (_, n) => 1 + i * 8_001 + n),
    )
  assert.deepEqual(published.from(1), { stretch: undefined, next: 8_002 })
})

test('an end that may have been published before is not counted where the stream has it with a smaller sequence', async () => {
  const events = endedEvents(broker.broker, counting())
  const { last } = await events.state()
  const [run, other] = [ended(5_000), ended(5_001)]
  await publish([run])
  await publish([{ ...run, attempt: 2 }], undefined, { isRepeated: true })
  await publish([run, other], undefined, { isRepeated: true })
  const { ends } = await events.wholePage({ after: last, last: last + 4 })
  assert.deepEqual(
    ends.map(({ isRepeated }) => isRepeated),
    [undefined, true, true, true],
  )
  assert.deepEqual(await Promise.all(ends.map((end) => events.isSecond(end))), [false, false, true, false])
})
