import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PRESENCE_STREAM } from '@carillon/contracts'
import { eventually } from '@carillon/runtime/testing'
import { startMesh, startTestRegistry, type TestMesh } from '../testing/test-registry.ts'

const ordersTo = (mesh: TestMesh, instance: string) =>
  mesh.heard.filter(({ subject }) => subject === `carillon.default.control.${instance}`).map(({ body }) => body['type'])

const CORDON_OF_A = '$KV.carillon_presence.cordon.default.a'

async function holdsCordon(mesh: TestMesh): Promise<boolean> {
  const { state } = await mesh.broker.manager.streams.info(PRESENCE_STREAM, { subjects_filter: '>' })
  return Object.keys(state.subjects ?? {}).includes(CORDON_OF_A)
}

describe('cordons', { concurrency: true }, () => {
  it('says who, when and why; orders the executor; announces each change once, with two registries', async (t) => {
    const mesh = await startMesh(t, 2)
    await mesh.register('a')
    mesh.keepBeating('a')
    const { cordoned } = await mesh.call('instancesCordon', { instance: 'a', note: 'disk' }, { by: 'ada' })
    assert.deepEqual([cordoned?.by, cordoned?.note, Number.isNaN(Date.parse(cordoned?.at ?? ''))], ['ada', 'disk', false])
    await mesh.call('instancesCordon', { instance: 'a', note: 'disk again' })
    await eventually('every registry shows it', async () =>
      (await Promise.all([mesh.list(), mesh.list(), mesh.list(), mesh.list()])).every(([a]) => a?.cordoned?.note === 'disk again'),
    )
    assert.deepEqual(await mesh.call('instancesUncordon', { instance: 'a' }), { instance: 'a', uncordoned: true })
    await eventually('ordered', () => ordersTo(mesh, 'a').join() === 'cordon,cordon,uncordon')
    assert.deepEqual(await mesh.call('instancesUncordon', { instance: 'a' }), { instance: 'a', uncordoned: false })
    await mesh.call('instancesCordon', { instance: 'a' })
    await eventually('announced', () => mesh.count('carillon.default.event.instance.a.cordoned') === 2)
    assert.equal(mesh.count('carillon.default.event.instance.a.uncordoned'), 1)
  })

  it('is known after a restart of the registry and of the executor, also when the instance had left, and is removed of one that is gone', async (t) => {
    const mesh = await startMesh(t, 0)
    const registry = await startTestRegistry(mesh)
    await mesh.register('a')
    assert.equal((await mesh.register('a')).cordoned, undefined)
    await mesh.call('instancesCordon', { instance: 'a' })
    await mesh.call('instancesLeave', { instance: 'a' })
    assert.deepEqual(await mesh.list(), [])
    await registry.stop()
    await startTestRegistry(mesh)
    assert.equal((await mesh.register('a', [], { session: 's2' })).cordoned, true)
    assert.ok((await mesh.list())[0]?.cordoned)
    await mesh.call('instancesLeave', { instance: 'a' })
    assert.equal((await mesh.call('instancesUncordon', { instance: 'a' })).uncordoned, true)
    await assert.rejects(mesh.call('instancesUncordon', { instance: 'a' }), { code: 'INSTANCE_UNKNOWN', retry: false })
    assert.equal((await mesh.register('a')).cordoned, undefined)
  })

  it('repeats an order that was lost while the beats say otherwise, and to no executor that does not say', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    await mesh.register('mute')
    for (const instance of ['a', 'mute']) await mesh.call('instancesCordon', { instance })
    mesh.beat('mute')
    mesh.beat('a', '{"cordoned":false}')
    await eventually('ordered again', () => ordersTo(mesh, 'a').join() === 'cordon,cordon')
    mesh.beat('a', '{"cordoned":true}')
    await eventually('heard', async () => (await mesh.list()).some(({ load }) => load.cordoned === true))
    await mesh.call('instancesUncordon', { instance: 'a' })
    mesh.beat('a', '{"cordoned":true}')
    await eventually('the other way', () => ordersTo(mesh, 'a').join() === 'cordon,cordon,uncordon,uncordon')
    assert.deepEqual(ordersTo(mesh, 'mute'), ['cordon'])
  })

  it('drains: empty is who says that it is cordoned and holds nothing', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    const drain = async (continues = true) => (await mesh.call('instancesDrain', { instance: 'a', continues })).isEmpty
    assert.equal(await drain(false), false, 'it has not said so')
    const holds = [{ taskId: 'r1', handler: 'h', forMs: 5 }]
    for (const [load, isEmpty] of [
      [{ cordoned: true, running: 1, holds }, false],
      [{ cordoned: true, running: 0, holds }, false],
      [{ cordoned: true, running: 0, holds: [] }, true],
    ] as const) {
      mesh.beat('a', JSON.stringify(load))
      await eventually('heard', async () => {
        const [seen] = await mesh.list()
        return seen?.load.running === load.running && seen.load.holds?.length === load.holds.length
      })
      assert.equal(await drain(), isEmpty)
    }
    await mesh.call('instancesUncordon', { instance: 'a' })
    await assert.rejects(drain(), { code: 'CONCURRENT_CHANGE' })
    assert.equal((await mesh.list())[0]?.cordoned, undefined)
    await assert.rejects(
      mesh.call('instancesDrain', { instance: 'b' }),
      ({ code, details }) => code === 'INSTANCE_UNKNOWN' && /a/.test(details.hint),
    )
  })

  it('writes cordons again that were purged from the stream of the bucket', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    mesh.keepBeating('a')
    await mesh.call('instancesCordon', { instance: 'a', note: 'disk' })
    await mesh.broker.manager.streams.purge(PRESENCE_STREAM, { filter: CORDON_OF_A })
    await eventually('there again', () => holdsCordon(mesh))
  })

  it('writes cordons again when the bucket was deleted', async (t) => {
    const mesh = await startMesh(t)
    await mesh.register('a')
    await mesh.call('instancesCordon', { instance: 'a', note: 'disk' })
    await mesh.broker.manager.streams.delete(PRESENCE_STREAM)
    const isThere = () =>
      mesh
        .register('a')
        .then(({ cordoned }) => cordoned === true)
        .catch(() => false)
    await eventually('it is cordoned', isThere)
    await eventually('in the bucket', () => holdsCordon(mesh))
  })
})
