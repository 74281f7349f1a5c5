import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PRESENCE_BUCKET, STREAMS } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE, startBrokerOf } from '@carillon/runtime/testing'
import { Kvm } from '@nats-io/kv'
import { startMesh, startTestRegistry, TestMesh } from '../testing/test-registry.ts'

const consumersOf = async (mesh: TestMesh) => {
  const configs = []
  for await (const { config } of mesh.broker.manager.consumers.list('WORK')) configs.push(config)
  return configs.sort((a, b) => ((a.durable_name ?? '') < (b.durable_name ?? '') ? -1 : 1))
}

describe('registration', () => {
  it('makes the streams, the queue of each handler and presence before it answers', async (t) => {
    const mesh = await startMesh(t)
    const answer = await mesh.register('a', ['invoice', 'remind'])
    assert.deepEqual(answer, {
      consumers: { invoice: { stream: 'WORK', consumer: 'default~invoice' }, remind: { stream: 'WORK', consumer: 'default~remind' } },
      claimUpTo: 0,
      protocol: 1,
      beatMs: 166,
      lostAfterMs: 500,
    })
    for (const stream of ['WORK', 'REPORTS', 'EVENTS'] as const) await mesh.broker.manager.streams.info(stream)
    const [invoice, remind] = await consumersOf(mesh)
    assert.equal(remind?.durable_name, 'default~remind')
    const { filter_subject, ack_policy, ack_wait, max_ack_pending, max_deliver } = invoice ?? {}
    assert.deepEqual(
      { filter_subject, ack_policy, ack_wait, max_ack_pending, max_deliver },
      {
        filter_subject: 'carillon.default.work.invoice.normal.>',
        ack_policy: 'explicit',
        ack_wait: 10e9,
        max_ack_pending: 10_000,
        max_deliver: -1,
      },
    )
    const entry = await (await new Kvm(mesh.broker.connection).open(PRESENCE_BUCKET)).get('default.a')
    const { since, ...presence } = entry?.json<{ since: string }>() ?? { since: '' }
    assert.ok(Math.abs(Date.parse(since) - Date.now()) < 10_000)
    const handlers = [{ name: 'invoice' }, { name: 'remind' }]
    assert.deepEqual(presence, {
      instance: 'a',
      namespace: 'default',
      service: 'shop',
      version: '0.0.0',
      protocol: 1,
      handlers,
      labels: {},
      capacity: 1,
    })
    const joined = await eventually('joined', () =>
      mesh.heard.find(({ subject }) => subject === 'carillon.default.event.instance.a.joined'),
    )
    assert.deepEqual({ ...joined.body, at: '' }, { instance: 'a', namespace: 'default', service: 'shop', at: '' })
  })

  it('removes the queue of a handler that is not offered, unless something waits in it, and restores it', async (t) => {
    const mesh = await startMesh(t, 0, 5_000)
    for (let i = 0; i < 2; i++) await startTestRegistry(mesh, { handlerIdleMs: 400 })
    await mesh.register('a', ['gone', 'busy'])
    await mesh.register('b', ['offered'])
    mesh.keepBeating('b')
    await mesh.broker.manager.jetstream().publish('carillon.default.work.busy.normal.run1', '{}')
    await mesh.call('instancesLeave', { instance: 'a' })
    const names = async () => (await consumersOf(mesh)).map(({ durable_name }) => durable_name)
    await eventually('it is gone', async () => !(await names()).includes('default~gone'))
    assert.deepEqual(await names(), ['default~busy', 'default~offered'])
    await mesh.register('c', ['gone'])
    // The other registry may have listed the queues before that registration, and remove this one once more: then it is made again.
    await eventually('its queue is there', async () => (await names()).join() === 'default~busy,default~gone,default~offered')
  })

  it('makes a queue of another priority when there is such work, and has the executors of its handler register again', async (t) => {
    const mesh = await startMesh(t)
    await mesh.broker.manager.jetstream().publish('carillon.default.work.early.low.run0', '{}')
    await mesh.register('a', ['invoice', 'early'])
    await mesh.register('b', ['other'])
    const orders: string[] = []
    mesh.broker.connection.subscribe('carillon.default.control.*', { callback: (_, { subject }) => void orders.push(subject) })
    await mesh.broker.connection.flush()
    await mesh.broker.manager.jetstream().publish('carillon.default.work.invoice.high.run1', '{}')
    await eventually('the order', () => orders.length > 0)
    assert.deepEqual(orders, ['carillon.default.control.a'])
    const answer = await mesh.register('a', ['invoice', 'early'])
    assert.deepEqual(answer.consumers.invoice, { stream: 'WORK', consumer: 'default~invoice', high: 'default~invoice~high' })
    const made = (await consumersOf(mesh)).find(({ durable_name }) => durable_name === 'default~invoice~high')
    assert.equal(made?.filter_subject, 'carillon.default.work.invoice.high.>')
    // Published before it was offered: found by another registry when it starts.
    await startTestRegistry(mesh)
    const isMade = async () => (await consumersOf(mesh)).some(({ durable_name }) => durable_name === 'default~early~low')
    await eventually('work of before', isMade)
  })

  it('replaces the entry of the same instance, and calls it joined once', async (t) => {
    const mesh = await startMesh(t, 2)
    await mesh.register('a', ['invoice'])
    const [before] = await mesh.list()
    await Promise.all([mesh.register('a', ['remind']), mesh.register('a', ['remind'])])
    await eventually('the new handler', async () => (await mesh.list())[0]?.handlers[0] === 'remind')
    const list = await mesh.list()
    assert.equal(list.length, 1)
    assert.equal(list[0]?.since, before?.since)
    await mesh.register('b')
    await eventually('the next event', () => mesh.count('carillon.default.event.instance.b.joined') === 1)
    assert.equal(mesh.count('carillon.default.event.instance.a.joined'), 1)
  })

  it('takes a hundred executors with the same handlers at once', async (t) => {
    const mesh = await startMesh(t, 2)
    const handlers = Array.from({ length: 20 }, (_, i) => `handler-${i}`)
    await Promise.all(Array.from({ length: 100 }, (_, i) => mesh.register(`executor-${i}`, handlers)))
    assert.equal((await consumersOf(mesh)).length, 20)
    await eventually('all of them', async () => (await mesh.list()).length === 100)
  })

  it('refuses what is wrong and says what', async (t) => {
    const mesh = await startMesh(t)
    await assert.rejects(mesh.register('a', ['x', 'x']), {
      code: 'HANDLER_EXISTS',
      details: { field: 'handlers', value: 'x', hint: 'Give each handler its own name.' },
    })
    await assert.rejects(mesh.register('a.b'), { code: 'INVALID_NAME' })
    await assert.rejects(mesh.register('a', ['x.*']), { code: 'INVALID_NAME' })
    await assert.rejects(mesh.register('__proto__'), { code: 'INVALID_NAME' })
    await assert.rejects(mesh.call('instancesRegister', { instance: 'a', service: 'b' }), { code: 'INVALID_REQUEST' })
    await assert.rejects(mesh.call('instancesRegister', { instance: 'a', service: 'b', handlers: [] }, { namespace: 'a=b' }), {
      code: 'INVALID_NAME',
    })
    await assert.rejects(mesh.call('instancesLeave', { instance: 'a b' }), { code: 'INVALID_NAME' })
    const answer = await mesh.broker.connection.request('carillon.default.api.instances.register', '{not json', REQUEST_DEADLINE)
    assert.equal(answer.json<{ error: { code: string } }>().error.code, 'INVALID_JSON')
    assert.deepEqual(await mesh.list(), [])
    assert.deepEqual(await consumersOf(mesh), [])
  })

  it('names the handler for which the stream has no room', async (t) => {
    const broker = await startBrokerOf(t)
    await broker.manager.streams.add({ name: 'WORK', subjects: [...STREAMS.WORK.subjects], retention: 'workqueue', max_consumers: 1 })
    const mesh = new TestMesh(broker, 500)
    await startTestRegistry(mesh)
    await mesh.register('a', ['first'])
    await assert.rejects(mesh.register('b', ['first', 'second']), (error: { code: string; details: object; message: string }) => {
      assert.equal(error.code, 'QUEUE_FULL')
      assert.match(error.message, /handler second gets no queue/)
      return true
    })
    await mesh.register('c', ['first'])
    assert.deepEqual(
      (await mesh.list()).map(({ instance }) => instance),
      ['a', 'c'],
    )
  })

  it('reconciles what an operator has changed of a queue or of the bucket', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a', ['invoice'])
    const { consumers, streams } = mesh.broker.manager
    await consumers.update('WORK', 'default~invoice', { filter_subject: 'foo.bar', max_ack_pending: 1, max_deliver: 1 })
    await streams.update('KV_carillon_presence', { max_age: 1_000_000_000, duplicate_window: 1_000_000_000, max_msgs: 3, max_msg_size: 10 })
    await eventually('the queue', async () => {
      const { filter_subject, max_ack_pending, max_deliver } = (await consumers.info('WORK', 'default~invoice')).config
      return filter_subject === 'carillon.default.work.invoice.normal.>' && max_ack_pending === 10_000 && max_deliver === -1
    })
    await eventually('the bucket', async () => {
      const { max_age, max_msgs, max_msg_size } = (await streams.info('KV_carillon_presence')).config
      return max_age === 0 && max_msgs === -1 && max_msg_size === -1
    })
  })

  it('puts right what keeps entries of the bucket from being stored, confirmed, read or replaced', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    const { streams } = mesh.broker.manager
    const changes = [
      { subjects: ['foo.>'] },
      { discard: 'old' },
      { discard_new_per_subject: true },
      { no_ack: true },
      { allow_direct: false },
      { subject_transform: { src: '$KV.carillon_presence.>', dest: '$KV.carillon_presence.other.>' } },
      { sources: [{ name: 'EVENTS' }] },
    ]
    const configOf = async (key: string) =>
      JSON.stringify((await streams.info('KV_carillon_presence')).config[key as 'subjects'] || undefined)
    for (const change of changes) {
      const [key = ''] = Object.keys(change)
      const before = await configOf(key)
      await streams.update('KV_carillon_presence', change as object)
      await eventually(`${key} is put right`, async () => (await configOf(key)) === before)
    }
    await mesh.register('b')
    assert.deepEqual(await mesh.call('instancesLeave', { instance: 'a' }), { left: true })
    assert.deepEqual(
      (await mesh.list()).map(({ instance }) => instance),
      ['b'],
    )
  })

  it('writes entries again that were purged from the bucket, one or all, and can still declare their instances lost', async (t) => {
    const mesh = await startMesh(t, 2)
    for (const instance of ['a', 'b']) {
      await mesh.register(instance)
      mesh.keepBeating(instance)
    }
    const { streams } = mesh.broker.manager
    const bucket = await new Kvm(mesh.broker.connection).open(PRESENCE_BUCKET)
    const entryOf = (instance: string) => bucket.get(`default.${instance}`)
    for (const filter of ['$KV.carillon_presence.default.a', '$KV.carillon_presence.>']) {
      await streams.purge('KV_carillon_presence', { filter })
      assert.equal(await entryOf('a'), null)
      for (const instance of ['a', 'b']) await eventually(`${instance} is there again`, async () => (await entryOf(instance)) !== null)
    }
    assert.deepEqual(await mesh.call('instancesLeave', { instance: 'a' }), { left: true })
    mesh.stopBeating('b')
    await eventually('b is lost', () => mesh.heard.some(({ subject }) => subject === 'carillon.default.event.instance.b.lost'))
    assert.equal((await entryOf('b'))?.operation, 'PURGE')
  })

  it('gives a bucket that a reader made first what the writer needs', async (t) => {
    const broker = await startBrokerOf(t)
    await new Kvm(broker.connection).create(PRESENCE_BUCKET, { history: 1 })
    const mesh = new TestMesh(broker, 500)
    await startTestRegistry(mesh)
    await mesh.register('a')
    assert.deepEqual(await mesh.call('instancesLeave', { instance: 'a' }), { left: true })
    const status = await (await new Kvm(broker.connection).open(PRESENCE_BUCKET)).status()
    assert.equal(status.markerTTL, 3_600_000)
  })
})
