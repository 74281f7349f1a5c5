import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { collect } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { fork, messageOf, type TestProcess } from '../support/processes.ts'
import { STORES, type TestStore } from '../support/stores.ts'

const MAIN = fileURLToPath(new URL('../support/stubborn-main.js', import.meta.url))
/** A time limit, its grace, and a beat or two, on a slow machine. */
const [store] = STORES as [TestStore]
const cleanup = new Cleanup({ after })

test('handlers that ignore their time limits keep their slots, make their instances hung, and give both back when they end', async () => {
  const mesh = await startMesh(cleanup, { store, hungAfterMs: 1_000 })
  const namespace = freshNamespace()
  const { client } = await mesh.connect({ namespace })
  const events = collect(client.events({ noun: 'instance' }))
  const executors = { a: await stubborn(mesh, namespace, 'a'), b: await stubborn(mesh, namespace, 'b') }
  const instances = async () => (await client.instances.list()).items
  const run = await client.run<number>('stubborn', null, { timeoutMs: 200, attempts: 3, backoff: { type: 'fixed', delayMs: 0 } })

  await eventually('each has one body, and it is stuck', async () => (await instances()).every(({ load }) => load.stuck === 1))
  assert.deepEqual(
    (await instances()).map(({ load }) => [load.running, load.stuck, load.stuckTasks.map(({ taskId }) => taskId)]),
    [
      [1, 1, [run.id]],
      [1, 1, [run.id]],
    ],
  )
  await eventually('both are hung', async () => (await instances()).every(({ hung }) => hung === true))
  await eventually('and the run says so', async () => (await client.runs.get(run.id)).reason === 'no-instance')
  const { state, attempt, message } = await client.runs.get(run.id)
  assert.deepEqual([state, attempt], ['queued', 3])
  assert.match(message ?? '', /every instance that offers handler `stubborn` is hung: a, b/)
  const broadcast = await client.run('stubborn', null, { mode: 'broadcast' })
  assert.deepEqual((await client.runs.get(broadcast.id)).reason, 'no-instance')

  assert.equal(await released(executors.a), 1)
  assert.equal(await run.result({ timeoutMs: 60_000 }), 3)
  await broadcast.ended({ timeoutMs: 60_000 })
  assert.deepEqual(
    (await client.runs.tasks(broadcast.id)).items.map(({ instance, state }) => [instance, state]),
    [['a', 'succeeded']],
  )
  assert.deepEqual(
    (await instances()).map(({ instance, hung }) => [instance, hung]),
    [
      ['a', undefined],
      ['b', true],
    ],
  )
  assert.equal(await released(executors.b), 1)
  await eventually('none is hung', async () => (await instances()).every(({ hung, load }) => !hung && load.running === 0))
  for (const name of ['a', 'b']) await eventually('all of it is published', () => events.whatsOf(name).join() === 'joined,hung,recovered')
  events.stop()
})

async function stubborn(mesh: TestMesh, namespace: string, instance: string): Promise<TestProcess> {
  const executor = fork(cleanup, MAIN, { URL: mesh.broker.url, NAMESPACE: namespace, INSTANCE: instance })
  await messageOf(executor)
  return executor
}

/** Ends the bodies. @returns how many lived at the same time at most */
async function released(executor: TestProcess): Promise<unknown> {
  const peak = messageOf(executor)
  executor.child.send('release')
  return peak
}
