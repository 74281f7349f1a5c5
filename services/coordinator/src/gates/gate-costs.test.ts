import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { jobInputSchema } from '@carillon/contracts'
import { FakeClock, settle } from '@carillon/runtime/testing'
import { type RunRecord, SHARES } from '@carillon/store'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from '../testing/test-coordinator.ts'
import { ArrivedRuns } from './arrived-runs.ts'

const EVERYTHING = { until: Number.MAX_SAFE_INTEGER, shares: Array.from({ length: SHARES }, (_, share) => share), limit: 1_000 }

async function quiet(): Promise<void> {
  for (let i = 0; i < 40; i++) await settle()
}

async function createGated(context: TestContext, maxConcurrent: number) {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report', maxConcurrent }))
  return coordinator
}

async function start(coordinator: TestCoordinator, count: number): Promise<string[]> {
  const item = { namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined, request: { job: 'report' } } as const
  const started = await coordinator.startRuns.execute(Array.from({ length: count }, () => item))
  await quiet()
  return started.flatMap((one) => ('runId' in one ? [one.runId] : []))
}

async function finish(coordinator: TestCoordinator, runId: string): Promise<void> {
  const report = { type: 'finished', runId, taskId: runId, attempt: 1, outcome: 'succeeded', durationMs: 1 }
  await coordinator.applyReports.execute([reportsFrom('i-1', report)])
  await quiet()
}

const headsOf = async ({ store }: TestCoordinator, ids: readonly string[]) => store.runs.heads(ids)
const statesOf = async (coordinator: TestCoordinator, ids: readonly string[]) => (await headsOf(coordinator, ids)).map((run) => run?.state)

test('runs that wait where they were stored start without being read again', async (context) => {
  const coordinator = await createGated(context, 2)
  const { runs } = coordinator.store
  const read = ['get', 'heads', 'waiting'].map((name) => context.mock.method(runs, name as 'heads'))
  const ids = await start(coordinator, 5)
  for (const id of ids) await finish(coordinator, id)
  assert.deepEqual(
    read.map(({ mock }) => mock.calls.flatMap((call) => call.arguments[0]).filter((id) => ids.includes(id))),
    [[], [], []],
  )
  assert.deepEqual(new Set(await statesOf(coordinator, ids)), new Set(['succeeded']))
})

test('of many holders those that have ended are read, not the others', async (context) => {
  const coordinator = await createGated(context, 20)
  const ids = await start(coordinator, 25)
  const places = context.mock.method(coordinator.store.runs, 'places')
  for (const id of ids.slice(0, 3)) await finish(coordinator, id)
  const read = places.mock.calls.flatMap((call) => call.arguments[0])
  assert.deepEqual(read, ids.slice(0, 3))
  assert.deepEqual((await statesOf(coordinator, ids)).filter((state) => state === 'waiting').length, 2)
})

test('a run that comes where others wait is not checked by itself every two seconds: its gate is', async (context) => {
  const coordinator = await createGated(context, 1)
  const [, second] = await start(coordinator, 2)
  const [third] = await start(coordinator, 1)
  const heads = await headsOf(coordinator, [second!, third!])
  const now = coordinator.clock.now()
  assert.deepEqual(
    heads.map((run) => (run?.wakeAt ?? 0) - now),
    [2_000, 62_000],
  )
  const [gate] = await coordinator.store.gates.due(EVERYTHING)
  assert.equal(gate?.wakeAt, now + 10_000)
})

test('waking gates is over when they have been checked', async (context) => {
  const coordinator = await createGated(context, 1)
  const [id] = await start(coordinator, 1)
  await finish(coordinator, id!)
  await coordinator.clock.advance(10_000)
  const due = async () => (await coordinator.store.gates.due(EVERYTHING)).map((gate) => gate.id)
  await coordinator.waitingChecks.execute(await due())
  assert.deepEqual(await due(), [])
})

test('a run whose gate is about to be checked is looked after later; no gate is written for it', async (context) => {
  const coordinator = await createGated(context, 1)
  const arrived = context.mock.method(coordinator.gateHints, 'arrived', () => undefined)
  const [id] = await start(coordinator, 1)
  arrived.mock.restore()
  const [run] = await headsOf(coordinator, [id!])
  coordinator.gateHints.arrived(run!)
  const changes = await coordinator.waitingChecks.settled([run!])
  assert.deepEqual(
    changes.map(({ decision }) => decision.set),
    [{ wakeAt: coordinator.clock.now() + 10_000 }],
  )
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [id!]), ['queued'])
})

test('arrivals are remembered up to a size, the first to come, and only as they were stored', async () => {
  const clock = new FakeClock()
  const arrived = new ArrivedRuns({ clock })
  const run = (id: string, fields: Partial<RunRecord> = {}) =>
    ({ id, gate: 'gj-1', gateOrder: 1, payload: '{}', items: null, ...fields }) as RunRecord
  arrived.add(run('a'))
  assert.equal(arrived.take({ id: 'a', gate: 'gj-1', gateOrder: 1 })?.id, 'a')
  assert.equal(arrived.take({ id: 'a', gate: 'gj-1', gateOrder: 1 }), undefined)
  for (const changed of [{ gateOrder: 2 }, { gate: 'gj-2' }]) {
    arrived.add(run('b'))
    assert.equal(arrived.take({ id: 'b', gate: 'gj-1', gateOrder: 1, ...changed }), undefined)
  }
  arrived.add(run('large', { payload: 'x'.repeat(20_000) }))
  assert.equal(arrived.take({ id: 'large', gate: 'gj-1', gateOrder: 1 }), undefined)
  const payload = 'x'.repeat(16_000)
  for (let i = 0; i < 1_000; i++) arrived.add(run(`r${i}`, { payload }))
  const known = (i: number) => arrived.take({ id: `r${i}`, gate: 'gj-1', gateOrder: 1 }) !== undefined
  assert.deepEqual([known(0), known(400), known(999)], [true, true, false])
  await clock.advance(60_000)
  arrived.add(run('new'))
  assert.deepEqual([known(1), arrived.take({ id: 'new', gate: 'gj-1', gateOrder: 1 })?.id], [false, 'new'])
})
