import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { SERVICE_CONSUMERS, subjects, UnacceptableJson } from '@carillon/contracts'
import { type Clock, systemClock } from '@carillon/wire/internal'
import { AckPolicy } from '@nats-io/jetstream'
import { eventually, exerciseService, FakeClock, startTestBroker, type TestBroker } from '../testing/index.ts'
import { BatchConsumer } from './batch-consumer.ts'
import { type Incoming, readIncoming } from './incoming.ts'

let base: TestBroker
let consumers: BatchConsumer[] = []
after(() => base.stop())
before(async () => {
  base = await startTestBroker(['TRIGGERS', 'EVENTS'])
})
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.stop()))
  consumers = []
  await base.broker.manager.streams.purge('TRIGGERS')
})

interface Gate {
  readonly batches: Incoming[][]
  readonly open: (() => void)[]
}

/** A consumer whose batches are handled by `handle`. */
function consume(
  handle: (batch: Incoming[]) => Promise<unknown>,
  limits: { maxMessages?: number; maxInFlight?: number; retryAfterMs?: number; stream?: string; consumer?: string } = {},
  clock: Clock = systemClock,
): BatchConsumer {
  const { broker, log, rejected } = base
  const consumer = new BatchConsumer({
    connection: broker.connection,
    stream: 'TRIGGERS',
    consumer: SERVICE_CONSUMERS.TRIGGERS,
    read: readIncoming,
    log,
    clock,
    rejected,
    maxMessages: 10,
    maxInFlight: 1,
    ...limits,
    handle,
  })
  consumers.push(consumer)
  return consumer
}

/** Batches wait until they are let through. */
function gate(): Gate & { handle: (batch: Incoming[]) => Promise<void> } {
  const batches: Incoming[][] = []
  const open: (() => void)[] = []
  const handle = (batch: Incoming[]) => {
    batches.push(batch)
    return new Promise<void>((resolve) => open.push(resolve))
  }
  return { batches, open, handle }
}

async function fire(bodies: readonly string[], job = 'report'): Promise<void> {
  for (const body of bodies) await base.publisher.send({ subject: subjects.trigger('default', job), body })
}

const owed = async () => {
  const { num_pending, num_ack_pending } = await base.broker.manager.consumers.info('TRIGGERS', 'coordinators')
  return num_pending + num_ack_pending
}

test('messages are read, handled in batches and acknowledged', async () => {
  const seen: Incoming[] = []
  await fire(['{"day":1}', '', '[2]'])
  await consume(async (batch) => seen.push(...batch)).start()
  await eventually('all are handled', () => seen.length === 3)
  assert.deepEqual(
    seen.map(({ body, name, namespace }) => [namespace, name, body]),
    [
      ['default', 'report', { day: 1 }],
      ['default', 'report', null],
      ['default', 'report', [2]],
    ],
  )
  assert.ok((seen[0]?.sequence ?? 0) < (seen[1]?.sequence ?? 0))
  assert.ok((seen[0]?.storedAt ?? 0) > Date.UTC(2026, 0))
  await eventually('all are acknowledged', async () => (await owed()) === 0)
})

test('one batch has at most so many messages, and no more batches are under way than allowed', async () => {
  const { batches, open, handle } = gate()
  await fire(Array.from({ length: 25 }, (_, i) => String(i)))
  await consume(handle, { maxMessages: 10, maxInFlight: 1 }).start()
  await eventually('the first batch', () => batches.length === 1)
  assert.ok((batches[0]?.length ?? 0) <= 10)
  for (let done = 0; batches.flat().length < 25; done++) {
    open[done]?.()
    await eventually('the next batch', () => batches.length === done + 2)
    assert.ok((batches[done + 1]?.length ?? 0) <= 10)
  }
  open.at(-1)?.()
})

