import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { subjects, workConsumer, workFilter } from '@carillon/contracts'
import { systemClock } from '@carillon/runtime'
import { eventually, startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { AckPolicy, type Consumer, JetStreamApiError, type JsMsg } from '@nats-io/jetstream'
import { RepairQueue } from '../recovery/repair-queue.ts'
import { WorkPublisher } from './publish-work.ts'
import { WorkStream } from './work-stream.ts'

const ACK_WAIT_MS = 1_000
let base: TestBroker
let store: Store
before(async () => {
  base = await startTestBroker(['WORK', 'REPORTS', 'EVENTS'])
  store = await openStore('sqlite::memory:')
})
after(async () => {
  await store.close()
  await base.stop()
})

let handlers = 0
let runs = 0

/** A handler of its own, whose queue has this many messages, all delivered to someone who is silent from then on. */
async function delivered(count: number) {
  const handler = `handler-${++handlers}`
  const { manager } = base.broker
  await manager.consumers.add('WORK', {
    durable_name: workConsumer('default', handler),
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_MS * 1_000_000,
    filter_subject: workFilter('default', handler),
    max_deliver: -1,
  })
  const all = Array.from({ length: count }, () => aRun(++runs, { handler }))
  for (const run of all) await base.publisher.send({ subject: subjectOf(run), body: JSON.stringify({ attempt: 1 }) })
  const consumer = await manager.jetstream().consumers.get('WORK', workConsumer('default', handler))
  assert.equal((await take(consumer, count)).length, count)
  return { handler, consumer, runs: all }
}

const subjectOf = (run: RunRecord) => subjects.work('default', run.handler, run.id)
const only = (run: RunRecord) => ({ run, task: run })

async function take(consumer: Consumer, count: number): Promise<JsMsg[]> {
  const messages: JsMsg[] = []
  for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) messages.push(message)
  return messages
}

test('the message of a later attempt is not removed: a run may be retried before its cancel has removed what it had', async () => {
  const run = aRun(++runs, { handler: `handler-${++handlers}`, attempt: 2 })
  const stream = new WorkStream(base.broker)
  await base.publisher.send({ subject: subjectOf(run), body: JSON.stringify({ attempt: 2 }) })
  await stream.remove(only({ ...run, attempt: 1 }))
  assert.equal((await stream.find(only(run)))?.attempt, 2)
  await stream.remove(only(run))
  assert.equal(await stream.find(only(run)), undefined)
})

test('what others were delivered comes again after a message that was delivered later is removed', async () => {
  const { consumer, runs: all } = await delivered(6)
  const stream = new WorkStream(base.broker)
  for (const run of all.slice(3)) await stream.remove(only(run))
  const again = await take(consumer, 3)
  assert.deepEqual(
    again.map(({ subject }) => subject),
    all.slice(0, 3).map(subjectOf),
  )
})

test('the same where all messages of a fan-out run are removed, delivered or not', async () => {
  const { consumer, handler, runs: others } = await delivered(3)
  const run = aRun(++runs, { handler, mode: 'shards' })
  const subjectsOfTasks = [0, 1, 2, 3].map((index) => subjects.work('default', handler, `${run.id}-0000${index}`))
  for (const subject of subjectsOfTasks) await base.publisher.send({ subject, body: '{}' })
  assert.equal((await take(consumer, 2)).length, 2)
  await new WorkStream(base.broker).removeAll(run)
  const again = await take(consumer, 3)
  assert.deepEqual(
    again.map(({ subject }) => subject),
    others.map(subjectOf),
  )
})

test('there is nothing to be removed: no error', async () => {
  const stream = new WorkStream(base.broker)
  const { runs: all } = await delivered(2)
  const [[, sequence] = ['', 0]] = await stream.sequences(all.map(subjectOf))
  await stream.delete(sequence)
  await stream.delete(sequence)
  await stream.remove(only(all[0] as RunRecord))
  await stream.removeAll(aRun(++runs, { handler: 'nobody-offers-it' }))
})

test('a message that is acknowledged while it is being deleted is gone; another failure is one', async () => {
  const { runs: all } = await delivered(2)
  const real = base.broker.manager
  const [[, sequence] = ['', 0]] = await new WorkStream(base.broker).sequences(all.map(subjectOf))
  // As the broker answers when its storage cannot delete.
  const failed = new JetStreamApiError({ code: 500, err_code: 10057, description: 'no message found' })
  const streams = { deleteMessage: () => Promise.reject(failed) }
  const failing = new WorkStream({ manager: { direct: real.direct, streams } as unknown as typeof real })
  await assert.rejects(failing.delete(sequence), failed)
  await new WorkStream(base.broker).delete(sequence)
  await failing.delete(sequence)
})

test('a message that its consumer takes for acknowledged is published again by the repair', async () => {
  const { runs: all } = await delivered(2)
  await store.runs.insert(all)
  const { publisher, log } = base
  const { manager } = base.broker
  const forgotten = { delivered: { stream_seq: 0 }, ack_floor: { stream_seq: Number.MAX_SAFE_INTEGER }, num_ack_pending: 0 }
  const info = async (stream: string, name: string) => (stream === 'WORK' ? forgotten : manager.consumers.info(stream, name))
  const broker = { ...base.broker, manager: Object.create(manager, { consumers: { value: { info } } }) }
  const storedWork = new WorkStream(broker)
  const work = new WorkPublisher({ store, stream: storedWork, publisher, clock: systemClock, log })
  const repair = new RepairQueue({ store, broker, work, storedWork, clock: systemClock, log })
  const before = await new WorkStream(base.broker).sequences(all.map(subjectOf))
  assert.equal(await repair.span({ from: 0, before: Number.MAX_SAFE_INTEGER }, new AbortController().signal), 2)
  await eventually('published again', async () => {
    const now = await new WorkStream(base.broker).sequences(all.map(subjectOf))
    return all.every((run) => (now.get(subjectOf(run)) ?? 0) > (before.get(subjectOf(run)) ?? 0))
  })
})
