import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '@carillon/store'
import { eventually } from '@carillon/wire/testing'
import { startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { startExecutor } from '../support/executor.ts'
import { connectTo, freshNamespace } from '../support/mesh.ts'
import { isAlive } from '../support/processes.ts'
import { openOf } from './books.ts'
import { SeededRandom } from './random.ts'
import { SteadyLoad } from './steady-load.ts'

const CONCURRENCY = 50

test('kill -9 of `carillon up` in the middle of a load, and a new one on its data: every run ends well', async (context) => {
  const cleanup = new Cleanup(context)
  const data = cleanup.folder()
  const up = await startUp(cleanup, { data, demo: false })
  const store = await openStore(`sqlite:${data}/carillon.db`)
  cleanup.add('store', () => store.close())
  const namespace = freshNamespace()
  await startExecutor(cleanup, { url: up.url, namespace, instance: 'a', concurrency: CONCURRENCY })
  const { client } = await connectTo(cleanup, up.url, { namespace })
  const load = new SteadyLoad({ client, random: new SeededRandom(1), ms: [50, 500], capacity: CONCURRENCY })
  load.start()
  await eventually(
    'something is under way',
    async () => (await store.runs.list({ namespace, states: ['running'], limit: 1 })).items.length > 0,
  )
  await up.process.kill9()
  await startUp(cleanup, { data, demo: false, port: Number(new URL(up.url).port) })
  assert.ok(!isAlive(up.pids.nats))
  await load.stop()
  await eventually('every run has ended', async () => (await openOf(store, load.accepted)).length === 0)
  const states = new Set((await store.runs.get(load.accepted)).map((run) => run?.state))
  assert.deepEqual([states, load.refused], [new Set(['succeeded']), []])
})
