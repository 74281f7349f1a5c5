import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Client, RunHandle } from '@carillon/sdk'
import { eventually, signal, within } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** How many tasks of a run are in each state. */
async function countsOf(client: Client, run: RunHandle): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  let cursor: string | undefined
  do {
    const page = await client.runs.tasks(run.id, { limit: 1_000, ...(cursor ? { cursor } : {}) })
    for (const { state } of page.items) counts[state] = (counts[state] ?? 0) + 1
    cursor = page.next
  } while (cursor)
  return counts
}

describe('shards', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`static shards, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      test('each shard runs once, knows its index, and its result is kept', async () => {
        const seen: unknown[] = []
        const { client } = await offering(mesh, {
          export: (ctx) => {
            seen.push(ctx.shard)
            return `part ${ctx.shard?.index}`
          },
        })
        const run = await client.run('export', { table: 'orders' }, { shards: 25 })
        assert.deepEqual(await run.result(), { tasks: { succeeded: 25 } })
        const tasks = (await client.runs.tasks(run.id)).items
        assert.deepEqual(
          tasks.map(({ index, result, state, attempt }) => [index, result, state, attempt]),
          Array.from({ length: 25 }, (_, index) => [index, `part ${index}`, 'succeeded', 1]),
        )
        assert.equal(new Set(seen.map((shard) => JSON.stringify(shard))).size, 25)
        assert.equal(seen.length, 25)
      })

      test('a list makes a task of each of its items; a job keeps its plan, a run may ask for another', async () => {
        const { client } = await offering(mesh, { convert: (ctx) => ctx.shard?.item })
        const items = ['a', { b: [1] }, null, 3]
        const job = await client.jobs.put({ name: 'convert', items, maxParallel: 2, tolerate: '50%' })
        assert.deepEqual([job.mode, job.shards, job.maxParallel, job.tolerate], ['shards', 4, 2, '50%'])
        const run = await client.run('convert')
        await run.result()
        const results = async (id: string) => (await client.runs.tasks(id)).items.map(({ item, result }) => [item ?? null, result ?? null])
        assert.deepEqual(
          await results(run.id),
          items.map((item) => [item, item]),
        )
        const other = await client.run('convert', null, { items: ['z'] })
        await other.result()
        assert.deepEqual(await results(other.id), [['z', 'z']])
      })

      test('no more than maxParallel are under way at once', async () => {
        let [running, most] = [0, 0]
        const areThree = signal()
        const { client } = await offering(mesh, {
          export: async () => {
            most = Math.max(most, ++running)
            if (running === 3) areThree.fire()
            await within(60_000, 'three run at once', areThree.fired)
            await new Promise((resolve) => setTimeout(resolve, 5))
            running--
          },
        })
        const run = await client.run('export', null, { shards: 40, maxParallel: 3 })
        assert.deepEqual(await run.result({ timeoutMs: 30_000 }), { tasks: { succeeded: 40 } })
        assert.equal(most, 3)
      })

      test('failed shards fail the run, unless they are tolerated; those alone can be run again', async () => {
        let broken = true
        const { client } = await offering(mesh, {
          export: (ctx) => {
            if (broken && (ctx.shard?.index ?? 0) % 10 === 0) throw new Error('no room')
          },
        })
        const tolerant = await client.run('export', null, { shards: 20, tolerate: '10%' })
        assert.deepEqual(await tolerant.result(), { tasks: { failed: 2, succeeded: 18 } })
        const run = await client.run('export', null, { shards: 20, tolerate: 1 })
        await assert.rejects(run.result(), /2 of 20 tasks failed/)
        const failed = (await client.runs.tasks(run.id, { state: 'failed' })).items
        assert.deepEqual(
          failed.map(({ index }) => index),
          [0, 10],
        )
        broken = false
        await client.runs.retry(run.id, { only: 'failed' })
        await eventually('it succeeds', async () => (await client.runs.get(run.id)).state === 'succeeded')
        assert.deepEqual(
          (await client.runs.tasks(run.id)).items.map(({ attempt }) => attempt),
          Array.from({ length: 20 }, (_, index) => (index % 10 === 0 ? 2 : 1)),
        )
      })

      test('a run with 10,000 shards is cancelled, and none starts after that', async () => {
        let [begun, isCancelled, late] = [0, false, 0]
        const release = signal()
        const { client } = await offering(mesh, {
          export: async (ctx) => {
            begun++
            if (isCancelled) late++
            await Promise.race([release.fired, new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))])
          },
        })
        const run = await client.run('export', null, { shards: 10_000 })
        await eventually('ten run', () => begun === 10)
        await client.runs.cancel(run.id)
        await eventually('it is cancelled', async () => (await client.runs.get(run.id)).state === 'cancelled')
        isCancelled = true
        const counts = await countsOf(client, run)
        assert.deepEqual(counts, { cancelled: 10_000 })
        const next = await client.run('export', null, { shards: 1 })
        await eventually('the next run begins', () => late === 1)
        release.fire()
        await next.result()
        assert.equal(late, 1)
      })

      test('shards of an instance that is gone run elsewhere, and the run ends', async () => {
        const namespace = freshNamespace()
        const stuck = signal()
        const first = await offering(mesh, { export: () => stuck.fired }, { namespace, concurrency: 2, drainMs: 0 })
        const run = await first.client.run('export', null, { shards: 6 })
        await eventually('two run', async () => (await countsOf(first.client, run))['running'] === 2)
        const second = await offering(mesh, { export: () => 'second' }, { namespace })
        await first.executor.stop()
        stuck.fire()
        const outcome = second.client.handleOf(run.id)
        assert.deepEqual(await outcome.result({ timeoutMs: 30_000 }), { tasks: { succeeded: 6 } })
      })

      test('what contradicts itself is refused by name', async () => {
        const { client } = await mesh.connect({ namespace: freshNamespace() })
        for (const [options, field] of [
          [{ shards: 0 }, 'shards'],
          [{ shards: -1 }, 'shards'],
          [{ shards: 1.5 }, 'shards'],
          [{ shards: 10_001 }, 'shards'],
          [{ items: [] }, 'items'],
          [{ shards: 2, items: [1] }, 'items'],
          [{ shards: 2, mode: 'broadcast' }, 'mode'],
          [{ maxParallel: 2 }, 'maxParallel'],
          [{ shards: 2, tolerate: '200%' }, 'tolerate'],
        ] as const) {
          const error = await refusal(client.run('export', null, options as object))
          assert.deepEqual([error.code, error.details.field], ['INVALID_REQUEST', field])
        }
        assert.equal((await client.runs.list()).items.length, 0)
      })
    })
  }
})
