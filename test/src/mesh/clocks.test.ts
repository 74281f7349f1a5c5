import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RunView } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { startBroker } from '../support/broker.ts'
import { cliFor, startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { shiftedClock } from '../support/clocks.ts'
import { startExecutor } from '../support/executor.ts'
import { connectTo, freshNamespace, startMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const [SECOND_MS, HOUR_MS] = [1_000, 3_600_000]

const slotsOf = async (client: Client, job: string) =>
  (await client.runs.list({ job, limit: 1_000 })).items.map(({ slot = '' }) => Date.parse(slot)).sort((one, other) => one - other)
const lengthOf = (run: RunView) => Date.parse(run.endedAt ?? '') - Date.parse(run.startedAt ?? '')

describe('clocks that are wrong', { concurrency: 2 }, () => {
  for (const store of STORES) {
    const options = { skip: store.skip }

    test(`services whose clock is an hour ahead for a while, and then back: ${store.name}`, options, async (context) => {
      const cleanup = new Cleanup(context)
      const broker = await startBroker(cleanup)
      const storeUrl = store.fresh(cleanup)
      const clock = shiftedClock(cleanup)
      const service = (name: string) => {
        const args = [name, '--nats', broker.url, ...(name === 'registry' ? [] : ['--store', storeUrl])]
        return startCli(cleanup, args, { env: { ...clock.environment, CARILLON_LOG_LEVEL: 'warn' } })
      }
      const [, coordinator] = [service('registry'), service('coordinator')]
      const namespace = freshNamespace()
      const { client } = await connectTo(cleanup, broker.url, { namespace })
      await startExecutor(cleanup, { url: broker.url, namespace, instance: 'worker' })
      await eventually('a coordinator answers', () => client.runs.list({ limit: 1 }).catch(() => undefined))
      await client.jobs.put({ name: 'rate', handler: 'work', schedule: { everyMs: SECOND_MS } })
      await client.jobs.put({ name: 'cron', handler: 'work', schedule: { cron: '* * * * * *' } })
      const goesOn = async (when: string) => {
        for (const job of ['rate', 'cron']) {
          const before = (await slotsOf(client, job)).length
          await eventually(`${job} fires ${when}`, async () => (await slotsOf(client, job)).length > before + 1)
        }
      }
      await goesOn('before')
      const later = await client.run('work', { ms: 0 }, { delayMs: HOUR_MS / 2 })
      const long = await client.run('work', { ms: 12_000 }, { timeoutMs: 600_000 })
      await eventually('the long run runs', async () => (await client.runs.get(long.id)).state === 'running')

      clock.shift(HOUR_MS)
      await goesOn('while the clock is ahead')
      const failing = await client.run('fail', null, { attempts: 2, backoff: { type: 'fixed', delayMs: 1_500 } })
      const soon = await client.run('work', { ms: 0 }, { delayMs: 1_500 })
      assert.deepEqual(await soon.result({ timeoutMs: 20_000 }), { instance: 'worker', attempt: 1 })
      assert.equal((await client.runs.get(later.id)).state, 'delayed', 'asked for in half an hour, it is not fired')
      const { dueAt = '' } = await client.runs.get(later.id)
      assert.ok(Math.abs(Date.parse(dueAt) - Date.now() - HOUR_MS / 2) < 60 * SECOND_MS)
      const { stdout } = await cliFor(cleanup, broker.url)(['doctor'])
      assert.match(stdout, /✗ coordinator: clock: this machine's clock was 60 min ahead of the broker's/)

      clock.shift(0)
      await goesOn('once the clock is back')
      await eventually('the retry has been made', async () => (await client.runs.get(failing.id)).state === 'failed')
      assert.equal((await client.runs.get(failing.id)).attempt, 2)
      assert.deepEqual(await long.result({ timeoutMs: 30_000 }), { instance: 'worker', attempt: 1 })
      await coordinator?.kill9()
      service('coordinator')
      await eventually('a coordinator answers', () => slotsOf(client, 'rate').catch(() => undefined))
      await goesOn('after a restart')
      const slots = await slotsOf(client, 'rate')
      assert.deepEqual(
        slots.map((slot) => (slot - (slots[0] as number)) % SECOND_MS),
        slots.map(() => 0),
        'a fixed rate keeps its rhythm',
      )
    })
  }

  test('an executor whose clock is 90 s behind runs into no limit that it does not reach', async (context) => {
    const cleanup = new Cleanup(context)
    const mesh = await startMesh(cleanup, { store: STORES[0] as (typeof STORES)[number] })
    const namespace = freshNamespace()
    const environment = shiftedClock(cleanup, -90 * SECOND_MS).environment
    await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: 'behind', environment })
    const { client } = await mesh.connect({ namespace })
    const run = await client.run('work', { ms: 1_500 }, { timeoutMs: 30_000 })
    assert.deepEqual(await run.result(), { instance: 'behind', attempt: 1 })
    const view = await client.runs.get(run.id)
    assert.ok(Date.parse(view.startedAt ?? '') >= Date.parse(view.createdAt), `${view.startedAt} is before ${view.createdAt}`)
    assert.ok(lengthOf(view) >= 1_490, `${lengthOf(view)} ms`)
  })
})
