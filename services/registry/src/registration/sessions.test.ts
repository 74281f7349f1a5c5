import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually, REQUEST_DEADLINE } from '@carillon/runtime/testing'
import { startMesh, startTestRegistry, type TestMesh } from '../testing/test-registry.ts'

const sessionOf = async (mesh: TestMesh) => (await mesh.list()).map(({ session }) => session)
const LOST = 'carillon.default.event.instance.a.lost'
const JOINED = 'carillon.default.event.instance.a.joined'

describe('two processes of one name', { concurrency: true }, () => {
  it('the second is refused while the first lives, by whichever registry it asks', async (t) => {
    const mesh = await startMesh(t, 3, 60_000)
    mesh.answerFor('a', 'first')
    await mesh.register('a', [], { session: 'first' })
    const refusals = Array.from({ length: 6 }, () =>
      assert.rejects(mesh.register('a', [], { session: 'second' }), { code: 'INSTANCE_TAKEN' }),
    )
    await Promise.all(refusals)
    await assert.rejects(mesh.register('a'), { code: 'INSTANCE_TAKEN' })
    assert.deepEqual(await sessionOf(mesh), ['first'])
    await mesh.register('a', ['more'], { session: 'first' })
  })

  it('of two that register at once one is refused', async (t) => {
    const mesh = await startMesh(t, 2, 60_000)
    for (const session of ['one', 'two']) mesh.answerFor('a', session)
    const outcomes = await Promise.allSettled(['one', 'two'].map((session) => mesh.register('a', [], { session })))
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  })

  it('a restart within moments of a crash takes the name over, and the former process is lost', async (t) => {
    const mesh = await startMesh(t, 2, 60_000)
    const crash = mesh.answerFor('a', 'first')
    await mesh.register('a', [], { session: 'first' })
    crash()
    await mesh.broker.connection.flush()
    await mesh.register('a', [], { session: 'second' })
    assert.deepEqual(await sessionOf(mesh), ['second'])
    await eventually('both are published', () => mesh.count(LOST) === 1 && mesh.count(JOINED) === 2)
  })

  it('beats of a process whose name was taken over do not count, and it is asked to register', async (t) => {
    const mesh = await startMesh(t, 1, 60_000)
    await mesh.register('a', [], { session: 'first' })
    await mesh.register('a', [], { session: 'second' })
    mesh.beat('a', '{"session":"first","running":7}')
    await eventually('it is asked', () => mesh.count('carillon.default.control.a') === 1)
    mesh.beat('a', '{"session":"second","running":2}')
    await eventually('the load of the other one', async () => (await mesh.list())[0]?.load.running === 2)
    await mesh.call('instancesLeave', { instance: 'a', session: 'first' })
    assert.deepEqual(await sessionOf(mesh), ['second'])
    await mesh.call('instancesLeave', { instance: 'a', session: 'second' })
    assert.deepEqual(await mesh.list(), [])
  })
})

it('says up to where a broker that was restarted may have forgotten deliveries', async (t) => {
  const mesh = await startMesh(t, 1, 60_000)
  const publish = (id: string) => mesh.broker.connection.request(`carillon.default.work.x.normal.${id}`, '{}', REQUEST_DEADLINE)
  await publish('one')
  assert.equal((await mesh.register('a')).claimUpTo, 0)
  await mesh.broker.server.kill()
  await mesh.broker.server.restart({ wipe: false })
  await eventually('registered', () => mesh.register('a').catch(() => undefined))
  await publish('two')
  assert.equal((await mesh.register('a')).claimUpTo, 1)
  await startTestRegistry(mesh)
  await eventually('a registry that starts knows of no delivery before', async () => (await mesh.register('a')).claimUpTo === 2)
})
