import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { fork, messageOf, type TestProcess } from '../support/processes.ts'
import { STORES, type TestStore } from '../support/stores.ts'

const MAIN = fileURLToPath(new URL('../support/mortal-main.js', import.meta.url))
const LOST_WITHIN_MS = 60_000
/** What ended the process the last time, as the error of the run names it; if it could not speak within its last three seconds, that. */
const causedBy = (cause: string) =>
  new RegExp(
    `^its process died 3 times in a row while it ran; the last time: (${cause}|instance S+ was lost|the process .* reported nothing)$`,
  )
const CAUSES = {
  throw: 'TypeError: uncaught exception: nobody catches this',
  reject: 'RangeError: unhandled rejection: nobody waits for this',
  exit: 'ProcessExit: the process ended with code 0',
}
const [store] = STORES as [TestStore]

// Most of the time goes by waiting.
describe('blame', { concurrency: true }, () => {
  const cleanup = new Cleanup({ after })
  let mesh: TestMesh
  before(async () => {
    mesh = await startMesh(cleanup, { store })
  })

  /** An executor that is started again whenever it dies, until the test is over. */
  async function supervised(context: TestContext) {
    const namespace = freshNamespace()
    const state = { deaths: 0, isOver: false }
    context.after(() => {
      state.isOver = true
    })
    let latest: TestProcess
    const start = async () => {
      const process = fork(cleanup, MAIN, { URL: mesh.broker.url, NAMESPACE: namespace })
      latest = process
      process.exited.then(() => {
        state.deaths++
        if (!state.isOver) void start()
      })
      await messageOf(process).catch(() => undefined)
    }
    await start()
    const { client } = await mesh.connect({ namespace })
    return { client, state, start, latest: () => latest }
  }

  for (const [bomb, cause] of Object.entries(CAUSES))
    test(`a task that ends its process by ${bomb} is poison after three deaths; its neighbours are not held to account`, async (context) => {
      const { client, state } = await supervised(context)
      const naps = await Promise.all(Array.from({ length: 20 }, () => client.run<number>('nap', { ms: 2_500 })))
      await eventually('the naps run', async () => (await client.runs.get(naps[19]!.id)).state === 'running')
      const view = await (await client.run(bomb, null, { attempts: 10 })).ended({ timeoutMs: LOST_WITHIN_MS })
      assert.deepEqual([view.state, view.reason], ['failed', 'poison'])
      assert.ok(state.deaths <= 3, `${state.deaths} deaths`)
      assert.match(view.message ?? '', causedBy(cause))
      for (const nap of naps) assert.ok((await nap.result({ timeoutMs: LOST_WITHIN_MS })) <= 4)
    })

  test('lines that were logged before an orderly exit arrive', async (context) => {
    const { client, state } = await supervised(context)
    const run = await client.run('exit', null)
    await run.ended({ timeoutMs: LOST_WITHIN_MS })
    await eventually('the line of each process is stored', async () => {
      const { items } = await client.logs.query({ runId: run.id })
      return state.deaths > 0 && items.length === state.deaths && items.every(({ message }) => message === 'the last line')
    })
  })

  test('of tasks whose process dies without a word only the one that dies alone is poison', async (context) => {
    const { client, state } = await supervised(context)
    const naps = await Promise.all(Array.from({ length: 5 }, () => client.run<number>('nap', { ms: 1_000 })))
    const run = await client.run('kill', null, { attempts: 10 })
    const view = await run.ended({ timeoutMs: 120_000 })
    assert.deepEqual([view.state, view.reason], ['failed', 'poison'])
    for (const nap of naps) {
      const { state, reason, message } = await nap.ended({ timeoutMs: 120_000 })
      assert.deepEqual([state, reason, message], ['succeeded', 'completed', undefined])
    }
    assert.ok(state.deaths <= 3, `${state.deaths} deaths`)
  })

  test('a broadcast that ends every process it comes to ends itself after three', async (context) => {
    const { client, state, start, latest } = await supervised(context)
    const run = await client.run('exit', { waits: true }, { mode: 'broadcast' })
    await eventually('its leg runs', async () => (await client.runs.tasks(run.id)).items[0]?.state === 'running')
    const first = latest()
    // The leg goes to an instance that is there when its own dies; without one it ends.
    for (let spare = 1; spare <= 3; spare++) await start()
    first.child.send('go on')
    const view = await run.ended({ timeoutMs: LOST_WITHIN_MS })
    assert.deepEqual([view.state, view.reason], ['failed', 'tasks-failed'])
    const [leg, ...others] = (await client.runs.tasks(run.id)).items
    assert.deepEqual([leg?.state, leg?.reason, others.length], ['failed', 'poison', 0])
    assert.match(leg?.failure?.message ?? '', causedBy(CAUSES.exit))
    // A process reports its death before it has ended.
    await eventually('the third has ended', () => state.deaths >= 3)
    assert.equal(state.deaths, 3)
  })
})
