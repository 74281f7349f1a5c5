import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually, signal } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

describe('routing', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`labels, filters and routes, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      /** Executors of one namespace, each of which answers its name. */
      async function instances(names: readonly string[], labels: Readonly<Record<string, string>> = {}, namespace = freshNamespace()) {
        for (const instance of names) await offering(mesh, { where: () => instance }, { namespace, instance, labels })
        const { client } = await mesh.connect({ namespace })
        return { client, namespace }
      }

      test('a run with labels waits for an instance that has them, says why, and starts as soon as one joins', async () => {
        const { client, namespace } = await instances(['plain-1', 'plain-2'])
        const run = await client.run('where', null, { labels: { gpu: 'true' } })
        await eventually('it waits', async () => (await client.runs.get(run.id)).reason === 'no-instance')
        const { state, attempt, message } = await client.runs.get(run.id)
        assert.deepEqual(
          [state, attempt, message],
          ['queued', 1, 'none of 2 instances that offer `where` matches: 2 without label gpu=true'],
        )
        await instances(['gpu-1'], { gpu: 'true' }, namespace)
        assert.equal(await run.result(), 'gpu-1')
        const shards = await client.run('where', null, { shards: 3, labels: { gpu: 'true' } })
        await shards.ended()
        assert.deepEqual(
          (await client.runs.tasks(shards.id)).items.map(({ result }) => result),
          ['gpu-1', 'gpu-1', 'gpu-1'],
        )
        const broadcast = await client.run('where', null, { mode: 'broadcast', where: "!('gpu' in labels)" })
        await broadcast.ended()
        assert.deepEqual((await client.runs.tasks(broadcast.id)).items.map(({ result }) => result).sort(), ['plain-1', 'plain-2'])
      })

      test('a cordoned instance matches nothing until it is uncordoned; a run that waits may be cancelled', async () => {
        const { client } = await instances(['only-1'], { zone: 'a' })
        await client.instances.cordon('only-1')
        const options = { labels: { zone: 'a' } }
        const [one, other] = [await client.run('where', null, options), await client.run('where', null, options)]
        await eventually('it says so', async () => /1 cordoned$/.test((await client.runs.get(one.id)).message ?? ''))
        await client.runs.cancel(other.id)
        await client.instances.uncordon('only-1')
        assert.equal(await one.result(), 'only-1')
        assert.equal((await client.runs.get(other.id)).state, 'cancelled')
      })

      test('the load of a heartbeat decides', async () => {
        const namespace = freshNamespace()
        const isBusy = signal()
        const release = signal()
        const work = async () => {
          isBusy.fire()
          await release.fired
          return 'held'
        }
        const { client } = await offering(mesh, { work, where: () => 'here' }, { namespace, instance: 'loaded-1' })
        const held = await client.run('work')
        await isBusy.fired
        let run = await client.run('where', null, { where: 'load.running == 0' })
        await eventually('a heartbeat has said so, and one waits', async () => {
          if ((await client.runs.get(run.id)).reason === 'no-instance') return true
          run = await client.run('where', null, { where: 'load.running == 0' })
          return false
        })
        release.fire()
        assert.equal(await held.result(), 'held')
        assert.equal(await run.result(), 'here', 'the next heartbeat lets it start')
      })

      test('runs of a job go round; a key stays with its instance', async () => {
        const { client } = await instances(['a-1', 'a-2', 'a-3'])
        await client.jobs.put({ name: 'round', handler: 'where', route: 'round-robin' })
        const seen: string[] = []
        for (let i = 0; i < 6; i++) seen.push(await (await client.run<string>('round')).result())
        assert.deepEqual(seen, ['a-1', 'a-2', 'a-3', 'a-1', 'a-2', 'a-3'])
        await client.jobs.put({ name: 'hashed', handler: 'where', route: 'consistent-hash', hashKey: 'payload.customer' })
        const of = async (customer: string) => (await client.run<string>('hashed', { customer })).result()
        const keys = Array.from({ length: 12 }, (_, i) => `c-${i}`)
        const first = await Promise.all(keys.map(of))
        assert.deepEqual(await Promise.all(keys.map(of)), first)
        assert.equal(new Set(first).size > 1, true)
      })

      test('what makes no sense is refused with the field', async () => {
        const { client } = await instances(['b-1'])
        const wrong = await refusal(client.run('where', null, { where: 'load.cpu' }))
        assert.deepEqual([wrong.code, wrong.details.field], ['INVALID_EXPRESSION', 'where'])
        const empty = await refusal(client.run('where', null, { labels: {} }))
        assert.deepEqual([empty.code, empty.details.field], ['INVALID_REQUEST', 'labels'])
        const route = await refusal(client.jobs.put({ name: 'c', route: 'random', mode: 'broadcast' }))
        assert.deepEqual([route.code, route.details.field], ['INVALID_REQUEST', 'route'])
      })
    })
  }
})
