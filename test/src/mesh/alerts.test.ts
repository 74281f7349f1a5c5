import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { CALLS } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const secrets = [`whsec_${Buffer.alloc(32, 5).toString('base64')}`]

for (const store of STORES) {
  describe(`alerts with two gateways, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    const received: { readonly id: string; readonly type: string; readonly summary: string }[] = []
    let mesh: TestMesh
    let url: string
    before(async () => {
      const server = createServer((request, response) => {
        const parts: Buffer[] = []
        request.on('data', (part: Buffer) => parts.push(part))
        request.on('end', () => {
          const { type, data } = JSON.parse(Buffer.concat(parts).toString())
          received.push({ id: String(request.headers['webhook-id']), type, summary: data.incident.summary })
          response.end()
        })
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      cleanup.add('receiver', async () => void server.close())
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      mesh = await startMesh(cleanup, { store, gateways: 2 })
    })

    test('a job that fails is an incident that is received once; when it succeeds it is over', async () => {
      const executor = await mesh.connect()
      const { client } = executor
      let isBroken = true
      executor.handle('bill', () => {
        if (isBroken) throw new Error('no paper')
        return 'done'
      })
      await executor.start()
      await client.jobs.put({ name: 'bills', handler: 'bill' })
      await client.call(CALLS.alertChannelsPut, { name: 'ops', target: { kind: 'webhook', url, secrets } })
      await client.call(CALLS.alertRulesPut, { name: 'failures', scene: 'run-failed', jobs: ['bill*'], channels: ['ops'] })
      const runs = await Promise.all(Array.from({ length: 5 }, () => client.run('bills')))
      await Promise.all(runs.map((run) => run.result().catch(() => undefined)))
      await eventually('the message', () => received.length === 1)
      assert.deepEqual([received[0]?.type, received[0]?.summary], ['incident.opened', 'job bills failed 5 times'])
      isBroken = false
      await (await client.run('bills')).result()
      await eventually('the recovery', () => received.length === 2, { withinMs: 20_000 })
      assert.equal(received[1]?.type, 'incident.recovered')
      const { items } = await client.call(CALLS.incidentsList, {})
      assert.deepEqual(
        items.map(({ state, count }) => [state, count]),
        [['recovered', 5]],
      )
      assert.equal(new Set(received.map(({ id }) => id)).size, 2)
    })

    test('a handler without an instance has one message, not one of its queue too', async () => {
      const { client } = await mesh.connect()
      await client.call(CALLS.alertChannelsPut, { name: 'ops', target: { kind: 'webhook', url, secrets } })
      await client.call(CALLS.alertRulesPut, { name: 'hands', scene: 'no-instance', graceMs: 1_000, channels: ['ops'] })
      await client.call(CALLS.alertRulesPut, { name: 'old', scene: 'queue-too-old', graceMs: 1_000, channels: ['ops'] })
      const count = received.length
      await client.run('nobody')
      await eventually('the message', () => received.length > count, { withinMs: 20_000 })
      assert.equal(received[count]?.summary, 'handler nobody has waiting tasks and no instance')
      assert.deepEqual((await client.call(CALLS.incidentsList, { state: 'open', rule: 'old' })).items, [])
    })
  })
}