test('what cannot be read is rejected as an event or marked, and the rest of its batch goes on', async () => {
  const seen: unknown[] = []
  const before = base.rejected.count
  await fire(['{nonsense', '{"day":1}', '{"n":9007199254740993}', '['.repeat(10_000), '{"day":2}'])
  await base.publisher.send({ subject: 'carillon.default.trigger.a~b', body: '{}' })
  await base.publisher.send({ subject: 'carillon.ten~ant.trigger.a', body: '{}' })
  await consume(async (batch) => seen.push(...batch.map(({ body }) => body))).start()
  await eventually('all that are readable', () => seen.length === 5)
  await eventually('all are done with', async () => (await owed()) === 0)
  const codes = seen.map((body) => (body instanceof UnacceptableJson ? body.code : JSON.stringify(body)))
  assert.deepEqual(codes, ['INVALID_JSON', '{"day":1}', '{"n":"9007199254740993"}', 'JSON_TOO_DEEP', '{"day":2}'])
  assert.equal(base.rejected.count - before, 2)
  const subject = subjects.event('default', 'message', 'TRIGGERS', 'rejected')
  await eventually('the events', async () => {
    const { state } = await base.broker.manager.streams.info('EVENTS', { subjects_filter: subject })
    return state.subjects?.[subject] === 1
  })
  const first = await base.broker.manager.streams.getMessage('EVENTS', { seq: 1, next_by_subj: subject } as never)
  assert.ok(first)
  const { at, ...body } = first.json<{ at: string }>()
  assert.ok(Date.parse(at) > 0)
  assert.deepEqual({ ...body, message: '' }, { subject: 'carillon.default.trigger.a~b', code: 'INVALID_NAME', message: '', body: '{}' })
})

test('a batch that fails comes again, whole', async () => {
  const tries: number[] = []
  await fire(['1', '2', '3'])
  await consume(async (batch) => {
    tries.push(batch.length)
    if (tries.length === 1) throw new Error('the store is away')
  }).start()
  await eventually('it comes again', () => tries.slice(1).reduce((sum, size) => sum + size, 0) === tries[0])
  await eventually('all are acknowledged', async () => (await owed()) === 0)
  assert.ok(base.lines.some(({ evt }) => evt === 'batch.failed'))
})

test('a message that fails for good costs itself alone, and is rejected in the end', async () => {
  const done: unknown[] = []
  const before = base.rejected.count
  const handle = async (batch: Incoming[]) => {
    if (batch.some(({ body }) => body === 'bad')) throw new TypeError('no')
    done.push(...batch.map(({ body }) => body))
  }
  await fire(['1', '"bad"', '2', '3'])
  await consume(handle, { retryAfterMs: 1 }).start()
  await eventually('the others', () => done.length === 3)
  await fire(['4'])
  await eventually('all are acknowledged', async () => (await owed()) === 0)
  assert.deepEqual([done, base.rejected.count - before], [[1, 2, 3, 4], 1])
})

test('where nothing can be handled nothing is rejected', async () => {
  const before = base.rejected.count
  let isBroken = true
  const done: unknown[] = []
  const handle = async (batch: Incoming[]) => {
    if (isBroken) throw new TypeError('no')
    done.push(...batch.map(({ body }) => body))
  }
  await fire(['1', '2', '3'])
  await consume(handle, { retryAfterMs: 1 }).start()
  await eventually('many tries', () => base.lines.filter(({ evt }) => evt === 'message.failed').length > 6)
  isBroken = false
  await eventually('all are handled', () => done.length === 3)
  assert.equal(base.rejected.count - before, 0)
})

test('stop waits for the batch under way, which is acknowledged, and gives the rest back at once', async () => {
  const { batches, open, handle } = gate()
  await fire(Array.from({ length: 20 }, (_, i) => String(i)))
  const first = consume(handle, { maxMessages: 5, maxInFlight: 1 })
  await first.start()
  await eventually('the first batch', () => batches.length === 1)
  await base.broker.connection.flush()
  let stopped = false
  const stopping = first.stop().then(() => {
    stopped = true
  })
  await base.broker.connection.flush()
  assert.equal(stopped, false)
  open[0]?.()
  await stopping
  assert.equal(batches.length, 1)
  const seen: Incoming[] = []
  await consume(async (batch) => seen.push(...batch)).start()
  await eventually('another one has the rest', () => seen.length === 20 - (batches[0]?.length ?? 0))
  assert.equal(new Set([...(batches[0] ?? []), ...seen].map(({ sequence }) => sequence)).size, 20)
})

