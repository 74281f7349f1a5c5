import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestLog, FakeClock } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { FakePresence } from '../testing/test-coordinator.ts'
import { OpenWork } from './open-work.ts'
import { ReadQueues } from './read-queues.ts'
import { ReadStats } from './read-stats.ts'
import { SampleGauges } from './sample-gauges.ts'

test('what runs is measured, and a version of a service is marked when it came; another coordinator that goes on marks nothing again', async (t) => {
  const store = await openStore('sqlite::memory:')
  t.after(() => store.close())
  const clock = new FakeClock()
  const presence = new FakePresence()
  presence.alive.set('work', ['one'])
  const openWork = new OpenWork({ store, clock })
  const readQueues = new ReadQueues({ openWork, store, jobs: { find: async () => [] }, presence })
  const newSampler = () => new SampleGauges({ openWork, readQueues, presence, store, shares: () => [0], clock, log: createTestLog().log })
  const come = (version: string) =>
    presence.versionsThere.splice(0, 1, { service: 'shop', version, since: clock.now() - 1_000, handlers: ['work'] })
  const first = newSampler()
  come('1.0.0')
  await first.sample()
  come('1.1.0')
  await first.sample()
  await first.sample()
  await newSampler().sample()
  const { marks, points } = await new ReadStats({ store, clock }).overview('default', { range: '1h', zone: 'UTC' })
  assert.deepEqual(
    marks.flatMap(({ kind, items }) => items.map(({ service, version, handlers }) => [kind, service, version, handlers])),
    [
      ['version', 'shop', '1.0.0', ['work']],
      ['version', 'shop', '1.1.0', ['work']],
    ],
  )
  assert.deepEqual(points.at(-1)?.gauges?.instances, { last: 1, max: 1 })
})
