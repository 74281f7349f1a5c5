import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '@carillon/wire/testing'
import { startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const RUNS = 500
const KEYS = 50
const [OF_EACH_KEY, OF_ALL] = [2, 30]

/** Counts what runs at once; what must not be is kept. */
class Watch {
  readonly tooMany: string[] = []
  readonly ended = new Set<string>()
  readonly #running = new Map<string, number>()
  #all = 0

  enter(key: string): void {
    const count = (this.#running.get(key) ?? 0) + 1
    this.#running.set(key, count)
    this.#all++
    if (count > OF_EACH_KEY) this.tooMany.push(`${count} of ${key}`)
    if (this.#all > OF_ALL) this.tooMany.push(`${this.#all} of all`)
  }

  leave(key: string, runId: string): void {
    this.#running.set(key, (this.#running.get(key) ?? 1) - 1)
    this.#all--
    this.ended.add(runId)
  }
}

describe('gates', { concurrency: 2 }, () => {
  for (const store of STORES) {
    describe(`gates with two coordinators, ${store.name}`, { skip: store.skip, concurrency: 1 }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store, coordinators: 1 })
      })

      test('500 triggers of 50 keys, one of which floods, while a coordinator is killed: never more than may be open, and all run', async () => {
        const doomed = startCli(cleanup, ['coordinator', '--nats', mesh.broker.url, '--store', mesh.storeUrl])
        await doomed.shows(/service\.ready/)
        const watch = new Watch()
        const work = async (ctx: { payload: unknown; runId: string }) => {
          const { key } = ctx.payload as { key: string }
          watch.enter(key)
          await new Promise((resolve) => setTimeout(resolve, 5))
          watch.leave(key, ctx.runId)
        }
        const { client } = await offering(mesh, { sync: work }, { concurrency: 100 })
        await client.jobs.put({ name: 'sync', concurrencyKey: 'payload.key', maxPerKey: OF_EACH_KEY, maxConcurrent: OF_ALL })
        const keyOf = (i: number) => (i % 2 === 0 ? 'flood' : `key-${i % KEYS}`)
        const started = client.runMany(Array.from({ length: RUNS }, (_, i) => ({ job: 'sync', payload: { key: keyOf(i) } })))
        await eventually('some have run', () => watch.ended.size > 50)
        await doomed.kill9()
        const ids = (await started).map((outcome) => (outcome.ok ? outcome.run.id : assert.fail(String(outcome.error))))
        await eventually('all have run', () => ids.every((id) => watch.ended.has(id)))
        assert.deepEqual(watch.tooMany, [])
      })

      test('rules of requests hold among runs of a handler, whichever coordinators take them', async () => {
        await mesh.addCoordinator()
        const watch = new Watch()
        const { client } = await offering(
          mesh,
          {
            sync: async (ctx) => {
              watch.enter('a')
              await new Promise((resolve) => setTimeout(resolve, 5))
              watch.leave('a', ctx.runId)
            },
          },
          { concurrency: 100 },
        )
        const rules = { concurrencyKey: 'payload.tenant', maxPerKey: OF_EACH_KEY }
        const requests = Array.from({ length: 100 }, () => ({ handler: 'sync', payload: { tenant: 'a' }, ...rules }))
        const ids = (await client.runMany(requests)).map((outcome) => (outcome.ok ? outcome.run.id : assert.fail(String(outcome.error))))
        await eventually('all have run', () => ids.every((id) => watch.ended.has(id)))
        assert.deepEqual(watch.tooMany, [])
      })
    })
  }
})
