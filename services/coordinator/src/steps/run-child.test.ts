import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom } from '../testing/test-coordinator.ts'

/** A task that runs and is about to start a child run. @param options.afterInsert when that is stored */
async function aParent(context: TestContext) {
  const coordinator = await createTestCoordinator(context)
  const { clock, runs, store, applyReports } = coordinator
  const run = aRun(1, { queuedAt: clock.now() })
  await runs.insert([run])
  await settle()
  await applyReports.execute([reportsFrom('i-1', { type: 'started', runId: run.id, taskId: run.id, attempt: 1 })])
  const call = { taskId: run.id, attempt: 1, instance: 'i-1', key: 'a', run: { handler: 'child' } }
  const childOf = async () => (await store.runs.list({ namespace: 'default', limit: 10 })).items.find(({ handler }) => handler === 'child')
  /** Something happens once, after the child was inserted. */
  const afterInsert = (act: () => Promise<void> | void) => {
    const insert = store.runs.insert.bind(store.runs)
    context.mock.method(
      store.runs,
      'insert',
      async (...given: Parameters<typeof insert>) => {
        const outcomes = await insert(...given)
        await act()
        return outcomes
      },
      { times: 1 },
    )
  }
  return { coordinator, run, call, childOf, afterInsert }
}

test('a child run of a task that was cancelled while it was inserted is cancelled (42)', async (context) => {
  const { coordinator, run, call, childOf, afterInsert } = await aParent(context)
  afterInsert(async () => void (await coordinator.changeRuns.cancel('default', run.id)))
  await assert.rejects(coordinator.runChild.execute('default', call), { code: 'TASK_NOT_RUNNING' })
  assert.equal((await childOf())?.state, 'cancelled')
})

test('a store that cannot be read after the insert says nothing about the task: the child run stays, and the repeated call finds it', async (context) => {
  const { coordinator, call, childOf, afterInsert } = await aParent(context)
  const { runs } = coordinator.store
  afterInsert(() => {
    const fail = async () => {
      throw new CarillonError('STORE_UNAVAILABLE', 'the store is away')
    }
    context.mock.method(runs, 'heads', fail, { times: 1 })
  })
  await assert.rejects(coordinator.runChild.execute('default', call), { code: 'STORE_UNAVAILABLE' })
  const child = await childOf()
  assert.equal(child?.state, 'queued')
  assert.equal((await coordinator.runChild.execute('default', call)).runId, child?.id)
})
