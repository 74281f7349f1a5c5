import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openStore, type Store } from '@carillon/store'
import type { NatsConnection } from '@nats-io/transport-node'
import { Audit } from '../support/audit.ts'
import { startBroker } from '../support/broker.ts'
import { cliFor, startCli, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { startExecutor } from '../support/executor.ts'
import { connectPlain, connectTo, freshNamespace, startMesh } from '../support/mesh.ts'
import { isAlive, type TestProcess } from '../support/processes.ts'
import { STORES } from '../support/stores.ts'
import { judge, Load } from './load.ts'

/** Long enough for a loss to be noticed (10 s) twice over on a slow machine. */
const TIMEOUT_MS = 120_000

describe('kill -9 in mid-flight', { concurrency: 2 }, () => {
  for (const store of STORES) {
    const options = { skip: store.skip, timeout: TIMEOUT_MS }

    test(`of an executor, ${store.name}`, options, async (context) => {
      const cleanup = new Cleanup(context)
      const audit = new Audit()
      const mesh = await startMesh(cleanup, { store, wrapStore: audit.watch })
      const namespace = freshNamespace()
      const executors: TestProcess[] = []
      for (const instance of ['a', 'b'])
        executors.push(await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance, concurrency: 20 }))
      const { client } = await mesh.connect({ namespace })
      const load = new Load({ client, count: 600, ms: 300 })
      const starting = load.start()
      let held: readonly string[] = []
      const inFlight = await load.strike(mesh.store, async () => {
        held = await heldBy(mesh.store, namespace, 'a')
        await executors[0]?.kill9()
      })
      await starting
      const outcome = await load.outcome(inFlight, { store: mesh.store, nats: await mesh.nats(), namespace })
      judge(`executor killed (${store.name}), ${held.length} of them known to be its own`, outcome, context.diagnostic.bind(context))
      assert.deepEqual(audit.twice(), [], 'a terminal state was written twice')
    })

    test(`of one of two coordinators, ${store.name}`, options, async (context) => {
      const cleanup = new Cleanup(context)
      const storeUrl = store.fresh(cleanup)
      const look = await openStore(storeUrl)
      cleanup.add('store', () => look.close())
      const broker = await startBroker(cleanup)
      const service = (name: string) =>
        startCli(cleanup, [name, '--nats', broker.url, ...(name === 'registry' ? [] : ['--store', storeUrl])])
      const [, doomed] = [service('registry'), service('coordinator'), service('coordinator')]
      const carillon = cliFor(cleanup, broker.url)
      await eventually('both coordinators answer', async () => {
        const { stdout } = await carillon(['doctor'])
        return /2 coordinators/.test(stdout)
      })
      const namespace = freshNamespace()
      const { client } = await offering(
        { connect: (given) => connectTo(cleanup, broker.url, given) },
        { work: (ctx: { payload: { ms: number } }) => new Promise((resolve) => setTimeout(resolve, ctx.payload.ms)) },
        { namespace, concurrency: 20 },
      )
      await client.jobs.put({ name: 'tick', handler: 'work', payload: { ms: 1 }, schedule: { everyMs: 500 } })
      const load = new Load({ client, count: 1_000, ms: 50 })
      const starting = load.start()
      const inFlight = await load.strike(look, async () => doomed?.kill9())
      await starting
      const outcome = await load.outcome(inFlight, { store: look, nats: await connectPlain(cleanup, broker.url), namespace })
      judge(`one of two coordinators killed (${store.name})`, outcome, context.diagnostic.bind(context))
      const slots = async () =>
        (await client.runs.list({ job: 'tick', limit: 1_000 })).items.map(({ slot = '' }) => Date.parse(slot)).sort()
      const count = (await slots()).length
      await eventually('the schedule goes on', async () => (await slots()).length > count + 2)
      const fired = await slots()
      assert.deepEqual(
        fired,
        fired.map((_, i) => (fired[0] as number) + i * 500),
        'each slot has one run',
      )
    })

    test(`of nats-server, ${store.name}`, options, async (context) => {
      const cleanup = new Cleanup(context)
      const audit = new Audit()
      const mesh = await startMesh(cleanup, { store, coordinators: 2, wrapStore: audit.watch })
      const namespace = freshNamespace()
      await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: 'a', concurrency: 50 })
      const { client } = await mesh.connect({ namespace })
      const load = new Load({ client, count: 2_000, ms: 30 })
      const starting = load.start()
      const inFlight = await load.strike(mesh.store, () => mesh.broker.kill9())
      await mesh.broker.start()
      await starting
      const outcome = await load.outcome(inFlight, { store: mesh.store, nats: await mesh.nats(), namespace })
      judge(`nats-server killed and started again (${store.name})`, outcome, context.diagnostic.bind(context))
      assert.deepEqual(audit.twice(), [], 'a terminal state was written twice')
    })

    test(`no kill, but SIGSTOP of an executor: what it says when it comes back is refused, ${store.name}`, options, async (context) => {
      const cleanup = new Cleanup(context)
      const audit = new Audit()
      const mesh = await startMesh(cleanup, { store, wrapStore: audit.watch })
      const namespace = freshNamespace()
      const frozen = await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: 'frozen', concurrency: 20 })
      const { client } = await mesh.connect({ namespace })
      // Long beside the 200 ms after which a start is told: when it is stopped, most of what it runs is known to be its own.
      const load = new Load({ client, count: 100, ms: 2_000 })
      const starting = load.start()
      const reports: { taskId: string; type: string }[] = []
      const nats = await mesh.nats()
      nats.subscribe(`carillon.${namespace}.report.frozen`, {
        callback: (_error, message) => void reports.push(...[message.json<(typeof reports)[number]>()].flat()),
      })
      let held: string[] = []
      const inFlight = await load.strike(mesh.store, async () => {
        await eventually('it is stopped, and something is known to be its own', async () => {
          await heldBy(mesh.store, namespace, 'frozen')
          frozen.signal('SIGSTOP')
          // What it had said until then is stored by now, or the next moment.
          await drained(nats)
          held = await ownedBy(mesh.store, namespace, 'frozen')
          // Stopped between two waves of tasks nothing was: their starts are told after 200 ms.
          if (held.length === 0) frozen.signal('SIGCONT')
          return held.length > 0
        })
      })
      await starting
      await offering(mesh, { work: () => 'heir' }, { namespace, instance: 'heir', concurrency: 20 })
      const outcome = await load.outcome(inFlight, { store: mesh.store, nats, namespace })
      const before = await mesh.store.runs.get(held)
      reports.length = 0
      frozen.signal('SIGCONT')
      const late = () => reports.filter(({ taskId, type }) => type === 'finished' && held.includes(taskId))
      await eventually('its late reports arrive', () => late().length > 0)
      await drained(nats)
      assert.deepEqual(await mesh.store.runs.get(held), before, 'late reports changed nothing')
      assert.ok(before.every((run) => run?.owner === 'heir' && run.attempt === 2))
      judge(`executor stopped and continued (${store.name}), ${late().length} late reports`, outcome, context.diagnostic.bind(context))
      assert.deepEqual(audit.twice(), [], 'a terminal state was written twice')
      await eventually('it is back', async () => (await client.instances.list()).items.some(({ instance }) => instance === 'frozen'))
    })
  }

  test('of the whole of `carillon up`, its SQLite store in the middle of it', { timeout: TIMEOUT_MS }, async (context) => {
    const cleanup = new Cleanup(context)
    const data = cleanup.folder()
    const up = await startUp(cleanup, { data, demo: false })
    const look = await openStore(`sqlite:${data}/carillon.db`)
    cleanup.add('store', () => look.close())
    const namespace = freshNamespace()
    const port = Number(new URL(up.url).port)
    await startExecutor(cleanup, { url: up.url, namespace, instance: 'a', concurrency: 50 })
    const { client } = await connectTo(cleanup, up.url, { namespace })
    const load = new Load({ client, count: 1_500, ms: 30 })
    const starting = load.start()
    const inFlight = await load.strike(look, () => up.process.kill9())
    await startUp(cleanup, { data, demo: false, port })
    assert.ok(!isAlive(up.pids.nats))
    await starting
    const outcome = await load.outcome(inFlight, { store: look, nats: await connectPlain(cleanup, up.url), namespace })
    judge('carillon up killed and started again', outcome, context.diagnostic.bind(context))
  })
})

/** What an instance is known to run, once it is something. */
async function heldBy(store: Store, namespace: string, owner: string): Promise<string[]> {
  return eventually(`${owner} runs something`, async () => {
    const held = await ownedBy(store, namespace, owner)
    return held.length > 0 ? held : undefined
  })
}

async function ownedBy(store: Store, namespace: string, owner: string): Promise<string[]> {
  return (await store.runs.ownedBy({ namespace, owner, limit: 100 })).items.map(({ id }) => id)
}

/** Every report has been read and dealt with. */
async function drained(nats: NatsConnection): Promise<void> {
  await eventually('all reports have been read', async () => {
    const info = await nats.request('$JS.API.CONSUMER.INFO.REPORTS.coordinators')
    const { num_pending: pending, num_ack_pending: unacked } = info.json<{ num_pending: number; num_ack_pending: number }>()
    return pending === 0 && unacked === 0
  })
}