test('a consumer keeps the contract of services', async () => {
  const consumer = consume(() => Promise.resolve())
  const { subscriptions } = (base.broker.connection as unknown as { protocol: { subscriptions: { size(): number } } }).protocol
  const before = subscriptions.size()
  await exerciseService(consumer, { isActive: () => subscriptions.size() > before })
})

test('a stream that is not there is waited for', async () => {
  const clock = new FakeClock()
  const { broker, log, rejected } = base
  const seen: Incoming[] = []
  const handle = async (batch: Incoming[]) => seen.push(...batch)
  const consumer = new BatchConsumer({
    connection: broker.connection,
    stream: 'REPORTS',
    consumer: SERVICE_CONSUMERS.REPORTS,
    read: readIncoming,
    log,
    clock,
    rejected,
    maxMessages: 10,
    maxInFlight: 1,
    handle,
  })
  consumers.push(consumer)
  await consumer.start()
  await eventually('it failed', () => base.lines.some(({ evt }) => evt === 'consumer.failed'))
  const { ensureStream } = await import('./streams.ts')
  const made = await ensureStream(broker.manager, 'REPORTS')
  assert.deepEqual(await ensureStream(broker.manager, 'REPORTS'), made, 'once')
  await base.publisher.send({ subject: subjects.report('default', 'i-1'), body: '{}' })
  await eventually('it reads', async () => {
    await clock.advance(1_000)
    return seen.length === 1
  })
})

test('a slow batch is reported to the broker as in progress, and so are the messages that wait behind it', async (context) => {
  const clock = new FakeClock()
  const kept: string[] = []
  const acks = base.broker.connection.subscribe('$JS.ACK.TRIGGERS.>', {
    callback: (_error, message) => void kept.push(message.string()),
  })
  context.after(() => acks.unsubscribe())
  const { batches, open, handle } = gate()
  await consume(handle, { maxMessages: 2, maxInFlight: 1 }, clock).start()
  await fire(['1', '2', '3'])
  const held = async () => (await base.broker.manager.consumers.info('TRIGGERS', 'coordinators')).num_ack_pending
  await eventually('it is under way, and the rest waits', async () => batches.length === 1 && (await held()) === 3)
  await clock.advance(3_000)
  await fire(['4'])
  await eventually('one more waits', async () => (await held()) === 4)
  await base.broker.connection.flush()
  assert.deepEqual(kept, [], 'not yet')
  await clock.advance(3_000)
  await eventually('it is reported', () => kept.length >= 3)
  await base.broker.connection.flush()
  assert.equal(kept.length, 3, 'the newest is not old yet')
  assert.deepEqual(new Set(kept), new Set(['+WPI']))
  while (open.length > 0) {
    open.shift()?.()
    await base.broker.connection.flush()
  }
  await eventually('all are acknowledged', async () => (await owed()) === 0)
})

test('a consumer of EVENTS seldom makes the broker search for the next message', async (context) => {
  await base.broker.manager.consumers.add('EVENTS', {
    durable_name: 'alerts',
    ack_policy: AckPolicy.Explicit,
    filter_subjects: ['carillon.*.event.run.*.failed'],
  })
  const pulls = new Map<string, [expiresMs: number, heartbeatMs: number]>()
  const asked = base.broker.connection.subscribe('$JS.API.CONSUMER.MSG.NEXT.>', {
    callback: (_, message) => {
      const { expires, idle_heartbeat: heartbeat } = message.json<{ expires: number; idle_heartbeat: number }>()
      pulls.set(message.subject.split('.').at(-2) as string, [expires / 1_000_000, heartbeat / 1_000_000])
    },
  })
  context.after(() => asked.unsubscribe())
  const { batches, handle, open } = gate()
  await consume(handle, { stream: 'EVENTS', consumer: 'alerts' }).start()
  await consume(handle).start()
  await eventually('both pull', () => pulls.size === 2)
  assert.deepEqual(Object.fromEntries(pulls), { EVENTS: [60_000, 30_000], TRIGGERS: [5_000, 2_500] })

  for (const state of ['succeeded', 'failed'])
    await base.publisher.send({ subject: subjects.event('default', 'run', 'r1', state), body: '{}' })
  await eventually('what is counted is delivered', () => batches.length === 1)
  assert.equal(batches[0]?.[0]?.subject, subjects.event('default', 'run', 'r1', 'failed'))
  open[0]?.()
})
