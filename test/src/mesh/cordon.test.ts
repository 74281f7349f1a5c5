import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { TaskContext } from '@carillon/sdk'
import { eventually, signal } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { STORES, type TestStore } from '../support/stores.ts'

const [store] = STORES as [TestStore]
const cleanup = new Cleanup({ after })

test('of two executors one is cordoned under load: it finishes what it has, gets nothing new, stays cordoned over restarts, and comes back', async () => {
  const mesh = await startMesh(cleanup, { store })
  const namespace = freshNamespace()
  const { client } = await mesh.connect({ namespace, by: 'ada' })
  const begun: Record<'a' | 'b', string[]> = { a: [], b: [] }
  const release = signal()
  const start = (instance: 'a' | 'b') => {
    const work = async ({ runId, payload }: TaskContext<string>) => {
      begun[instance].push(runId)
      if (payload === 'long') await release.fired
      return instance
    }
    return offering(mesh, { work }, { namespace, instance, concurrency: 4 })
  }
  const instance = async (name: string) => (await client.instances.list()).items.find((one) => one.instance === name)
  const floodUntil = async (done: () => boolean) => {
    while (!done()) {
      const outcomes = await client.runMany(Array.from({ length: 20 }, () => ({ handler: 'work', payload: 'short' })))
      for (const outcome of outcomes) if (outcome.ok) await outcome.run.result()
    }
  }
  let first = await start('a')
  const long = [await client.run<string>('work', 'long'), await client.run<string>('work', 'long')]
  await eventually('it holds both', () => begun.a.length === 2)
  const second = await start('b')

  // Under load: work is waiting for it and pulled by it all the time.
  let isDone = false
  const load = floodUntil(() => isDone)
  await eventually('it works', () => begun.a.length > 5)
  const cordoned = await client.instances.cordon('a', { note: 'disk' })
  assert.equal(cordoned.cordoned?.note, 'disk')
  await eventually('it has obeyed', async () => (await instance('a'))?.load.cordoned === true)
  const before = { a: begun.a.length, b: begun.b.length }
  await eventually('the other one works on', () => begun.b.length > before.b + 60)
  assert.deepEqual(begun.a.slice(before.a), [], 'nothing begins on it')

  const broadcast = await client.run('work', 'short', { mode: 'broadcast' })
  await broadcast.ended()
  const legs = (await client.runs.tasks(broadcast.id)).items.map((task) => task.instance)
  assert.deepEqual(legs, ['b'], 'a broadcast has no task for it')

  const draining = await client.instances.drain('a', { continues: true })
  assert.equal(draining.isEmpty, false)
  assert.deepEqual(new Set(draining.instance.load.holds?.map(({ taskId }) => taskId)), new Set(long.map(({ id }) => id)))
  release.fire()
  assert.deepEqual(await Promise.all(long.map((run) => run.result())), ['a', 'a'])
  await eventually('it is empty', async () => (await client.instances.drain('a', { continues: true })).isEmpty)

  // It is the name that is cordoned, and the bucket that remembers it.
  await first.executor.stop()
  await mesh.restartRegistry()
  first = await start('a')
  await eventually('it says so itself', async () => (await instance('a'))?.load.cordoned === true)
  assert.deepEqual([(await instance('a'))?.cordoned?.by, begun.a.length], ['ada', before.a])
  await second.executor.stop()
  isDone = true
  const waiting = await client.run<string>('work', 'short')
  await eventually('the reason is known', async () => (await client.runs.get(waiting.id)).message !== undefined)
  assert.equal((await client.runs.get(waiting.id)).message, 'every instance that offers handler `work` is cordoned: a')
  assert.deepEqual(await client.instances.uncordon('a'), { instance: 'a', uncordoned: true })
  assert.equal(await waiting.result(), 'a')
  await load
})
