import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually, within } from '@carillon/wire/testing'
import { Cleanup } from './support/cleanup.ts'
import { startMesh, type TestMesh } from './support/mesh.ts'
import { launch, type TestProcess } from './support/processes.ts'
import { findPython, type Python } from './support/python.ts'
import { sqlite } from './support/stores.ts'

const EXECUTOR = fileURLToPath(new URL('../../examples/python/main.py', import.meta.url))
/** Silence of an instance, the grace of a redelivery, and the task itself. */
const TAKEN_OVER_WITHIN_MS = 30_000

describe('an executor in plain Python, written from docs/PROTOCOL.md', () => {
  const cleanup = new Cleanup({ after })
  let python: Python
  let mesh: TestMesh

  before(async () => {
    python = await findPython()
    if ('path' in python) mesh = await startMesh(cleanup, { store: sqlite })
  })

  /** Skipped where there is no Python. */
  const withPython = (name: string, body: (path: string, ending: Cleanup) => Promise<void>) =>
    test(name, async (context: TestContext) => {
      if ('missing' in python) return context.skip(python.missing)
      await body(python.path, new Cleanup(context))
    })

  withPython('maps and reduces, first of all a run that was asked for before anybody offered its handler', async (path, ending) => {
    const { client } = await mesh.connect({ namespace: 'default' })
    const texts = ['the cat and the dog', 'the end', 'a cat', 'and a dog and a cat', 'no more', '']
    const counts = { the: 3, cat: 3, and: 3, dog: 2, end: 1, a: 3, no: 1, more: 1 }
    const early = await client.run('py-word-count', { texts })
    assert.equal((await client.runs.get(early.id)).mode, 'single')
    const { executor } = await startExecutor(ending, path, mesh)
    assert.deepEqual(await early.result(), counts)
    const run = await client.run('py-word-count', { texts }, { shards: 4 })
    assert.deepEqual(await run.result(), counts)
    assert.deepEqual(
      (await client.runs.tree(run.id)).stages.map(({ name, total }) => [name, total]),
      [
        ['root', 1],
        ['text', 6],
        ['reduce', 4],
        ['merge', 1],
      ],
    )
    // More items than a call may have, more results than a page has.
    const many = await client.run('py-word-count', { texts: Array.from({ length: 1_100 }, (_, i) => `word${i % 3}`) })
    assert.deepEqual(await many.result({ timeoutMs: 60_000 }), { word0: 367, word1: 367, word2: 366 })
    const wrong = await (await client.run('py-word-count', { texts }, { mode: 'broadcast' })).ended()
    assert.deepEqual([wrong.state, wrong.reason], ['failed', 'tasks-failed'])
    // One that is killed would be offered work of the tests that follow, until it is missed.
    executor.signal('SIGTERM')
    await within(60_000, 'the executor ends', executor.exited)
  })

  withPython('runs what it is given: result, log lines, progress, failure, time limit, broadcast', async (path, ending) => {
    const { client } = await mesh.connect({ namespace: 'default' })
    const { instance } = await startExecutor(ending, path, mesh)
    const run = await client.run('py-hello', { name: 'Ada', seconds: 1 })
    assert.deepEqual(await run.result(), { greeting: 'Hello, Ada!', attempt: 1 })
    const view = await run.ended()
    // The last progress and the end may come in one batch: then the end is all that is kept.
    assert.deepEqual([view.instance, view.progress?.note], [instance, 'thinking of words'])
    const lines = await eventually('its log lines are stored', async () => {
      const { items } = await client.logs.query({ runId: run.id })
      return items.length === 2 ? items : undefined
    })
    assert.deepEqual(
      lines.map(({ seq, message, fields }) => [seq, message, fields]),
      [
        [1, 'someone is to be greeted', { name: 'Ada' }],
        [2, 'found the words', {}],
      ],
    )
    const failed = await (await client.run('py-hello', { fail: true }, { attempts: 2, backoff: { type: 'fixed', delayMs: 50 } })).ended()
    assert.deepEqual([failed.state, failed.reason, failed.attempt, failed.failure?.name], ['failed', 'handler-error', 2, 'ValueError'])
    const late = await (await client.run('py-hello', { seconds: 60 }, { timeoutMs: 300 })).ended()
    assert.deepEqual([late.state, late.reason], ['timed_out', 'attempt-timeout'])
    const everywhere = await client.run('py-hello', null, { mode: 'broadcast' })
    assert.deepEqual(await everywhere.result(), { tasks: { succeeded: 1 } })
  })

  withPython('killed in the middle of a task, it is replaced by another one', async (path, ending) => {
    const { client } = await mesh.connect({ namespace: 'default' })
    const executors = [await startExecutor(ending, path, mesh), await startExecutor(ending, path, mesh)]
    const run = await client.run('py-hello', { seconds: 2 })
    const owner = await eventually('it runs', async () => (await client.runs.get(run.id)).instance)
    const [dead, alive] = executors[0]?.instance === owner ? executors : executors.toReversed()
    await dead?.executor.kill9()
    const result = await within(TAKEN_OVER_WITHIN_MS, 'someone else ends it', run.result())
    assert.deepEqual(result, { greeting: 'Hello, world!', attempt: 2 })
    assert.equal((await client.runs.get(run.id)).instance, alive?.instance)
  })
})

async function startExecutor(cleanup: Cleanup, path: string, mesh: TestMesh): Promise<{ instance: string; executor: TestProcess }> {
  const executor = launch(cleanup, [path, EXECUTOR], { env: { CARILLON_NATS_URL: mesh.broker.url } })
  const [, instance = ''] = await executor.shows(/^ready (\S+)$/m)
  return { instance, executor }
}
