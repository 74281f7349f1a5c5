import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { OPEN_STATES } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../testing/workflow-runs.ts'

const BEAT_MS = 500
/** One that is silent for 2.5 s is dead; what it owed is done within a second. */
const WITHIN_MS = 3_500

/** A coordinator that was alive a moment ago. */
async function withDead(context: TestContext): Promise<TestCoordinator> {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, membership } = coordinator
  await store.coordinators.put({ id: 'c-0', beat: 1, publishedBefore: clock.now() })
  context.after(() => membership.stop())
  return coordinator
}

/** Its coordinator dies when that is stored. */
async function ends({ store, clock }: { store: Store; clock: { now(): number } }, id: string): Promise<void> {
  const end = { state: 'succeeded', reason: 'completed', result: '{"ref":1}', endedAt: clock.now(), queuedAt: null, wakeAt: null } as const
  await store.runs.update([{ id, expect: { state: OPEN_STATES }, set: end }])
}

async function takenOver({ membership, clock, store }: TestCoordinator): Promise<void> {
  await membership.start()
  for (let ms = 0; ms < WITHIN_MS; ms += BEAT_MS) {
    await clock.advance(BEAT_MS)
    await turns()
  }
  assert.deepEqual(
    (await store.coordinators.list()).map(({ id }) => id),
    ['c-1'],
  )
}

async function withChild(coordinator: TestCoordinator): Promise<WorkflowRun> {
  await coordinator.changeJobs.put('default', { name: 'part', handler: 'work' } as never)
  return WorkflowRun.start(coordinator, {
    nodes: [
      { id: 'sub', job: 'part' },
      { id: 'z', handler: 'z', after: 'sub', payload: 'nodes.sub.result' },
    ],
  })
}

test('a node goes on when another coordinator has taken over, whose child run had ended before its coordinator died (44)', async (context) => {
  const coordinator = await withDead(context)
  const run = await withChild(coordinator)
  await ends(coordinator, (await run.task('sub'))?.node?.child ?? '')
  assert.equal(await run.states(), 'sub:running')
  await takenOver(coordinator)
  assert.equal(await run.states(), 'sub:succeeded z:queued')
})

test('so do the nodes that follow it, where it had ended too', async (context) => {
  const coordinator = await withDead(context)
  const run = await withChild(coordinator)
  const { soon } = coordinator.advance
  coordinator.advance.soon = () => undefined
  await ends(coordinator, (await run.task('sub'))?.node?.child ?? '')
  const [task] = await coordinator.store.tasks.heads([(await run.task('sub'))?.id ?? ''])
  await coordinator.store.tasks.update([
    {
      id: task?.id ?? '',
      expect: { state: ['running'] },
      set: { state: 'succeeded', reason: 'completed', result: '1', endedAt: 1, wakeAt: null },
    },
  ])
  coordinator.advance.soon = soon.bind(coordinator.advance)
  await takenOver(coordinator)
  assert.equal(await run.states(), 'sub:succeeded z:queued')
})

test('so does a step that waits for a child run', async (context) => {
  const coordinator = await withDead(context)
  const { runs, clock, applyReports, runChild } = coordinator
  const run = aRun(1, { queuedAt: clock.now() })
  await runs.insert([run])
  const about = { runId: run.id, taskId: run.id, attempt: 1 }
  await applyReports.execute([reportsFrom('i-1', { ...about, type: 'started' })])
  const { runId: child } = await runChild.execute('default', { ...about, instance: 'i-1', key: 'a', run: { handler: 'child' } })
  await applyReports.execute([reportsFrom('i-1', { ...about, type: 'slept', waits: [{ step: 0, signal: 'child', child }] })])
  assert.equal((await runOf(coordinator, run.id)).state, 'delayed')
  await ends(coordinator, child)
  await takenOver(coordinator)
  assert.equal((await runOf(coordinator, run.id)).state, 'queued')
})

test('of many child runs that have ended only those concern a take-over that have ended lately, and whose parents are open', async (context) => {
  const coordinator = await withDead(context)
  const { store, clock } = coordinator
  const ended = { state: 'succeeded', queuedAt: null, endedAt: clock.now() } as const
  const parents = Array.from({ length: 300 }, (_, n) => aRun(1_000 + n, { ...ended, mode: 'workflow' }))
  const old = aRun(1, { state: 'running', mode: 'workflow', queuedAt: null })
  const children = parents.map(({ id }, n) => aRun(5_000 + n, { ...ended, parentTask: `${id}-n000g1` }))
  await store.runs.insert([
    ...parents,
    ...children,
    old,
    aRun(2, { ...ended, endedAt: clock.now() - 60_000, parentTask: `${old.id}-n000g1` }),
  ])
  const reconciled: string[] = []
  coordinator.advance.soon = (runId) => void reconciled.push(runId)
  await takenOver(coordinator)
  assert.deepEqual(reconciled, [])
})
