import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type AlertRuleInput, CALLS } from '@carillon/contracts'
import { type Client, workflow } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { fork, messageOf } from '../support/processes.ts'
import { STORES } from '../support/stores.ts'

/** Each executor of these tests hears signals of the process. */
process.setMaxListeners(100)
const secrets = [`whsec_${Buffer.alloc(32, 5).toString('base64')}`]
const STUBBORN = fileURLToPath(new URL('../support/stubborn-main.js', import.meta.url))
const MORTAL = fileURLToPath(new URL('../support/mortal-main.js', import.meta.url))

interface Said {
  readonly id: string
  readonly type: string
  readonly summary: string
}

/** What arrives at the receiver, by namespace. */
class Receiver {
  readonly said = new Map<string, Said[]>()
  #url = ''

  async start(cleanup: Cleanup): Promise<void> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const { type, data } = JSON.parse(Buffer.concat(parts).toString())
        const of = this.of(data.namespace)
        of.push({ id: String(request.headers['webhook-id']), type, summary: data.incident.summary })
        response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.add('receiver', async () => void server.close())
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  of(namespace: string): Said[] {
    const there = this.said.get(namespace) ?? []
    this.said.set(namespace, there)
    return there
  }

  /** A channel of this namespace, and a rule that sends to it. */
  async rule(client: Client, rule: Omit<AlertRuleInput, 'name' | 'channels'>): Promise<void> {
    await client.call(CALLS.alertChannelsPut, { name: 'ops', target: { kind: 'webhook', url: this.#url, secrets } })
    await client.call(CALLS.alertRulesPut, { name: rule.scene, channels: ['ops'], ...rule })
  }

  /** The n-th message of a namespace; all of them have different ids. */
  async nth(namespace: string, n: number): Promise<string> {
    const said = await eventually(`message ${n} of ${namespace}`, () => this.of(namespace)[n - 1])
    const all = this.of(namespace)
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
    return `${said.type.replace('incident.', '')}: ${said.summary}`
  }
}

for (const store of STORES) {
  describe(`alerts with two gateways, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    const receiver = new Receiver()
    let mesh: TestMesh
    before(async () => {
      await receiver.start(cleanup)
      mesh = await startMesh(cleanup, { store, gateways: 2, hungAfterMs: 1_000 })
    })

    describe('scenes, each from its cause to a message, and to the notice that it is over', { concurrency: true }, () => {
      test('run-failed: five failures are one incident that is sent once', async () => {
        let isBroken = true
        const { client, namespace } = await offering(mesh, {
          bill: () => {
            if (isBroken) throw new Error('no paper')
          },
        })
        await client.jobs.put({ name: 'bills', handler: 'bill' })
        await receiver.rule(client, { scene: 'run-failed', jobs: ['bill*'], threshold: 5 })
        const runs = await Promise.all(Array.from({ length: 5 }, () => client.run('bills')))
        await Promise.all(runs.map((run) => run.result().catch(() => undefined)))
        assert.equal(await receiver.nth(namespace, 1), 'opened: job bills failed 5 times')
        isBroken = false
        await (await client.run('bills')).result()
        assert.equal(await receiver.nth(namespace, 2), 'recovered: job bills failed 5 times')
        const { items } = await client.call(CALLS.incidentsList, {})
        assert.deepEqual(
          items.map(({ state, count }) => [state, count]),
          [['recovered', 5]],
        )
      })

      test('run-timed-out', async () => {
        const { client, namespace } = await offering(mesh, {
          slow: async ({ signal }) => {
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
          },
          fast: () => 'done',
        })
        await receiver.rule(client, { scene: 'run-timed-out', recoverAfter: 2 })
        await client.jobs.put({ name: 'report', handler: 'slow', timeoutMs: 100 })
        await (await client.run('report')).result().catch(() => undefined)
        assert.equal(await receiver.nth(namespace, 1), 'opened: job report took longer than its time limit once')
        await client.jobs.put({ name: 'report', handler: 'fast' })
        for (let i = 0; i < 2; i++) await (await client.run('report')).result()
        assert.equal(await receiver.nth(namespace, 2), 'recovered: job report took longer than its time limit once')
      })

      test('run-expired, of a handler that was called without a job', async () => {
        const { client, namespace, executor } = await offering(mesh, {})
        await receiver.rule(client, { scene: 'run-expired', handlers: ['soon'] })
        await (await client.run('soon', null, { deadlineMs: 100 })).ended({ timeoutMs: 60_000 })
        assert.equal(await receiver.nth(namespace, 1), 'opened: handler soon had not started by its deadline once')
        await executor.stop()
        await offering(mesh, { soon: () => 'done' }, { namespace })
        await (await mesh.connect({ namespace })).client.run('soon').then((run) => run.result())
        assert.equal(await receiver.nth(namespace, 2), 'recovered: handler soon had not started by its deadline once')
      })

      test('failures-in-row', async () => {
        let isBroken = true
        const { client, namespace } = await offering(mesh, {
          flaky: () => {
            if (isBroken) throw new Error('no')
          },
        })
        await client.jobs.put({ name: 'flaky', handler: 'flaky' })
        await receiver.rule(client, { scene: 'failures-in-row', threshold: 2, recoverAfter: 2 })
        const end = async () => void (await (await client.run('flaky')).ended({ timeoutMs: 60_000 }))
        await end()
        isBroken = false
        await end()
        isBroken = true
        await end()
        assert.deepEqual((await client.call(CALLS.incidentsList, {})).items, [], 'two failures, and none in a row')
        await end()
        assert.equal(await receiver.nth(namespace, 1), 'opened: job flaky failed 2 times in a row')
        isBroken = false
        await end()
        await end()
        assert.equal(await receiver.nth(namespace, 2), 'recovered: job flaky failed 2 times in a row')
      })

      test('dead-letter', async () => {
        const namespace = freshNamespace()
        const shop = await mesh.connect({ namespace, outbox: { folder: cleanup.folder() } })
        const charge = shop.retryable(
          { scene: 'charge', strategy: 'remote', attempts: 1, backoff: { type: 'fixed', delayMs: 10 } },
          (order: number) => {
            throw new TypeError(`order ${order}: no money`)
          },
        )
        await shop.start()
        await receiver.rule(shop.client, { scene: 'dead-letter', recoverAfterMs: 3_000 })
        await charge(1)
        await charge(2)
        assert.match(await receiver.nth(namespace, 1), /^opened: handler charge was given up (once|2 times)$/)
        assert.equal(await receiver.nth(namespace, 2), 'recovered: handler charge was given up 2 times')
      })

      test('instance-lost: a process that is killed', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        await receiver.rule(client, { scene: 'instance-lost', instances: ['mort*'], recoverAfterMs: 1_000 })
        const executor = fork(cleanup, MORTAL, { URL: mesh.broker.url, NAMESPACE: namespace })
        await messageOf(executor)
        await executor.kill9()
        assert.equal(await receiver.nth(namespace, 1), 'opened: service mortal lost an instance once')
        assert.equal(await receiver.nth(namespace, 2), 'recovered: service mortal lost an instance once')
      })

      test('instance-hung: open as long as it hangs', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        await receiver.rule(client, { scene: 'instance-hung', recoverAfterMs: 0 })
        const executor = fork(cleanup, STUBBORN, { URL: mesh.broker.url, NAMESPACE: namespace, INSTANCE: 'stuck' })
        await messageOf(executor)
        await client.run('stubborn', null, { timeoutMs: 200 })
        assert.equal(await receiver.nth(namespace, 1), 'opened: service stubborn has hung instances, once')
        const [{ id } = { id: '' }] = (await client.call(CALLS.incidentsList, {})).items
        const [revision] = (await mesh.store.incidents.get([id])).map((incident) => incident?.revision ?? 0)
        await eventually('it is asked twice', async () => ((await mesh.store.incidents.get([id]))[0]?.revision ?? 0) > (revision ?? 0) + 1)
        assert.equal((await client.call(CALLS.incidentsGet, { id })).state, 'open')
        executor.child.send('release')
        assert.equal(await receiver.nth(namespace, 2), 'recovered: service stubborn has hung instances, once')
      })

      test('gate-full', async () => {
        let release: () => void = () => undefined
        const held = new Promise<void>((resolve) => {
          release = resolve
        })
        const { client, namespace } = await offering(mesh, { hold: () => held })
        await client.jobs.put({ name: 'one', handler: 'hold', maxConcurrent: 1 })
        await receiver.rule(client, { scene: 'gate-full', graceMs: 1_000 })
        for (let i = 0; i < 2; i++) await client.run('one')
        assert.equal(await receiver.nth(namespace, 1), 'opened: job one has runs that wait at its gate too long')
        release()
        assert.equal(await receiver.nth(namespace, 2), 'recovered: job one has runs that wait at its gate too long')
      })

      test('approval-waits', async () => {
        const { client, namespace } = await offering(mesh, { ship: () => 'shipped' })
        const order = workflow('order')
          .node('approve', { wait: { approval: {} } })
          .node('ship', { handler: 'ship', after: 'approve' })
          .done()
        await client.workflows.put(order)
        await receiver.rule(client, { scene: 'approval-waits', graceMs: 1_000 })
        const run = await client.run('order')
        assert.equal(await receiver.nth(namespace, 1), 'opened: job order waits for an approval')
        await client.runs.approve(run.id, 'approve')
        assert.equal(await receiver.nth(namespace, 2), 'recovered: job order waits for an approval')
      })

      test('no-instance: one message, not one of its queue too', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        await receiver.rule(client, { scene: 'no-instance', graceMs: 1_000 })
        await receiver.rule(client, { scene: 'queue-too-old', graceMs: 1_000 })
        await client.run('nobody')
        assert.equal(await receiver.nth(namespace, 1), 'opened: handler nobody has waiting tasks and no instance')
        assert.deepEqual((await client.call(CALLS.incidentsList, { rule: 'queue-too-old' })).items, [])
        await offering(mesh, { nobody: () => 'done' }, { namespace })
        assert.equal(await receiver.nth(namespace, 2), 'recovered: handler nobody has waiting tasks and no instance')
      })

      test('queue-too-old', async () => {
        let release: () => void = () => undefined
        const held = new Promise<void>((resolve) => {
          release = resolve
        })
        const { client, namespace } = await offering(mesh, { hold: () => held }, { concurrency: 1 })
        await receiver.rule(client, { scene: 'queue-too-old', graceMs: 1_000 })
        for (let i = 0; i < 3; i++) await client.run('hold')
        assert.equal(await receiver.nth(namespace, 1), 'opened: handler hold has tasks that wait too long')
        release()
        assert.equal(await receiver.nth(namespace, 2), 'recovered: handler hold has tasks that wait too long')
      })

      test('late: a slot that nobody begins', async () => {
        const namespace = freshNamespace()
        const { client } = await mesh.connect({ namespace })
        await receiver.rule(client, { scene: 'late', graceMs: 1_000 })
        await client.jobs.put({ name: 'tick', handler: 'tick', schedule: { everyMs: 1_000 } })
        assert.equal(await receiver.nth(namespace, 1), 'opened: job tick starts late')
        await offering(mesh, { tick: () => 'done' }, { namespace })
        assert.equal(await receiver.nth(namespace, 2), 'recovered: job tick starts late')
      })

      test('no-program: a run in durable steps whose program is gone', async () => {
        const namespace = freshNamespace()
        const run = async (ctx: Parameters<Parameters<Awaited<ReturnType<TestMesh['connect']>>['handle']>[1]>[0]) => {
          await ctx.step('first', () => 1)
          await ctx.sleep(2_000)
          await ctx.step('second', () => 2)
        }
        const offer = async (version: string) => {
          const executor = await mesh.connect({ namespace })
          executor.handle('steps', run, { version })
          await executor.start()
          return executor
        }
        const old = await offer('v1')
        const { client } = await mesh.connect({ namespace })
        await receiver.rule(client, { scene: 'no-program', graceMs: 1_000 })
        const begun = await client.run('steps')
        await eventually('it sleeps', async () => (await client.runs.get(begun.id)).program !== undefined)
        await offer('v2')
        await old.stop()
        assert.equal(await receiver.nth(namespace, 1), 'opened: handler steps has runs in durable steps that no live program goes on with')
        await offer('v1')
        assert.equal(
          await receiver.nth(namespace, 2),
          'recovered: handler steps has runs in durable steps that no live program goes on with',
        )
      })
    })

    test('missing: nothing fires a slot while all coordinators are away', async () => {
      const namespace = freshNamespace()
      const { client } = await offering(mesh, { tick: () => 'done' }, { namespace })
      await receiver.rule(client, { scene: 'missing', graceMs: 2_000 })
      await client.jobs.put({ name: 'tick', handler: 'tick', schedule: { everyMs: 1_000 } })
      await eventually('it is fired', async () => (await client.runs.list({ job: 'tick' })).items.length > 0)
      assert.deepEqual(receiver.of(namespace), [])
      for (const coordinator of [...mesh.coordinators]) await mesh.stopCoordinator(coordinator)
      assert.equal(await receiver.nth(namespace, 1), 'opened: job tick did not run when it should have')
      await mesh.addCoordinator()
      assert.equal(await receiver.nth(namespace, 2), 'recovered: job tick did not run when it should have')
    })
  })
}
