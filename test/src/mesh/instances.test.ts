import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually, signal } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { collect, offering } from '../support/clients.ts'
import { startExecutor } from '../support/executor.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** Ten seconds of silence make an instance lost; the rest is room for a slow machine. */
const LOST_WITHIN_MS = 30_000

// Most of the time goes by waiting: both stores at once.
describe('instances', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`instances and broadcasts, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      test('an instance is listed with what it offers until it says goodbye', async () => {
        const watcher = await mesh.connect()
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        const events = collect(client.events({ noun: 'instance' }))
        const worker = await mesh.connect({ namespace, service: 'billing', version: '1.2.3', labels: { zone: 'a' }, instance: 'billing-1' })
        worker.handle('send', () => null, { concurrency: 7, description: 'Sends' })
        worker.handle('print', () => null, { concurrency: 3 })
        await worker.start()
        const [found, ...more] = (await client.instances.list()).items
        assert.deepEqual(
          [
            found?.instance,
            found?.service,
            found?.version,
            found?.labels,
            found?.capacity,
            [...(found?.handlers ?? [])].sort(),
            more.length,
          ],
          ['billing-1', 'billing', '1.2.3', { zone: 'a' }, 10, ['print', 'send'], 0],
        )
        assert.deepEqual((await watcher.client.instances.list()).items, [], 'another namespace does not see it')
        await worker.stop()
        assert.deepEqual((await client.instances.list()).items, [])
        await eventually('its events are published', () => events.whatsOf('billing-1').length === 2)
        assert.deepEqual(events.whatsOf('billing-1'), ['joined', 'left'])
        events.stop()
      })

      test('two processes of one name: the second is refused, and nothing comes to it', async () => {
        const namespace = freshNamespace()
        const first = await mesh.connect({ namespace, instance: 'a' })
        let legs = 0
        first.handle('leg', () => ++legs)
        await first.start()
        const second = await mesh.connect({ namespace, instance: 'a' })
        second.handle('leg', () => assert.fail('it is not registered'))
        await assert.rejects(second.start(), { code: 'INSTANCE_TAKEN' })
        const run = await first.client.run('leg', null, { mode: 'broadcast' })
        await run.result()
        assert.equal(legs, 1)
        await second.stop()
        assert.deepEqual(
          (await first.client.instances.list()).items.map(({ instance }) => instance),
          ['a'],
        )
      })

      test('a restart within moments under the same name is not refused, and what the former process ran runs again', async (context) => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        const ending = new Cleanup(context)
        const former = await startExecutor(ending, { url: mesh.broker.url, namespace, instance: 'a' })
        const run = await client.run('work', { ms: 60_000 })
        await eventually('it runs', async () => (await client.runs.get(run.id)).state === 'running')
        await former.kill9()
        await startExecutor(ending, { url: mesh.broker.url, namespace, instance: 'a' })
        await eventually('the next attempt runs', async () => {
          const { state, attempt } = await client.runs.get(run.id)
          return state === 'running' && attempt === 2
        })
        await client.runs.cancel(run.id)
      })

      test('a goodbye gives back what has not begun; what runs may end', async () => {
        const release = signal()
        const namespace = freshNamespace()
        const first = await offering(
          mesh,
          { task: () => release.fired.then(() => 'first') },
          { namespace, concurrency: 1, drainMs: 30_000 },
        )
        const runs = [await first.client.run('task')]
        await eventually('it runs', async () => (await first.client.runs.list({ state: 'running' })).items.length === 1)
        for (let n = 0; n < 5; n++) runs.push(await first.client.run('task'))
        const { client } = await offering(mesh, { other: () => null }, { namespace })
        const stopping = first.executor.stop()
        await offering(mesh, { task: () => 'second' }, { namespace })
        const results = await Promise.all(runs.slice(1).map(({ id }) => client.handleOf(id).result()))
        assert.deepEqual(results, Array(5).fill('second'))
        release.fire()
        await stopping
        const [held] = runs
        assert.ok(held)
        const ended = await client.handleOf(held.id).ended()
        assert.deepEqual([ended.state, ended.result, ended.attempt], ['succeeded', 'first', 1])
      })

      test('a silent instance is lost within seconds, its task is taken over and counted as an attempt', async () => {
        const namespace = freshNamespace()
        const worker = await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: 'doomed' })
        const { client } = await mesh.connect({ namespace })
        const events = collect(client.events({ noun: 'instance' }))
        const run = await client.run<{ instance: string; attempt: number }>('work', { ms: 60_000 })
        await eventually('it runs', async () => (await client.runs.get(run.id)).state === 'running')
        await worker.kill9()
        await offering(mesh, { work: (ctx) => ({ instance: 'heir', attempt: ctx.attempt }) }, { namespace })
        assert.deepEqual(await run.result({ timeoutMs: LOST_WITHIN_MS }), { instance: 'heir', attempt: 2 })
        await eventually('its loss is published', () => events.whatsOf('doomed').includes('lost'))
        assert.ok(!(await client.instances.list()).items.some(({ instance }) => instance === 'doomed'))
        events.stop()
      })

      test('a task whose executor dies three times in a row is poison and stays out of the queue', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        const run = await client.run('crash', null, { attempts: 10 })
        for (let life = 1; life <= 3; life++) {
          const worker = await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: `life-${life}` })
          await worker.exited
        }
        await offering(mesh, { crash: () => assert.fail('it came again') }, { namespace })
        const view = await run.ended({ timeoutMs: LOST_WITHIN_MS })
        assert.deepEqual([view.state, view.reason], ['failed', 'poison'])
      })

      test('a broadcast is one task for each live instance, fixed when it starts', async () => {
        const namespace = freshNamespace()
        const names = ['one', 'two', 'three']
        for (const instance of names)
          await offering(
            mesh,
            { everywhere: (ctx) => ({ instance, index: ctx.shard?.index, total: ctx.shard?.total }) },
            { namespace, instance },
          )
        const { client } = await offering(mesh, { other: () => null }, { namespace })
        const run = await client.run('everywhere', { x: 1 }, { mode: 'broadcast' })
        const view = await run.ended()
        assert.deepEqual([view.state, view.reason, view.mode], ['succeeded', 'completed', 'broadcast'])
        const { items } = await client.runs.tasks(run.id)
        assert.deepEqual(
          items.map(({ taskId, index, state }) => [taskId, index, state]),
          [0, 1, 2].map((index) => [`${run.id}-0000${index}`, index, 'succeeded']),
        )
        assert.deepEqual(items.map(({ result }) => (result as { instance: string }).instance).sort(), names.toSorted())
        assert.ok(items.every(({ result }) => (result as { total: number }).total === 3))
      })

      test('one failed leg fails a broadcast, the others are done; a leg is tried again on its own', async () => {
        const namespace = freshNamespace()
        for (const instance of ['good', 'bad'])
          await offering(
            mesh,
            {
              everywhere: (ctx) => {
                if (instance === 'bad') throw new Error(`bad at attempt ${ctx.attempt}`)
                return 'fine'
              },
            },
            { namespace, instance },
          )
        const { client } = await mesh.connect({ namespace })
        const run = await client.run('everywhere', null, { mode: 'broadcast', attempts: 2, backoff: { type: 'fixed', delayMs: 50 } })
        const view = await run.ended()
        assert.deepEqual([view.state, view.reason], ['failed', 'tasks-failed'])
        const { items } = await client.runs.tasks(run.id)
        assert.deepEqual(items.map(({ instance, state, attempt }) => [instance, state, attempt]).sort(), [
          ['bad', 'failed', 2],
          ['good', 'succeeded', 1],
        ])
      })

      test('a broadcast without an instance waits with a reason; cancelled, it never starts', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        const run = await client.run('everywhere', null, { mode: 'broadcast' })
        const view = await client.runs.get(run.id)
        assert.deepEqual([view.state, view.reason], ['queued', 'no-instance'])
        assert.equal((await client.runs.cancel(run.id)).state, 'cancelled')
        const other = await client.run('everywhere', null, { mode: 'broadcast' })
        await offering(mesh, { everywhere: () => 'here' }, { namespace })
        assert.equal((await other.ended()).state, 'succeeded')
      })

      test('a running broadcast is cancelled on every instance', async () => {
        const namespace = freshNamespace()
        for (const instance of ['one', 'two'])
          await offering(
            mesh,
            { wait: (ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))) },
            { namespace, instance },
          )
        const { client } = await mesh.connect({ namespace })
        const run = await client.run('wait', null, { mode: 'broadcast' })
        await eventually(
          'both legs run',
          async () => (await client.runs.tasks(run.id)).items.filter(({ state }) => state === 'running').length === 2,
        )
        await client.runs.cancel(run.id)
        const view = await run.ended()
        assert.equal(view.state, 'cancelled')
        assert.deepEqual(
          (await client.runs.tasks(run.id)).items.map(({ state }) => state),
          ['cancelled', 'cancelled'],
        )
      })

      test('of a broadcast one instance dies: another, unused one takes its leg', async () => {
        const { client, namespace, run } = await brokenBroadcast(mesh, cleanup)
        await offering(mesh, { work: () => 'spare' }, { namespace, instance: 'spare' })
        const view = await run.ended({ timeoutMs: 2 * LOST_WITHIN_MS })
        const { items } = await client.runs.tasks(run.id)
        assert.deepEqual(items.map(({ instance, state }) => `${instance} ${state}`).sort(), [
          'one succeeded',
          'spare succeeded',
          'two succeeded',
        ])
        assert.equal(view.state, 'succeeded')
      })

      test('of a broadcast one instance dies and none is left: its leg ends instance-lost', async () => {
        const { client, run } = await brokenBroadcast(mesh, cleanup)
        const view = await run.ended({ timeoutMs: 2 * LOST_WITHIN_MS })
        const { items } = await client.runs.tasks(run.id)
        assert.deepEqual(items.map(({ state, reason }) => `${state} ${reason}`).sort(), [
          'failed instance-lost',
          'succeeded completed',
          'succeeded completed',
        ])
        assert.deepEqual([view.state, view.reason], ['failed', 'tasks-failed'])
      })
    })
  }
})

/** A broadcast over three instances of which one has died in the middle of its leg. */
async function brokenBroadcast(mesh: TestMesh, cleanup: Cleanup) {
  const namespace = freshNamespace()
  for (const instance of ['one', 'two']) await offering(mesh, { work: () => instance }, { namespace, instance })
  const worker = await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: 'doomed' })
  const { client } = await mesh.connect({ namespace })
  const run = await client.run('work', { ms: 60_000 }, { mode: 'broadcast' })
  await eventually('the leg on the doomed instance runs, the others are done', async () => {
    const { items } = await client.runs.tasks(run.id)
    return (
      items
        .map(({ state }) => state)
        .sort()
        .join() === 'running,succeeded,succeeded'
    )
  })
  await worker.kill9()
  return { client, namespace, run }
}
