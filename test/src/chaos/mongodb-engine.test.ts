import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Audit } from '../support/audit.ts'
import { Cleanup } from '../support/cleanup.ts'
import { startExecutor } from '../support/executor.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { SKIP_WITHOUT_OWN_ENGINE, startEngine } from '../support/stores.ts'
import { judge, Load } from './load.ts'

test('kill -9 of the MongoDB engine in mid-flight', { skip: SKIP_WITHOUT_OWN_ENGINE, timeout: 150_000 }, async (context) => {
  const cleanup = new Cleanup(context)
  const audit = new Audit()
  const engine = await startEngine(cleanup)
  const mesh = await startMesh(cleanup, { store: engine.store, coordinators: 2, wrapStore: audit.watch })
  const namespace = freshNamespace()
  await startExecutor(cleanup, { url: mesh.broker.url, namespace, instance: 'a', concurrency: 50 })
  const { client } = await mesh.connect({ namespace })
  const load = new Load({ client, count: 2_000, ms: 150 })
  const starting = load.start()
  const inFlight = await load.strike(mesh.store, () => engine.kill9())
  await engine.restart()
  await starting
  const outcome = await load.outcome(inFlight, { store: mesh.store, nats: await mesh.nats(), namespace, withinMs: 90_000 })
  judge('MongoDB engine killed and started again', outcome, context.diagnostic.bind(context))
  assert.deepEqual(audit.twice(), [], 'a terminal state was written twice')
})
