import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { publishText, publishTexts, type TextMessage } from './frames.ts'
import { startNatsServer } from './testing/index.ts'

let nats: Awaited<ReturnType<typeof startNatsServer>>
let connection: NatsConnection
before(async () => {
  nats = await startNatsServer()
  connection = await connect({ servers: nats.url })
})
after(async () => {
  await connection.close()
  await nats.stop()
})

const seenBy = (message: Msg) => ({
  subject: message.subject,
  body: message.string(),
  ...(message.reply ? { reply: message.reply } : {}),
  ...(message.headers ? { headers: Object.fromEntries(message.headers) } : {}),
})

/** What arrives, when the client library or a test publishes. */
async function received(publish: () => void) {
  const messages: ReturnType<typeof seenBy>[] = []
  const subscription = connection.subscribe('t.>', { callback: (_error, message) => void messages.push(seenBy(message)) })
  publish()
  await connection.flush()
  subscription.unsubscribe()
  return messages
}

const MESSAGES: readonly TextMessage[] = [
  { subject: 't.plain', body: '{"a":1}' },
  { subject: 't.empty', body: '' },
  { subject: 't.reply', body: 'x', reply: 'inbox.1' },
  { subject: 't.letters', body: 'é€😀\r\nPUB t.forged 0\r\n\r\n', messageId: 'a.1' },
  {
    subject: 't.headers',
    body: 'h',
    reply: 'inbox.2',
    messageId: 'b.1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    run: 'r',
  },
  { subject: 't.large', body: 'y'.repeat(40_000), messageId: 'c.1' },
  { subject: 't.surrogate', body: '\ud800' },
  { subject: 't.last', body: 'z', traceparent: null },
]

test('arrives as what the client library publishes, in order with it', async () => {
  const one = await received(() => {
    for (const message of MESSAGES) publishText(connection, message)
  })
  const batch = await received(() => publishTexts(connection, MESSAGES))
  assert.deepEqual(batch, one)
  assert.deepEqual(
    batch.map(({ subject }) => subject),
    MESSAGES.map(({ subject }) => subject),
  )
  for (const [i, { body, messageId, reply }] of MESSAGES.entries()) {
    assert.equal(batch[i]?.body, Buffer.from(body).toString())
    assert.equal(batch[i]?.reply, reply)
    assert.deepEqual(batch[i]?.headers?.['Nats-Msg-Id'], messageId && [messageId])
  }
  const mixed = await received(() => {
    publishText(connection, { subject: 't.1', body: '' })
    connection.publish('t.2')
    publishTexts(connection, [{ subject: 't.3', body: '' }])
    connection.publish('t.4')
  })
  assert.deepEqual(
    mixed.map(({ subject }) => subject),
    ['t.1', 't.2', 't.3', 't.4'],
  )
})

test('a buffer is bounded, and many messages arrive', async () => {
  const many = Array.from({ length: 3_000 }, (_, i) => ({ subject: `t.${i}`, body: 'b'.repeat(300), messageId: `m.${i}` }))
  assert.equal((await received(() => publishTexts(connection, many))).length, 3_000)
})

test('what cannot be published is named, and disturbs no other', async () => {
  const bad: readonly TextMessage[] = [
    { subject: 't.a b', body: '' },
    { subject: '', body: '' },
    { subject: 't.header', body: '', messageId: 'x\r\ny' },
    { subject: 't.huge', body: 'x'.repeat(2 * 1024 * 1024) },
  ]
  let refused: ReadonlyMap<TextMessage, Error> = new Map()
  const good = { subject: 't.good', body: '' }
  const arrived = await received(() => {
    refused = publishTexts(connection, [good, ...bad, good])
  })
  assert.deepEqual([...refused.keys()], bad)
  assert.deepEqual(
    arrived.map(({ subject }) => subject),
    ['t.good', 't.good'],
  )
  assert.throws(() => publishText(connection, bad[0] as TextMessage), /invalid/i)
})

test('a connection that is closed refuses, as the client library does', async () => {
  const closed = await connect({ servers: nats.url })
  await closed.close()
  assert.throws(() => publishText(closed, { subject: 't.a', body: '' }), /closed/i)
})
