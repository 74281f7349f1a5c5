import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestLog, FakeClock } from '@carillon/runtime/testing'
import { aRun } from '@carillon/store/testing'
import { FakeBroker } from '../testing/fake-broker.ts'
import { Announcer } from './announce.ts'

const ENDED_AT = Date.parse('2026-11-28T10:00:00Z')

const ended = (i: number) =>
  aRun(i, { state: 'succeeded', reason: 'completed', result: String(i), queuedAt: null, endedAt: ENDED_AT, owner: 'i-1' })
const RUNS = [1, 2, 3, 4, 5].map(ended)

function announcer(now = ENDED_AT) {
  const fake = new FakeBroker()
  const { log, lines } = createTestLog()
  const counted: string[] = []
  return {
    fake,
    lines,
    counted,
    announcer: new Announcer({
      broker: fake.broker,
      publisher: fake.publisher,
      publishedEnds: { count: (runs) => void counted.push(...runs.map(({ id }) => id)) },
      clock: new FakeClock(now),
      log,
    }),
  }
}
const announced = (fake: FakeBroker) => fake.publishedTo('event.run').map(({ runId }) => runId)

test('each event is confirmed by itself: one in the middle that was lost is published again', async () => {
  const { fake, announcer: one } = announcer()
  let losses = 0
  fake.refusal = ({ subject }) => (subject.includes(RUNS[2]?.id ?? '') && losses++ === 0 ? { message: 'no answer' } : undefined)
  await one.runsEnded(RUNS)
  assert.deepEqual(announced(fake).sort(), RUNS.map(({ id }) => id).sort())
  const repeated = fake.publishedTo('event.run').filter(({ repeated }) => repeated)
  assert.deepEqual(
    repeated.map(({ runId }) => runId),
    [RUNS[2]?.id],
    'its event says that it may have been published before',
  )
})

test('an end that this coordinator publishes late may have been published by another one: its event says so, and it is not counted at once', async () => {
  for (const [lateMs, isRepeated] of [
    [4_999, undefined],
    [5_001, true],
  ] as const) {
    const { fake, announcer: one, counted } = announcer(ENDED_AT + lateMs)
    await one.runsEnded(RUNS)
    assert.deepEqual(
      fake.publishedTo('event.run').map(({ repeated }) => repeated),
      RUNS.map(() => isRepeated),
    )
    assert.equal(counted.length, isRepeated ? 0 : RUNS.length)
  }
})

test('one that was stored, and whose confirmation was lost, is not published twice', async () => {
  const { fake, announcer: one } = announcer()
  const stored = RUNS[1] as (typeof RUNS)[0]
  await one.runsEnded([stored])
  fake.refusal = ({ subject }) => (subject.includes(stored.id) ? { message: 'no answer' } : undefined)
  await one.runsEnded(RUNS)
  assert.deepEqual(announced(fake).filter((id) => id === stored.id).length, 1)
})

test('what is refused, or not confirmed again, is an error', async () => {
  const { fake, announcer: one } = announcer()
  fake.refusal = ({ subject }) => (subject.includes(RUNS[0]?.id ?? '') ? { code: 503, message: 'no stream' } : undefined)
  await assert.rejects(one.runsEnded(RUNS), { code: 'NATS_UNAVAILABLE', message: /no stream/ })
  fake.refusal = ({ subject }) => (subject.includes('run.run') ? { message: 'no answer' } : undefined)
  await assert.rejects(one.runsEnded([ended(7)]), { code: 'NATS_UNAVAILABLE', message: /did not confirm/ })
})

test('an end whose event cannot be written costs no other', async () => {
  const { fake, lines, announcer: one } = announcer()
  const odd = { ...ended(9), endedAt: Number.NaN }
  await one.runsEnded([ended(1), odd, ended(2)])
  assert.equal(announced(fake).length, 2)
  assert.ok(lines.some(({ evt }) => evt === 'event.unwritable'))
})

test('a change of a job is published again until it is confirmed', async () => {
  const { fake, announcer: one } = announcer()
  let losses = 0
  fake.refusal = () => (losses++ < 2 ? { message: 'no answer' } : undefined)
  one.changed('job', { namespace: 'default', name: 'report', what: 'put', body: { name: 'report' } })
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve))
  const [event, ...others] = fake.published
  assert.deepEqual([event?.subject, others.length], ['carillon.default.event.job.report.put', 0])
  assert.ok(event?.messageId)
})
