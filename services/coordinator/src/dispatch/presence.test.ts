import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { PRESENCE_BUCKET, TIMES } from '@carillon/contracts'
import { type Broker, connectBroker } from '@carillon/runtime'
import { eventually, exerciseService, FakeClock, startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import { type KV, Kvm } from '@nats-io/kv'
import { PresenceWatch } from './presence.ts'

let base: TestBroker
let bucket: KV
before(async () => {
  base = await startTestBroker([])
  bucket = await new Kvm(base.broker.connection).create(PRESENCE_BUCKET)
})
after(() => base.stop())

function watch(context: TestContext, broker: Broker = base.broker) {
  const clock = new FakeClock()
  const gone: string[] = []
  const onGone = (namespace: string, instance: string) => void gone.push(`${namespace}/${instance}`)
  const changed: string[] = []
  const onChanged = (namespace: string) => void changed.push(namespace)
  const presence = new PresenceWatch({ broker, clock, log: base.log, onGone, onChanged })
  context.after(() => presence.stop())
  return { presence, clock, gone, changed }
}

interface PutOptions {
  namespace?: string
  session?: string
  hung?: boolean
}
const put = (instance: string, handlers: string[], { namespace = 'default', session, hung }: PutOptions = {}) => {
  const offered = handlers.map((name) => ({ name }))
  const registered = { instance, session, service: 's', version: '1', handlers: offered, labels: {}, capacity: 1, hung }
  return bucket.put(`${namespace}.${instance}`, JSON.stringify({ ...registered, namespace, since: '2026-01-01T00:00:00Z' }))
}
const names = (presence: PresenceWatch, handler: string, namespace = 'default') =>
  presence.offering(namespace, handler).map(({ instance }) => instance)

test('who is there, who comes, who changes and who goes', async (context) => {
  await put('i-2', ['mail', 'print'])
  await put('i-1', ['mail'])
  await put('i-1', ['mail'], { namespace: 'shop' })
  const { presence, gone } = watch(context)
  await presence.start()
  await eventually('both', () => names(presence, 'mail').length === 2)
  assert.deepEqual(names(presence, 'mail'), ['i-1', 'i-2'])
  assert.deepEqual(presence.handlers('default'), ['mail', 'print'])
  assert.deepEqual([presence.offers('shop', 'mail'), presence.offers('shop', 'print')], [true, false])
  await put('i-2', ['print'])
  await eventually('it changed', () => names(presence, 'mail').length === 1)
  await bucket.delete('default.i-1')
  await bucket.purge('default.i-2')
  await eventually('they went', () => gone.length === 2)
  assert.deepEqual([names(presence, 'mail'), presence.handlers('default'), gone.sort()], [[], [], ['default/i-1', 'default/i-2']])
  await bucket.purge('shop.i-1')
})

test('a hung instance is given nothing, and is present all the same', async (context) => {
  await put('h-1', ['dig'])
  await put('h-2', ['dig'], { hung: true })
  const { presence, gone } = watch(context)
  await presence.start()
  await eventually('both', () => presence.holding('default', 'dig').length === 2)
  assert.deepEqual([names(presence, 'dig'), presence.offers('default', 'dig')], [['h-1'], true])
  await put('h-1', ['dig'], { hung: true })
  await eventually('the other one, too', () => presence.isHung('default', 'h-1'))
  assert.deepEqual([names(presence, 'dig'), presence.offers('default', 'dig'), presence.handlers('default')], [[], false, ['dig']])
  assert.deepEqual([presence.isPresent('default', 'h-1'), presence.isLost('default', 'h-1'), gone], [true, false, []])
  await put('h-2', ['dig'])
  await eventually('it has recovered', () => presence.offers('default', 'dig'))
  assert.deepEqual(names(presence, 'dig'), ['h-2'])
  for (const instance of ['h-1', 'h-2']) await bucket.purge(`default.${instance}`)
})

test('a cordoned instance is given nothing, whether its cordon or its presence comes first, and after a restart of the watch', async (context) => {
  await bucket.put('cordon.default.c-1', JSON.stringify({ at: '2026-01-01T00:00:00Z' }))
  await put('c-1', ['haul'])
  await put('c-2', ['haul'])
  const { presence, gone } = watch(context)
  await presence.start()
  await eventually('both', () => presence.holding('default', 'haul').length === 2)
  assert.deepEqual(
    [names(presence, 'haul'), presence.isCordoned('default', 'c-1'), presence.isHung('default', 'c-1')],
    [['c-2'], true, false],
  )
  await bucket.put('cordon.default.c-2', '{nonsense')
  await eventually('the other one, too', () => !presence.offers('default', 'haul'))
  await put('c-2', ['haul'])
  presence.restart()
  await eventually('the watch is complete', () => presence.isPresent('default', 'c-2') && !presence.isPresent('default', 'nobody'))
  assert.deepEqual([names(presence, 'haul'), gone], [[], []])
  await bucket.purge('cordon.default.c-2')
  await eventually('it is uncordoned', () => presence.offers('default', 'haul'))
  assert.deepEqual(names(presence, 'haul'), ['c-2'])
  for (const key of ['cordon.default.c-1', 'default.c-1', 'default.c-2']) await bucket.purge(key)
})

test('garbage in the bucket is passed over', async (context) => {
  await bucket.put('default.garbage', '{nonsense')
  await bucket.put('default.foreign', '{"who":"knows"}')
  await put('i-3', ['mail'])
  const { presence } = watch(context)
  await presence.start()
  await eventually('the good one', () => names(presence, 'mail').includes('i-3'))
  assert.equal(base.lines.filter(({ evt }) => evt === 'presence.unreadable').length, 2)
  await bucket.put('default.garbage', 'again')
  await put('i-4', ['mail'])
  await eventually('the next one', () => names(presence, 'mail').includes('i-4'))
  for (const key of ['garbage', 'foreign', 'i-3', 'i-4']) await bucket.purge(`default.${key}`)
})

test('who is absent is lost only after the view has been complete for a while', async (context) => {
  const { presence, clock } = watch(context)
  await put('i-5', ['mail'])
  assert.equal(presence.isLost('default', 'i-9'), false)
  assert.equal(presence.isPresent('default', 'i-9'), true, 'not known yet')
  await presence.start()
  await eventually('it is complete', () => names(presence, 'mail').length === 1)
  await eventually('it is complete', async () => {
    await clock.advance(0)
    return true
  })
  assert.equal(presence.isLost('default', 'i-9'), false)
  await clock.advance(TIMES.lostAfterMs + 2 * TIMES.beatMs + 1)
  assert.deepEqual([presence.isLost('default', 'i-9'), presence.isLost('default', 'i-5')], [true, false])
  assert.deepEqual([presence.isPresent('default', 'i-9'), presence.isPresent('default', 'i-5')], [false, true])
  await bucket.purge('default.i-5')
})

test('a watch keeps the contract of services', async (context) => {
  const { presence } = watch(context)
  const { subscriptions } = (base.broker.connection as unknown as { protocol: { subscriptions: { size(): number } } }).protocol
  const before = subscriptions.size()
  await exerciseService(presence, { isActive: () => subscriptions.size() > before })
})

test('a bucket that is not there yet is waited for; after a reconnect, instances that left in between are gone', async (context) => {
  const own = await startTestBroker([])
  const broker = await connectBroker({ nats: { servers: own.server.url }, name: 'coordinator', log: own.log })
  context.after(async () => {
    await broker.close()
    await own.stop()
  })
  const { presence, clock, gone } = watch(context, broker)
  await presence.start()
  await eventually('it waits', () => clock.armed > 0)
  const shared = bucket
  context.after(() => {
    bucket = shared
  })
  bucket = await new Kvm(own.broker.connection).create(PRESENCE_BUCKET)
  await put('i-1', ['mail'])
  await put('i-2', ['mail'])
  await eventually('it follows', async () => {
    await clock.advance(500)
    return names(presence, 'mail').length === 2
  })
  await own.server.kill()
  await own.server.restart()
  const registry = await connectBroker({ nats: { servers: own.server.url }, name: 'registry', log: own.log })
  context.after(() => registry.close())
  await (await new Kvm(registry.connection).open(PRESENCE_BUCKET)).purge('default.i-1')
  await eventually('it is back', async () => {
    await clock.advance(500)
    return gone.length === 1
  })
  assert.deepEqual([gone, names(presence, 'mail')], [['default/i-1'], ['i-2']])
})

test('a process that takes over a name: the one before has gone, and what it owned is lost', async (context) => {
  const { presence, gone } = watch(context)
  await put('i-7', ['mail'], { session: 'first' })
  await presence.start()
  await eventually('it is there', () => presence.holds('default', 'i-7', 'first'))
  assert.deepEqual([presence.isLost('default', 'i-7', 'first'), presence.isLost('default', 'i-7')], [false, false])
  await put('i-7', ['mail', 'print'], { session: 'first' })
  await eventually('it has registered again', () => presence.offers('default', 'print'))
  assert.deepEqual(gone, [])
  await put('i-7', ['mail'], { session: 'second' })
  await eventually('the other one is there', () => presence.holds('default', 'i-7', 'second'))
  assert.deepEqual(gone, ['default/i-7'])
  assert.deepEqual([presence.isPresent('default', 'i-7', 'first'), presence.isPresent('default', 'i-7', 'second')], [false, true])
  assert.deepEqual([presence.isLost('default', 'i-7', 'first'), presence.isLost('default', 'i-7', 'second')], [true, false])
  await bucket.purge('default.i-7')
})

test('after this process was suspended no instance is lost before presence has had the time of a start', async (context) => {
  const { presence, clock } = watch(context)
  await put('i-6', ['mail'])
  await presence.start()
  await eventually('it is complete', () => names(presence, 'mail').length === 1)
  const trusted = TIMES.lostAfterMs + 2 * TIMES.beatMs + 1
  await clock.advance(trusted)
  assert.deepEqual([presence.isLost('default', 'i-9'), presence.stoodStill], [true, false])
  clock.standStill(30_000)
  assert.deepEqual([presence.isLost('default', 'i-9'), presence.stoodStill], [false, true])
  await clock.advance(trusted)
  assert.deepEqual([presence.isLost('default', 'i-9'), presence.stoodStill], [true, false])
  await bucket.purge('default.i-6')
})
