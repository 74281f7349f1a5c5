import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PRESENCE_BUCKET } from '@carillon/contracts'
import { eventually } from '@carillon/runtime/testing'
import { Kvm } from '@nats-io/kv'
import { startMesh, startTestRegistry } from '../testing/test-registry.ts'

describe('liveness', { concurrency: true }, () => {
  it('keeps instances that beat and shows their load; a silent one is lost, once, with two registries', async (t) => {
    const mesh = await startMesh(t, 2)
    await mesh.register('steady')
    await mesh.register('silent')
    mesh.keepBeating('steady')
    mesh.beat('silent', '{"cpu":0.5,"running":2,"colour":"red"}')
    const shown = await eventually('the load', async () => (await mesh.list()).find(({ load }) => load.cpu === 0.5))
    assert.deepEqual(shown.load, { cpu: 0.5, memoryBytes: 0, eventLoopDelayMs: 0, running: 2, stuck: 0, stuckTasks: [] })
    assert.equal(shown.instance, 'silent')

    await eventually('lost', () => mesh.count('carillon.default.event.instance.silent.lost') > 0)
    await eventually('gone from both', async () =>
      (await Promise.all([mesh.list(), mesh.list(), mesh.list(), mesh.list()])).every((list) => list.length === 1),
    )
    assert.equal((await (await new Kvm(mesh.broker.connection).open(PRESENCE_BUCKET)).get('default.silent'))?.operation, 'PURGE')
    const { body } = mesh.heard.find(({ subject }) => subject.endsWith('silent.lost')) ?? { body: {} }
    assert.deepEqual({ ...body, at: '' }, { instance: 'silent', namespace: 'default', service: 'shop', at: '' })

    mesh.stopBeating('steady')
    await eventually('lost too', () => mesh.count('carillon.default.event.instance.steady.lost') > 0)
    assert.equal(mesh.count('carillon.default.event.instance.silent.lost'), 1)
    assert.equal(mesh.count('carillon.default.event.instance.steady.lost'), 1)
  })

  it('declares a hundred silent ones lost, each once', async (t) => {
    const mesh = await startMesh(t, 2)
    await Promise.all(Array.from({ length: 100 }, (_, i) => mesh.register(`i${i}`)))
    const lost = () => mesh.heard.filter(({ subject }) => subject.endsWith('.lost')).map(({ subject }) => subject)
    await eventually('all lost', () => lost().length >= 100)
    await eventually('an empty list', async () => (await mesh.list()).length === 0)
    assert.equal(new Set(lost()).size, 100)
    assert.equal(lost().length, 100)
  })

  it('lets go at once of who says goodbye, also twice', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    assert.deepEqual(await mesh.call('instancesLeave', { instance: 'a' }), { left: true })
    assert.deepEqual(await mesh.list(), [])
    assert.deepEqual(await mesh.call('instancesLeave', { instance: 'a' }), { left: true })
    assert.deepEqual(await mesh.call('instancesLeave', { instance: 'never-seen' }), { left: true })
    await mesh.register('a')
    await eventually('joined again', () => mesh.count('carillon.default.event.instance.a.joined') === 2)
    assert.equal(mesh.count('carillon.default.event.instance.a.left'), 1)
  })

  it('asks an unknown instance to register, not more than once a beat', async (t) => {
    const mesh = await startMesh(t)
    for (let i = 0; i < 50; i++) mesh.beat('unknown')
    const asked = await eventually('the question', () => mesh.heard.find(({ subject }) => subject === 'carillon.default.control.unknown'))
    assert.deepEqual(asked.body, { type: 'register' })
    await mesh.register('unknown')
    assert.equal(mesh.count('carillon.default.control.unknown'), 1)
    await eventually('asked again later', () => {
      mesh.beat('other-unknown')
      return mesh.count('carillon.default.control.other-unknown') > 1
    })
    assert.equal(mesh.count('carillon.default.control.unknown'), 1)
  })

  it('sets garbage aside and goes on; an empty beat is a beat', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    for (const body of ['{not json', '{"cpu":"much"}', '[1]', `${'['.repeat(10_000)}`, '{"running":12345678901234567890}'])
      mesh.beat('a', body)
    mesh.beat('__proto__')
    mesh.beat('a', '')
    mesh.broker.connection.publish('carillon.a=b.beat.a', '{}')
    await eventually(
      'all of them rejected',
      () => mesh.heard.filter(({ subject }) => subject.endsWith('event.message.beat.rejected')).length === 7,
    )
    const codes = mesh.heard.filter(({ subject }) => subject.endsWith('rejected')).map(({ body }) => body['code'])
    assert.deepEqual(codes.sort(), [
      'INTEGER_TOO_LARGE',
      'INVALID_JSON',
      'INVALID_NAME',
      'INVALID_NAME',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'JSON_TOO_DEEP',
    ])
    mesh.beat('a', '{"running":7}')
    await eventually('a good beat', async () => (await mesh.list())[0]?.load.running === 7)
  })

  it('ignores what others write into the bucket', async (t) => {
    const mesh = await startMesh(t, 2)
    const bucket = await new Kvm(mesh.broker.connection).open(PRESENCE_BUCKET)
    await bucket.put('default.x', 'garbage')
    await bucket.put('strange', '{"instance":"x"}')
    await mesh.register('a')
    await eventually('a', async () => (await Promise.all([mesh.list(), mesh.list(), mesh.list()])).every((list) => list.length === 1))
    await mesh.register('x')
    await eventually('x', async () => (await mesh.list()).length === 2)
  })

  it('says once that an instance is hung and once that it has recovered, with two registries, and keeps it over a registration', async (t) => {
    const mesh = await startMesh(t, 0)
    for (let i = 0; i < 2; i++) await startTestRegistry(mesh, { hungAfterMs: 200 })
    await mesh.register('a', ['x'], { session: 's1' })
    const bucket = await new Kvm(mesh.broker.connection).open(PRESENCE_BUCKET)
    const entry = async () => (await bucket.get('default.a'))?.json<{ hung?: boolean }>()
    const beats = (stuck: number) => mesh.beat('a', `{"running":1,"stuck":${stuck},"session":"s1"}`)
    const allSay = async (hung: boolean | undefined) =>
      (await Promise.all([1, 2, 3].map(() => mesh.list()))).every(([a]) => a?.hung === hung)
    await eventually('hung', async () => {
      beats(1)
      return (await entry())?.hung === true && (await allSay(true))
    })
    await mesh.register('a', ['x'], { session: 's1' })
    const revision = (await bucket.get('default.a'))?.revision
    for (let i = 0; i < 10; i++) beats(1)
    assert.match((await mesh.call('registryHealth', {})).checks.find(({ name }) => name === 'presence')?.message ?? '', /1 hung/)
    assert.equal((await bucket.get('default.a'))?.revision, revision, 'a beat that changes nothing writes nothing')
    await eventually('recovered', async () => {
      beats(0)
      return (await entry())?.hung === undefined && (await allSay(undefined))
    })
    await eventually('the events', () => mesh.count('carillon.default.event.instance.a.recovered') === 1)
    assert.equal(mesh.count('carillon.default.event.instance.a.hung'), 1)
    assert.equal(mesh.count('carillon.default.event.instance.a.joined'), 1)
  })

  it('takes an instance of whose tasks nothing comes out of use until something does, over registrations, with two registries', async (t) => {
    const mesh = await startMesh(t, 2)
    await mesh.register('a', ['x'], { session: 's1' })
    const bucket = await new Kvm(mesh.broker.connection).open(PRESENCE_BUCKET)
    const entry = async () => (await bucket.get('default.a'))?.json<{ hung?: boolean; hungIdleMs?: number }>()
    const orders = () => mesh.heard.filter(({ subject }) => subject === 'carillon.default.control.a').map(({ body }) => body['type'])
    const beat = (idleMs: number | undefined, cordoned: boolean) =>
      mesh.beat('a', JSON.stringify({ running: 1, session: 's1', idleMs, cordoned }))
    const says = (body: object) => mesh.broker.connection.publish('carillon.default.hung.a', JSON.stringify(body))
    await eventually('hung', async () => {
      beat(9_000, false)
      says({ session: 's1', idleMs: 8_000 })
      return (await entry())?.hungIdleMs === 8_000
    })
    await eventually('it is ordered to take nothing', () => orders().includes('cordon'))
    assert.equal((await entry())?.hung, true)
    assert.equal((await mesh.register('a', ['x'], { session: 's1' })).cordoned, true)
    // An operator's cordon that is taken back changes nothing.
    await mesh.call('instancesCordon', { instance: 'a' })
    await mesh.call('instancesUncordon', { instance: 'a' })
    assert.ok(!orders().includes('uncordon'))
    await eventually('recovered', async () => {
      beat(10, true)
      return (await entry())?.hung === undefined && (await entry())?.hungIdleMs === undefined
    })
    await eventually('it is ordered to take work', () => {
      beat(10, true)
      return orders().includes('uncordon')
    })
    assert.equal((await mesh.register('a', ['x'], { session: 's1' })).cordoned, undefined)
    await eventually('the events', () => mesh.count('carillon.default.event.instance.a.recovered') === 1)
    assert.equal(mesh.count('carillon.default.event.instance.a.hung'), 1)

    says({ session: 's1' })
    await eventually('garbage is rejected', () => mesh.count('carillon.default.event.message.hung.rejected') > 0)
    beat(9_000, false)
    says({ session: 's1', idleMs: 8_000 })
    await eventually('hung again', async () => (await entry())?.hungIdleMs === 8_000)
    mesh.answerFor('a', 's2')
    await mesh.register('a', ['x'], { session: 's2' })
    assert.equal((await entry())?.hung, undefined, 'another process is not')
  })

  it('answers for its health', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a', ['x', 'y'])
    const health = await mesh.call('registryHealth', {})
    assert.equal(health.service, 'registry')
    assert.deepEqual(
      health.checks.map(({ name, ok }) => ({ name, ok })),
      ['broker', 'streams', 'presence', 'handlers'].map((name) => ({ name, ok: true })),
    )
    assert.deepEqual(
      health.checks.slice(1).map(({ message }) => message),
      ['4 are as they should be', '1 live instance', '2 of 1000 handlers'],
    )
  })
})
