/** The mesh of `@carillon/sdk/testing` and a real one come to the same: what is tested there holds here. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Client } from '@carillon/sdk'
import { testMesh } from '@carillon/sdk/testing'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { fork, messageOf } from '../support/processes.ts'
import { offerScenarios, outcomeOf, SCENARIOS, type Scenario } from '../support/scenarios.ts'
import { STORES } from '../support/stores.ts'

const MAIN = fileURLToPath(new URL('../support/scenario-main.js', import.meta.url))

/** What comes of a scenario in memory. */
async function inMemory({ handler, payload, options, meanwhile }: Scenario): Promise<unknown> {
  const mesh = testMesh()
  offerScenarios(mesh, () => {
    mesh.crash()
    return new Promise<never>(() => undefined)
  })
  const run = await mesh.start(handler, payload, options)
  await meanwhile?.(mesh.client, run.id)
  await run.ended()
  return outcomeOf(mesh.client, run.id)
}

/** And on a real mesh. */
async function inEarnest(client: Client, { handler, payload, options, meanwhile }: Scenario): Promise<unknown> {
  const run = await client.run(handler, payload, options)
  await meanwhile?.(client, run.id)
  await run.ended({ timeoutMs: 30_000 })
  // Lines come to the logger on a way of their own.
  if (handler === 'tells') await eventually('its line is kept', async () => (await client.logs.query({ runId: run.id })).items.length > 0)
  return outcomeOf(client, run.id)
}

describe('a mesh in memory and a real one', { concurrency: true }, () => {
  const [store] = STORES
  const cleanup = new Cleanup({ after })
  let mesh: TestMesh
  const startExecutor = async (namespace: string) => {
    const executor = fork(cleanup, MAIN, { URL: mesh.broker.url, NAMESPACE: namespace, INSTANCE: 'scenarios' })
    await messageOf(executor)
    return executor
  }
  let client: Client
  before(async () => {
    assert.ok(store)
    mesh = await startMesh(cleanup, { store })
    const namespace = freshNamespace()
    client = (await mesh.connect({ namespace })).client
    await startExecutor(namespace)
  })

  for (const [name, scenario] of Object.entries(SCENARIOS))
    test(name, async () => {
      if (scenario.payload !== 'crash') return assert.deepEqual(await inMemory(scenario), await inEarnest(client, scenario))
      const namespace = freshNamespace()
      const [executor, caller] = await Promise.all([startExecutor(namespace), mesh.connect({ namespace })])
      // The process that comes in its place has its name: nobody waits for its silence.
      const again = once(executor.child, 'exit').then(() => startExecutor(namespace))
      assert.deepEqual(await inMemory(scenario), await inEarnest(caller.client, scenario))
      await again
    })
})
