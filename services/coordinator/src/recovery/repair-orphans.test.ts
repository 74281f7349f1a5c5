import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { eventually, FakeClock, startTestBroker } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { WorkPublisher } from '../dispatch/publish-work.ts'
import { WorkStream } from '../dispatch/work-stream.ts'
import { RepairQueue } from './repair-queue.ts'

test('what a dead coordinator has just queued is published at once, as it would have done it; a second time it is dropped', async (context) => {
  const [{ broker, publisher, log, stop }, store] = [
    await startTestBroker(['WORK', 'REPORTS', 'EVENTS']),
    await openStore('sqlite::memory:'),
  ]
  context.after(() => Promise.all([store.close(), stop()]))
  const clock = new FakeClock()
  const span = { from: 0, before: clock.now() }
  const repair = async (orphaned: { isOrphaned?: true }) => {
    const stream = new WorkStream(broker)
    const work = new WorkPublisher({ store, stream, publisher, clock, log })
    const queue = new RepairQueue({ store, broker, work, storedWork: stream, clock, log })
    await queue.span({ ...span, ...orphaned }, new AbortController().signal)
    // The stream takes messages of one connection in order.
    await publisher.send({ subject: subjects.work('default', 'barrier', `barrier${published++}`), body: '{}' })
  }
  let published = 0
  const orphan = aRun(1, { queuedAt: clock.now() - 100 })
  await store.runs.insert([orphan])
  const subject = subjects.work('default', 'hello', orphan.id)
  const message = () => broker.manager.streams.getMessage('WORK', { last_by_subj: subject })

  await repair({})
  assert.equal(await message(), null, 'its writer may be about to publish it')
  await repair({ isOrphaned: true })
  await eventually('it is there', async () => (await message()) !== null)
  // An executor is done with it, and its report is on its way.
  await broker.manager.streams.purge('WORK', { filter: subject })
  await repair({ isOrphaned: true })
  assert.equal(await message(), null)
})
