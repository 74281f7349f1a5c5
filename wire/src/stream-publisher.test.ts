import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { systemClock } from './clock.ts'
import { type Refusal, StreamPublisher } from './stream-publisher.ts'
import { eventually, FakeClock, REQUEST_DEADLINE, settle, startNatsServer, type TestServer } from './testing/index.ts'

let server: TestServer
let connection: NatsConnection
let manager: JetStreamManager
let base: StreamPublisher
before(async () => {
  server = await startNatsServer()
  connection = await connect({ servers: server.url })
  manager = await jetstreamManager(connection, REQUEST_DEADLINE)
  const onePerSubject = { max_msgs_per_subject: 1, discard: 'new', discard_new_per_subject: true } as const
  await manager.streams.add({ name: 'WORK', subjects: ['carillon.*.work.>'], ...onePerSubject })
  base = new StreamPublisher(connection, systemClock)
})
after(async () => {
  base.close()
  await connection.close()
  await server.stop()
})

const work = (taskId: string) => ({ subject: subjects.work('default', 'mail', taskId), body: '{}' })

test('what the broker has stored is answered with nothing', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  assert.equal(await base.send({ ...work('t1'), messageId: 't1.1', traceparent }), undefined)
  const stored = await manager.streams.getMessage('WORK', { last_by_subj: work('t1').subject })
  assert.equal(stored?.header?.get('Nats-Msg-Id'), 't1.1')
  assert.equal(stored?.header?.get('traceparent'), traceparent)
})

test('a message id makes a second publish a no-op, a taken subject is refused with its code', async () => {
  assert.equal(await base.send({ ...work('t2'), messageId: 't2.1' }), undefined)
  assert.equal(await base.send({ ...work('t2'), messageId: 't2.1' }), undefined)
  assert.equal((await base.send({ ...work('t2'), messageId: 't2.2' }))?.code, 10077)
})

test('a subject that no stream takes is refused with 503', async () => {
  assert.deepEqual(await base.send({ subject: 'carillon.default.nowhere', body: '' }), {
    code: 503,
    message: 'no stream takes this subject',
  })
})

test('a full stream refuses with its code', async () => {
  await manager.streams.add({ name: 'FULL', subjects: ['full.*'], max_msgs: 1, discard: 'new' as never })
  assert.equal(await base.send({ subject: 'full.a', body: '1' }), undefined)
  assert.equal((await base.send({ subject: 'full.b', body: '1' }))?.code, 10077)
})

test('no answer within 5 s is a refusal without a code; an answer that comes later is ignored', async () => {
  const clock = new FakeClock()
  const publisher = new StreamPublisher(connection, clock)
  const answers: (Refusal | undefined)[] = []
  const replies: string[] = []
  const silent = connection.subscribe('silent', { callback: (_error, message) => void replies.push(message.reply ?? '') })
  publisher.publish({ subject: 'silent', body: '' }, (refusal) => answers.push(refusal))
  await eventually('the message came', () => replies[0])
  await clock.advance(4_999)
  assert.deepEqual(answers, [])
  await clock.advance(1_000)
  assert.deepEqual(answers, [{ message: 'no answer from the broker' }])
  connection.publish(replies[0] as string, '{"stream":"WORK","seq":1}')
  await connection.flush()
  await settle()
  assert.equal(answers.length, 1)
  assert.equal(clock.armed, 0)
  silent.unsubscribe()
})

test('close ends what is pending, and nothing waits after it', async () => {
  const clock = new FakeClock()
  const publisher = new StreamPublisher(connection, clock)
  const silent = connection.subscribe('silent', { callback: () => undefined })
  const pending = publisher.send({ subject: 'silent', body: '' })
  publisher.close()
  assert.deepEqual(await pending, { message: 'the publisher was closed' })
  assert.deepEqual(await publisher.send({ subject: 'silent', body: '' }), { message: 'the publisher was closed' })
  assert.equal(clock.armed, 0)
  silent.unsubscribe()
})

test('of a batch the first and the last message are acknowledged; after sequences that are not contiguous, each message for 10 s', async () => {
  const clock = new FakeClock()
  const publisher = new StreamPublisher(connection, clock)
  let answers = 0
  const listener = connection.subscribe('_INBOX.>', {
    callback: (_error, { subject }) => void (subject.split('.').length === 3 && answers++),
  })
  let sequences: readonly (number | undefined)[] = []
  const publishAll = async (ids: readonly string[]) => {
    const before = answers
    const refusals = await new Promise<readonly (Refusal | undefined)[]>((done) =>
      publisher.publishAll(ids.map(work), (outcomes, given) => {
        sequences = given
        done(outcomes)
      }),
    )
    await connection.flush()
    return { refusals, answers: answers - before }
  }
  const stored = (ids: readonly string[]) => ids.map(() => undefined)

  const batch = ['a1', 'a2', 'a3', 'a4', 'a5']
  assert.deepEqual(await publishAll(batch), { refusals: stored(batch), answers: 2 })
  assert.equal(publisher.outstandingBytes, 0)
  const first = sequences[0] as number
  assert.deepEqual(
    sequences,
    batch.map((_, i) => first + i),
  )

  // The stream refuses the second message, whose subject is taken. It has no reply subject, so no refusal comes back.
  const refused = ['b1', 'a2', 'b3', 'b4']
  const unknown = { message: 'the broker has not answered whether it is stored' }
  assert.deepEqual((await publishAll(refused)).refusals, [undefined, unknown, unknown, undefined])
  assert.deepEqual(sequences, [first + 5, undefined, undefined, first + 7])
  const acknowledged = await publishAll(['c1', 'a2', 'c3', 'c4'])
  assert.deepEqual(
    [acknowledged.refusals.map((refusal) => refusal?.code), acknowledged.answers],
    [[undefined, 10077, undefined, undefined], 4],
  )

  await clock.advance(10_000)
  const further = ['d1', 'd2', 'd3']
  assert.deepEqual(await publishAll(further), { refusals: stored(further), answers: 2 })
  assert.deepEqual(await publishAll([]), { refusals: [], answers: 0 })
  publisher.close()
  assert.deepEqual(
    (await publishAll(['e1', 'e2', 'e3'])).refusals.map((refusal) => refusal?.message),
    ['the publisher was closed', unknown.message, 'the publisher was closed'],
  )
  listener.unsubscribe()
})
