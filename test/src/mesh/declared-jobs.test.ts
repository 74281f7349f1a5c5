import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, HEADERS } from '@carillon/contracts'
import type { Client, Warning } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { headers } from '@nats-io/transport-node'
import { Cleanup } from '../support/cleanup.ts'
import { PATIENTLY, refusal } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`jobs that code declares, and who asks, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    const namespace = freshNamespace()
    let mesh: TestMesh
    let client: Client
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2 })
      ;({ client } = await mesh.connect({ namespace, by: 'ada' }))
    })

    /** Starts an executor of that version of the code, and answers its warnings. */
    async function deploy(version: number, cron: string): Promise<Warning['code'][]> {
      const warnings: Warning['code'][] = []
      const executor = await mesh.connect({ namespace, service: 'billing', onWarning: ({ code }) => warnings.push(code) })
      executor.job<{ day: number }>('nightly', {
        version,
        schedule: { cron, timezone: 'Europe/Paris' },
        payload: { day: 1 },
        handler: (ctx) => `version ${version}, day ${ctx.payload.day}`,
      })
      await executor.start()
      await executor.stop()
      return warnings
    }

    test('a higher version replaces, a lower one is refused, an edit wins until the job is released', async () => {
      assert.deepEqual(await deploy(1, '@daily'), [])
      assert.deepEqual(await deploy(2, '0 3 * * *'), [])
      assert.deepEqual(await deploy(1, '@daily'), ['job-refused'])
      assert.deepEqual(await deploy(2, '0 4 * * *'), ['job-refused'])
      await client.jobs.put({ name: 'nightly', schedule: { cron: '0 5 * * *' } })
      assert.deepEqual(await deploy(3, '0 6 * * *'), ['job-edited'])
      const cronOf = async () => ((await client.jobs.get('nightly')).schedule as { cron: string }).cron
      assert.equal(await cronOf(), '0 5 * * *')
      await client.jobs.release('nightly')
      assert.equal(await cronOf(), '0 6 * * *')
      const changes = (await client.jobs.history('nightly')).items.map(({ change, by, version }) => [change, by, version])
      assert.deepEqual(changes, [
        ['released', 'ada', undefined],
        ['declared', 'billing', 3],
        ['put', 'ada', undefined],
        ['declared', 'billing', 2],
        ['declared', 'billing', 1],
      ])
    })

    test('60 executors that start together and declare the same make one change; 60 edits at once are 60 changes', async () => {
      const numbers = Array.from({ length: 60 }, (_, n) => n)
      const executors = await Promise.all(numbers.map(() => mesh.connect({ namespace, service: 'fleet' })))
      for (const executor of executors) executor.job('together', { version: 1, schedule: { cron: '@daily' }, handler: () => undefined })
      await Promise.all(executors.map((executor) => executor.start()))
      await Promise.all(executors.map((executor) => executor.stop()))
      const history = async () => (await client.jobs.history('together', { limit: 100 })).items.map(({ revision }) => revision)
      assert.deepEqual(await history(), [1])
      await Promise.all(numbers.map((n) => client.call(CALLS.jobsPut, { name: 'together', description: `number ${n}` }, PATIENTLY)))
      assert.deepEqual(
        await history(),
        Array.from({ length: 61 }, (_, i) => 61 - i),
      )
    })

    test('a declaration that is wrong fails the start of its process', async () => {
      const executor = await mesh.connect({ namespace, service: 'billing' })
      executor.job('wrong', { version: 1, schedule: { cron: '*/61 * * * *' }, handler: () => 1 })
      assert.equal((await refusal(executor.start())).code, 'INVALID_CRON')
      await executor.stop()
      await eventually('it has left', async () =>
        (await client.instances.list()).items.every(({ instance }) => instance !== executor.instance),
      )
    })

    test('a run says who asked for it, and how', async () => {
      await client.jobs.put({ name: 'report' })
      const called = await client.run('report')
      const nats = await mesh.nats()
      const message = headers()
      message.set(HEADERS.by, 'a script')
      nats.publish(`carillon.${namespace}.trigger.report`, '1', { headers: message })
      nats.publish(`carillon.${namespace}.trigger.report`, '2')
      await eventually('all are there', async () => (await client.runs.list({ job: 'report' })).items.length === 3)
      const { items } = await client.runs.list({ job: 'report' })
      assert.deepEqual(
        new Set(items.map(({ trigger, by }) => `${trigger} by ${by}`)),
        new Set(['call by ada', 'stream by a script', 'stream by undefined']),
      )
      assert.equal((await client.runs.get(called.id)).by, 'ada')
    })
  })
}
