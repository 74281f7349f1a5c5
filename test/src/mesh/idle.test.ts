import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { TaskContext } from '@carillon/sdk'
import { eventually, signal } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { collect, offering } from '../support/clients.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { launch } from '../support/processes.ts'
import { STORES, type TestStore } from '../support/stores.ts'

const [store] = STORES as [TestStore]
const cleanup = new Cleanup({ after })
const ALIVE = fileURLToPath(new URL('../support/alive-main.js', import.meta.url))

test('an instance that does nothing is hung: its task goes elsewhere, it gets nothing until it works again, and a job without a success is left alone', async () => {
  const mesh = await startMesh(cleanup, { store, idleHungAfterMs: 2_000 })
  const namespace = freshNamespace()
  const { client } = await mesh.connect({ namespace })
  const events = collect(client.events({ noun: 'instance' }))
  const release = signal()
  const begun: string[] = []
  const start = (instance: string) => {
    const work = async ({ payload, attempt }: TaskContext<string>) => {
      begun.push(instance)
      // It ignores `ctx.signal`.
      if (payload === 'hang' && attempt === 1) await release.fired
      return instance
    }
    return offering(mesh, { work }, { namespace, instance, concurrency: 4 })
  }
  const instance = async (name: string) => (await client.instances.list()).items.find((one) => one.instance === name)

  const patient = await mesh.connect({ namespace, instance: 'c' })
  patient.handle('patient', () => release.fired)
  await patient.start()
  await start('a')
  await client.jobs.put({ name: 'job', handler: 'work', attempts: 2, backoff: { type: 'fixed', delayMs: 0 } })
  await client.jobs.put({ name: 'new', handler: 'patient', attempts: 5 })
  assert.equal(await (await client.run<string>('job', 'short')).result(), 'a')
  const [run, first, unnamed] = [await client.run<string>('job', 'hang'), await client.run('new'), await client.run('patient')]
  await eventually('a has it', () => begun.length === 2)
  await start('b')

  assert.equal(await run.result({ timeoutMs: 60_000 }), 'b')
  const { attempt } = await client.runs.get(run.id)
  assert.equal(attempt, 2)
  const hung = await instance('a')
  assert.deepEqual([hung?.hung, hung?.cordoned, (hung?.hungIdleMs ?? 0) >= 2_000], [true, undefined, true])
  await eventually('it takes nothing', async () => (await instance('a'))?.load.cordoned === true)
  const several = await client.runMany(Array.from({ length: 20 }, () => ({ job: 'job', payload: 'short' })))
  for (const outcome of several) assert.equal(outcome.ok && (await outcome.run.result()), 'b')
  await client.instances.cordon('b')
  const waiting = await client.run<string>('job', 'short')
  await eventually('it says why', async () => /hung \(a: nothing has come/.test((await client.runs.get(waiting.id)).message ?? ''))

  // The handler whose attempt is over settles.
  assert.deepEqual([(await client.runs.get(first.id)).state, (await client.runs.get(unnamed.id)).state], ['running', 'running'])
  assert.equal((await instance('c'))?.hung, undefined)
  release.fire()
  assert.equal(await waiting.result({ timeoutMs: 60_000 }), 'a')
  await eventually('recovered', async () => (await instance('a'))?.hung === undefined && (await instance('a'))?.load.cordoned === false)
  await eventually('all of it is published', () => events.whatsOf('a').join() === 'joined,hung,recovered')
  assert.equal((await first.ended()).state, 'succeeded')
  events.stop()
})

test('a handler that heeds its signal gives its instance back at once; the last attempt ends the run, reason hung', async () => {
  const mesh = await startMesh(cleanup, { store, idleHungAfterMs: 2_000 })
  const namespace = freshNamespace()
  const { client } = await mesh.connect({ namespace })
  const events = collect(client.events({ noun: 'instance' }))
  const never = ({ signal: aborted, payload }: TaskContext<string>) =>
    payload === 'hang' ? new Promise((resolve) => aborted.addEventListener('abort', () => resolve(1))) : 2
  await offering(mesh, { never }, { namespace, instance: 'a' })
  await client.jobs.put({ name: 'job', handler: 'never' })
  assert.equal(await (await client.run('job')).result(), 2)
  const run = await client.run('job', 'hang')
  const { state, reason, failure } = await run.ended({ timeoutMs: 60_000 })
  assert.deepEqual([state, reason, failure?.name], ['failed', 'hung', 'InstanceHung'])
  assert.match(
    (await client.runs.why(run.id)).why,
    /it has ended as failed at .*: instance a lives, but nothing came of its tasks for \d+ s/,
  )
  await eventually('recovered', () => events.whatsOf('a').join() === 'joined,hung,recovered')
  assert.equal(await (await client.run('job')).result({ timeoutMs: 60_000 }), 2)
  events.stop()
})

test('a handler that blocks its process from its first moment: others see that it runs, then it runs elsewhere, and what waits there is released', async () => {
  const mesh = await startMesh(cleanup, { store, idleHungAfterMs: 2_000 })
  const namespace = freshNamespace()
  const { client } = await mesh.connect({ namespace })
  const env = { URL: mesh.broker.url, NAMESPACE: namespace, INSTANCE: 'a', CONCURRENCY: '2' }
  const executor = launch(cleanup, [process.execPath, ALIVE], { env })
  await executor.shows(/^ready$/m)
  await client.jobs.put({ name: 'job', handler: 'spin', attempts: 2, backoff: { type: 'fixed', delayMs: 0 } })
  assert.equal(await (await client.run('job', { ms: 1 })).result(), 'a')
  const blocking = await client.run('job', { ms: 600_000 })
  await executor.shows(new RegExp(`^ran ${blocking.id} 1$`, 'm'))
  const waiting = await client.run('job', { ms: 1 })
  await eventually('it is seen to run', async () => (await client.runs.get(blocking.id)).state === 'running')
  assert.equal((await client.runs.get(blocking.id)).instance, 'a')
  await eventually('it is hung', async () => (await client.instances.list()).items[0]?.hungIdleMs !== undefined)
  await offering(mesh, { spin: () => 'b' }, { namespace, instance: 'b' })
  for (const run of [blocking, waiting]) assert.equal(await run.result({ timeoutMs: 60_000 }), 'b')
  assert.equal((await client.runs.get(blocking.id)).attempt, 2)
  const { attempt, attempts, losses } = await client.runs.get(waiting.id)
  // It had not begun: if it was assigned to the blocked process, it has a further attempt, but no try was used up.
  assert.deepEqual([attempts - attempt, losses], [1, undefined])
})
