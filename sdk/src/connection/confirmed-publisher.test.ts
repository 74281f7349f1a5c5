import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outgoing, Refusal, StreamPublisher } from '@carillon/wire/internal'
import { FakeClock } from '@carillon/wire/testing'
import { ConfirmedPublisher } from './confirmed-publisher.ts'
import type { Link } from './link.ts'

/** A publisher over a connection that a test takes down, and a broker that answers what a test says. */
function createPublisher() {
  const clock = new FakeClock()
  const sent: { message: Outgoing; answer: (refusal?: Refusal) => void }[] = []
  const delays: string[] = []
  let goUp: () => void = () => undefined
  let missing = 0
  const streams: Partial<StreamPublisher> = {
    publish: (message, done) => void sent.push({ message, answer: (refusal) => done(refusal) }),
    close: () => undefined,
  }
  const connection = { isUp: true }
  const link: Partial<Link> = {
    get isUp() {
      return connection.isUp
    },
    onUp: (listener) => {
      goUp = listener
      return () => undefined
    },
    createPublisher: () => streams as StreamPublisher,
    handle: (_what, action) => action(),
  }
  const onDelay = (why: string) => void delays.push(why)
  const publisher = new ConfirmedPublisher({ link: link as Link, clock, onDelay, onStreamMissing: () => missing++ })
  let stored = 0
  const publish = () => publisher.publish({ subject: 's', payload: 'p', onStored: () => stored++ })
  const reconnect = () => {
    connection.isUp = true
    goUp()
  }
  return { clock, connection, sent, delays, publisher, publish, reconnect, counts: () => ({ stored, missing }) }
}

test('what is refused is sent again under its message id until it is stored; the third refusal is reported', () => {
  const { clock, sent, delays, publisher, publish, counts } = createPublisher()
  publish()
  for (const refusal of [{ code: 503, message: 'no stream' }, { message: 'no answer' }, { code: 10077, message: 'full' }]) {
    sent.at(-1)?.answer(refusal)
    clock.elapse(1_000)
  }
  assert.equal(sent.length, 4)
  assert.equal(new Set(sent.map(({ message }) => message.messageId)).size, 1)
  sent.at(-1)?.answer()
  assert.deepEqual([counts(), delays], [{ stored: 1, missing: 1 }, ['full']])
  assert.deepEqual([publisher.size, clock.armed], [0, 0])
})

test('without a connection nothing is sent; after a reconnect everything is, and an answer to what was sent before counts once', () => {
  const { clock, connection, sent, publisher, publish, reconnect, counts } = createPublisher()
  publish()
  connection.isUp = false
  publish()
  assert.equal(sent.length, 1)
  reconnect()
  assert.equal(sent.length, 3)
  const [before, first, second] = sent
  before?.answer({ message: 'no answer' })
  clock.elapse(10_000)
  assert.equal(sent.length, 3)
  before?.answer()
  first?.answer()
  second?.answer()
  assert.deepEqual([counts().stored, publisher.size, clock.armed], [2, 0, 0])
})

test('a publisher that was stopped keeps no message and no timer', () => {
  const { clock, sent, publisher, publish, counts } = createPublisher()
  publish()
  sent[0]?.answer({ message: 'no answer' })
  assert.deepEqual([publisher.size, clock.armed], [1, 1])
  publisher.stop()
  sent[0]?.answer()
  publish()
  assert.deepEqual([publisher.size, clock.armed, sent.length, counts().stored], [0, 0, 1, 0])
})
