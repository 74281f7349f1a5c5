import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '@carillon/wire/testing'
import { startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const [TRIGGERS, KEYS] = [600, 20]

describe('debounce, throttle and batches', () => {
  for (const store of STORES) {
    describe(`debounce, throttle and batches with two coordinators, ${store.name}`, { skip: store.skip }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store, coordinators: 1 })
      })

      test('600 triggers in batches by key, while a coordinator is killed: each payload is in one batch of its key, once', async () => {
        const doomed = startCli(cleanup, ['coordinator', '--nats', mesh.broker.url, '--store', mesh.storeUrl])
        await doomed.shows(/service\.ready/)
        const batches = new Map<string, { key: string; n: number }[]>()
        const load = (ctx: { payload: unknown; runId: string }) => void batches.set(ctx.runId, ctx.payload as { key: string; n: number }[])
        const { client } = await offering(mesh, { load: async (ctx) => load(ctx) }, { concurrency: 20 })
        await client.jobs.put({ name: 'load', concurrencyKey: 'payload.key', maxPerKey: 5, batch: { count: 7, periodMs: 1_000 } })
        const items = Array.from({ length: TRIGGERS }, (_, n) => ({ job: 'load', payload: { key: `key-${n % KEYS}`, n } }))
        const started = client.runMany(items)
        await eventually('some have run', () => batches.size > 5)
        await doomed.kill9()
        const runs = (await started).map((outcome) => (outcome.ok ? outcome.run : assert.fail(String(outcome.error))))
        const entries = () => [...batches.values()].flat()
        await eventually('all have run', () => entries().length >= TRIGGERS)
        assert.deepEqual(
          entries()
            .map(({ n }) => n)
            .sort((one, other) => one - other),
          Array.from({ length: TRIGGERS }, (_, n) => n),
        )
        for (const batch of batches.values()) {
          assert.ok(batch.length <= 7)
          assert.equal(new Set(batch.map(({ key }) => key)).size, 1)
        }
        const { state, reason, mergedInto = '' } = await runs[8]!.ended()
        assert.deepEqual([state, reason], ['skipped', 'batched'])
        assert.ok(batches.get(mergedInto)?.some(({ n }) => n === 8))
      })

      test('what waits for the result of a trigger that was debounced gets the run that stands for it', async () => {
        const { client } = await offering(mesh, { sync: async (ctx) => ctx.payload })
        await client.jobs.put({ name: 'sync', debounce: { periodMs: 300 } })
        const [first, last] = [await client.run('sync', 1), await client.run('sync', 2)]
        const refused = first.result()
        await assert.rejects(refused, (error: { code?: string; cause?: { mergedInto?: string } }) => {
          assert.deepEqual([error.code, error.cause?.mergedInto], ['RUN_NOT_SUCCEEDED', last.id])
          return true
        })
        assert.equal(await last.result(), 2)
      })

      test('what waits when its job is removed never starts', async () => {
        const { client } = await offering(mesh, { other: async () => undefined })
        for (const rules of [{ overlap: 'serial' }, { debounce: { periodMs: 60_000 } }] as const) {
          await client.jobs.put({ name: 'doomed', handler: 'nobody-offers-it', ...rules })
          const started = await client.runMany(Array.from({ length: 300 }, (_, n) => ({ job: 'doomed', payload: n })))
          const ids = started.map((outcome) => (outcome.ok ? outcome.run.id : assert.fail(String(outcome.error))))
          await client.jobs.remove('doomed')
          const { items } = await client.runs.list({ job: 'doomed', state: 'queued', limit: 1_000 })
          assert.ok(items.filter(({ runId }) => ids.includes(runId)).length <= 1)
        }
      })

      test('what waits when its job is removed, and is to be kept, starts at once', async () => {
        const { client } = await offering(mesh, { kept: async (ctx) => ctx.payload })
        const keyed = { concurrencyKey: 'string(payload)' }
        for (const rules of [{ debounce: { periodMs: 3_600_000 } }, { ...keyed, batch: { count: 50, periodMs: 3_600_000 } }]) {
          await client.jobs.put({ name: 'leaving', handler: 'kept', ...rules })
          const started = await client.runMany([1, 2, 3].map((payload) => ({ job: 'leaving', payload })))
          await client.jobs.remove('leaving', { keepRuns: true })
          const results = started.map((outcome) => (outcome.ok ? outcome.run.result() : assert.fail(String(outcome.error))))
          const removedAt = performance.now()
          assert.deepEqual(await Promise.all(results), [1, 2, 3])
          assert.ok(performance.now() - removedAt < 9_000, 'before any gate wakes by itself')
        }
      })

      test('a throttled job starts at once, and once more at the end of the period', async () => {
        const { client } = await offering(mesh, { refresh: async (ctx) => ctx.payload })
        await client.jobs.put({ name: 'refresh', throttle: { periodMs: 1_000, payload: 'last' } })
        const first = await client.run('refresh', 1)
        assert.equal(await first.result(), 1)
        const [second, third] = [await client.run('refresh', 2), await client.run('refresh', 3)]
        assert.equal(await third.result(), 3)
        const [{ startedAt = '' }, { startedAt: later = '' }] = [await client.runs.get(first.id), await client.runs.get(third.id)]
        assert.ok(Date.parse(later) - Date.parse(startedAt) >= 900)
        assert.equal((await second.ended()).mergedInto, third.id)
      })
    })
  }
})
