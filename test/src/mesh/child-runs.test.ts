import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ChildRunFailed, type TaskContext, workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

describe('child runs', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`child runs, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store, coordinators: 2 })
      })

      test('a handler runs a job and has its result; a further attempt finds the same run', async () => {
        let [attempts, children] = [0, 0]
        const { client } = await offering(mesh, {
          part: (ctx: TaskContext) => ({ of: ctx.payload, n: ++children }),
          whole: async (ctx: TaskContext) => {
            const first = await ctx.run('part', { id: 7 })
            if (++attempts === 1) throw new Error('once more')
            return { first, second: await ctx.run<{ n: number }>('part', 'two') }
          },
        })
        const run = await client.run('whole', null, { attempts: 2, backoff: { type: 'fixed', delayMs: 10 } })
        assert.deepEqual(await run.result(), { first: { of: { id: 7 }, n: 1 }, second: { of: 'two', n: 2 } })
        const { items } = await mesh.store.runs.children({ of: run.id, limit: 10 })
        assert.deepEqual(
          items.map(({ state, parentTask, trigger }) => [state, parentTask, trigger]),
          [
            ['succeeded', run.id, 'run'],
            ['succeeded', run.id, 'run'],
          ],
        )
      })

      test('in steps it is a step: no process is held while the child run is under way, and what was done before is not done again', async () => {
        let calls = 0
        let release: () => void = () => undefined
        const held = new Promise<void>((resolve) => (release = resolve))
        const { client } = await offering(mesh, {
          slow: async () => {
            await held
            return 'done'
          },
          durable: async (ctx: TaskContext) => {
            await ctx.step('count', () => ++calls)
            const result = await ctx.run('slow')
            return { result, calls: await ctx.step('again', () => calls), attempt: ctx.attempt }
          },
        })
        const run = await client.run('durable')
        const record = await eventually('it waits for its child run', async () => {
          const [stored] = await mesh.store.runs.get([run.id])
          return stored?.state === 'delayed' ? stored : undefined
        })
        assert.deepEqual([record.reason, record.owner, record.wakeAt], ['signal', null, null])
        assert.match((await client.runs.why(run.id)).why, /waits for/)
        release()
        assert.deepEqual(await run.result(), { result: 'done', calls: 1, attempt: 2 })
        const steps = (await client.runs.steps(run.id)).items
        assert.deepEqual(
          steps.map(({ name, state }) => [name, state]),
          [
            ['count', 'done'],
            ['slow', 'done'],
            ['again', 'done'],
          ],
        )
      })

      test('a child run that fails for good throws, and a further attempt starts another one', async () => {
        let tries = 0
        const { client } = await offering(mesh, {
          flaky: () => {
            if (++tries === 1) throw new Error('no money')
            return tries
          },
          asks: async (ctx: TaskContext) => {
            await ctx.step('begin', () => null)
            try {
              return await ctx.run<number>('flaky', null, { key: 'pay' })
            } catch (error) {
              assert.equal((error as Error).name, 'ChildRunFailed')
              throw error
            }
          },
        })
        const run = await client.run('asks', null, { attempts: 2, backoff: { type: 'fixed', delayMs: 10 } })
        assert.equal(await run.result(), 2)
        assert.equal(new ChildRunFailed({ runId: 'r', state: 'failed' }).name, 'ChildRunFailed')
      })

      test('a cancel goes down to child runs of handlers, whether they wait in their process or hold none', async () => {
        const { client } = await offering(mesh, {
          endless: (ctx: TaskContext) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
          plain: (ctx: TaskContext) => ctx.run('endless'),
          durable: async (ctx: TaskContext) => {
            await ctx.step('begin', () => null)
            return ctx.run('endless')
          },
        })
        for (const handler of ['plain', 'durable']) {
          const run = await client.run(handler)
          const child = await eventually('its child run runs', async () => {
            const [found] = (await mesh.store.runs.children({ of: run.id, limit: 1 })).items
            const [parent] = await mesh.store.runs.heads([run.id])
            return found?.state === 'running' && (handler === 'plain' || parent?.state === 'delayed') ? found : undefined
          })
          await client.runs.cancel(run.id)
          await eventually('both are cancelled', async () => {
            const states = (await mesh.store.runs.heads([run.id, child.id])).map((one) => one?.state)
            return states.every((state) => state === 'cancelled') || undefined
          })
        }
      })

      test('a detached child run gives its id at once, and outlives its parent; one that was not awaited does not (48)', async () => {
        let release: () => void = () => undefined
        const held = new Promise<void>((resolve) => (release = resolve))
        const { client } = await offering(mesh, {
          later: () => held.then(() => 'done'),
          endless: (ctx: TaskContext) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
          leaves: async (ctx: TaskContext) => {
            const { runId } = await ctx.run('later', null, { detached: true })
            await ctx.setData({})
            void ctx.run('endless').catch(() => undefined)
            await eventually('it is there', async () => (await mesh.store.runs.children({ of: ctx.runId, limit: 1 })).items[0])
            throw new Error(runId)
          },
        })
        const run = await client.run('leaves')
        const { state, failure } = await run.ended()
        assert.equal(state, 'failed')
        const [child] = (await mesh.store.runs.children({ of: run.id, limit: 1 })).items
        await eventually('what was not awaited is cancelled', async () => (await client.runs.get(child?.id ?? '')).state === 'cancelled')
        release()
        const later = await eventually('the detached one goes on', async () => {
          const view = await client.runs.get(failure?.message ?? '')
          return view.state === 'succeeded' ? view : undefined
        })
        assert.equal(later.result, 'done')
      })

      test('a run that would wait for itself is refused; a child run is not retried by itself', async () => {
        const { client } = await offering(mesh, {
          again: (ctx: TaskContext) => ctx.run('again'),
          fails: () => {
            throw new Error('never')
          },
          parent: (ctx: TaskContext) => ctx.run('fails'),
        })
        const run = await client.run('again')
        await assert.rejects(run.result(), { message: /again → again: a run of "again" waits for this one already/ })
        const other = await client.run('parent')
        await other.result().catch(() => undefined)
        const [child] = (await mesh.store.runs.children({ of: other.id, limit: 1 })).items
        assert.equal((await refusal(client.runs.retry(child?.id ?? ''))).code, 'CHILD_RUN')
      })

      test('a workflow with another one and a task for each item of a list', async () => {
        const { client } = await offering(mesh, {
          reserve: () => ({ parcels: [1, 2, 3] }),
          ship: (ctx: TaskContext<number>) => ctx.payload * 2,
          tell: (ctx: TaskContext) => ctx.payload,
        })
        const shipping = workflow('shipping').node('each', { foreach: 'payload', handler: 'ship', maxParallel: 2 }).done()
        await client.workflows.put(shipping)
        const order = workflow('order', { output: 'nodes.tell.result' })
          .node('reserve', { handler: 'reserve' })
          .node('ship', { job: shipping, payload: 'nodes.reserve.result.parcels', after: 'reserve' })
          .node('tell', { handler: 'tell', payload: 'nodes.ship.state', after: 'ship' })
          .done()
        await client.workflows.put(order)
        const run = await client.run(order, null)
        assert.equal(await run.result(), 'succeeded')
        const tree = await client.runs.tree(run.id)
        const child = tree.nodes?.find(({ id }) => id === 'ship')?.childRunId ?? ''
        assert.deepEqual((await client.runs.tree(child)).nodes?.[0]?.items, { total: 3, succeeded: 3, failed: 0 })
      })
    })
  }
})
