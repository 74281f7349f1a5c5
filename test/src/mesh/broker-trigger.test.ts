import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HEADERS } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE, signal } from '@carillon/wire/testing'
import { headers } from '@nats-io/transport-node'
import { Audit } from '../support/audit.ts'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal, wholeRuns } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

describe('the broker as trigger', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`the broker as trigger, ${store.name}`, { skip: store.skip, concurrency: 1 }, () => {
      const cleanup = new Cleanup({ after })
      const audit = new Audit()
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store, wrapStore: audit.watch })
      })

      test('a message fires a job: its body is the payload, its headers are the options', async () => {
        const { client, namespace } = await offering(mesh, { report: (ctx) => ctx.payload })
        await client.jobs.put({ name: 'daily', handler: 'report', payload: { from: 'the job' } })
        const nats = await mesh.nats()
        const subject = `carillon.${namespace}.trigger.daily`
        nats.publish(subject, '{"day":1}')
        nats.publish(subject)
        const options = headers()
        for (const [name, value] of [
          [HEADERS.key, 'day-2'],
          [HEADERS.delayMs, '60000'],
          [HEADERS.attempts, '3'],
          [HEADERS.timeoutMs, '5000'],
          [HEADERS.traceparent, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
        ] as const)
          options.set(name, value)
        nats.publish(subject, '{"day":2}', { headers: options })
        nats.publish(subject, '{"day":2}', { headers: options })
        nats.publish(`carillon.${namespace}.trigger.report`, '"no job of that name: the handler"')
        const runs = await eventually('all are there', async () => {
          const items = await wholeRuns(client)
          return items.filter(({ state }) => state === 'succeeded').length === 3 && items.length === 4 ? items : undefined
        })
        assert.ok(runs.every(({ trigger }) => trigger === 'stream'))
        assert.deepEqual(
          runs
            .filter(({ state }) => state === 'succeeded')
            .map(({ result }) => JSON.stringify(result))
            .sort(),
          ['"no job of that name: the handler"', '{"day":1}', '{"from":"the job"}'],
        )
        const delayed = runs.find(({ state }) => state === 'delayed')
        assert.deepEqual([delayed?.key, delayed?.attempts, delayed?.payload], ['day-2', 3, { day: 2 }])
        const [record] = await mesh.store.runs.get([delayed?.runId ?? ''])
        assert.deepEqual([record?.timeoutMs, record?.traceparent], [5_000, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'])
      })

      test('what comes while every coordinator is down is fired when one is up again', async () => {
        const { client, namespace } = await offering(mesh, { report: (ctx) => ctx.payload })
        for (const coordinator of [...mesh.coordinators]) await mesh.stopCoordinator(coordinator)
        const nats = await mesh.nats()
        for (let day = 1; day <= 20; day++)
          await nats.request(`carillon.${namespace}.trigger.report`, JSON.stringify({ day }), REQUEST_DEADLINE)
        await mesh.addCoordinator()
        await mesh.addCoordinator()
        const results = await eventually('all have run', async () => {
          const items = await wholeRuns(client)
          return items.length === 20 && items.every(({ state }) => state === 'succeeded') ? items.map(({ result }) => result) : undefined
        })
        assert.equal(new Set(results.map((result) => (result as { day: number }).day)).size, 20)
      })

      test('a message on any subject fires the jobs that name it, also one that comes while every coordinator is down', async () => {
        const { client, namespace } = await offering(mesh, { sync: (ctx) => ctx.payload })
        const on = { subject: `${namespace}.orders.*`, filter: 'payload.total > 100', map: "{'id': payload.id}" }
        await client.jobs.put({ name: 'sync', on })
        const nats = await mesh.nats()
        const queue = { name: `QUEUE-${namespace}`, subjects: [`${namespace}.queue.>`], retention: 'workqueue', storage: 'memory' }
        await nats.request(`$JS.API.STREAM.CREATE.${queue.name}`, JSON.stringify(queue), REQUEST_DEADLINE)
        const wrong = await refusal(client.jobs.put({ name: 'other', handler: 'sync', on: { subject: `${namespace}.queue.a` } }))
        assert.deepEqual([wrong.code, wrong.details.field], ['INVALID_REQUEST', 'on.subject'])
        const publish = (id: number, total: number) =>
          nats.request(`${namespace}.orders.created`, JSON.stringify({ id, total }), REQUEST_DEADLINE)
        await publish(1, 200)
        await publish(2, 50)
        const ended = (count: number) =>
          eventually(`${count} have run`, async () => {
            const items = await wholeRuns(client)
            return items.length === count && items.every(({ state }) => state === 'succeeded') ? items : undefined
          })
        const [first] = await ended(1)
        assert.deepEqual([first?.trigger, first?.job, first?.result], ['event', 'sync', { id: 1 }])
        for (const coordinator of [...mesh.coordinators]) await mesh.stopCoordinator(coordinator)
        await publish(3, 300)
        await mesh.addCoordinator()
        await mesh.addCoordinator()
        assert.deepEqual((await ended(2)).map(({ result }) => (result as { id: number }).id).sort(), [1, 3])
      })

      test('the broker is wiped: what was queued and what was running ends exactly once', async () => {
        const release = signal()
        const calls = new Map<string, number>()
        const { client, namespace } = await offering(
          mesh,
          {
            held: async (ctx) => {
              calls.set(ctx.runId, (calls.get(ctx.runId) ?? 0) + 1)
              await release.fired
              return 'held'
            },
          },
          { concurrency: 10 },
        )
        const running = await Promise.all(Array.from({ length: 10 }, () => client.run('held')))
        const queued = await Promise.all(Array.from({ length: 100 }, () => client.run('later')))
        const delayed = await client.run('later', null, { delayMs: 4_000 })
        await eventually('ten run', async () => (await client.runs.list({ state: 'running' })).items.length === 10)
        await mesh.broker.kill9()
        mesh.broker.wipe()
        await mesh.broker.start()
        release.fire()
        await offering(mesh, { later: (ctx) => void calls.set(ctx.runId, (calls.get(ctx.runId) ?? 0) + 1) }, { namespace })
        const endOf = (run: (typeof running)[number]) =>
          run.ended({ timeoutMs: 60_000 }).catch(async (error: Error) => {
            const [view, { items }] = await Promise.all([client.runs.get(run.id), client.instances.list()])
            return assert.fail(`${error.message}: ${JSON.stringify({ view, handlers: items.map(({ handlers }) => handlers) })}`)
          })
        const ended = await Promise.all([...running, ...queued, delayed].map(endOf))
        assert.deepEqual([...new Set(ended.map(({ state }) => state))], ['succeeded'])
        assert.deepEqual(audit.twice(), [], 'completed twice')
        assert.deepEqual(
          [...queued, delayed].filter(({ id }) => calls.get(id) !== 1).map(({ id }) => [id, calls.get(id)]),
          [],
          'what was queued was run once',
        )
        const again = await client.run('later')
        assert.equal(await again.result({ timeoutMs: 30_000 }), null, 'the mesh works')
      })
    })
  }
})
