import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type JobInput, jobInputSchema } from '@carillon/contracts'
import { finish, pass, quiet, statesOf } from '../testing/gated-runs.ts'
import { createTestCoordinator, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const HOUR_MS = 3_600_000

async function createSync(context: TestContext, rules: Partial<JobInput>): Promise<TestCoordinator> {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, rules)
  return coordinator
}

const put = ({ changeJobs }: TestCoordinator, rules: Partial<JobInput>) =>
  changeJobs.put('default', jobInputSchema.parse({ name: 'sync', ...rules }))

/** Runs of two tenants in turn. */
async function trigger(coordinator: TestCoordinator, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const request = { job: 'sync', payload: { tenant: `${n % 2}`, n } }
    const item = { namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined, request } as const
    const [started] = await coordinator.startRuns.execute([item])
    assert.ok(started && 'runId' in started)
    ids.push(started.runId)
    await quiet()
  }
  return ids
}

const waitingOf = async (coordinator: TestCoordinator, ids: readonly string[]) =>
  (await statesOf(coordinator, ids)).filter((state) => state === 'waiting gate').length

const concurrencyKey = 'payload.tenant'
const RULES = [
  [{ maxConcurrent: 1 }, 5],
  [{ rate: { count: 1, periodMs: HOUR_MS } }, 5],
  [{ concurrencyKey, maxPerKey: 1 }, 4],
  [{ debounce: { periodMs: HOUR_MS } }, 6],
  [{ concurrencyKey, debounce: { periodMs: HOUR_MS } }, 6],
  [{ concurrencyKey, throttle: { periodMs: HOUR_MS, payload: 'last' } }, 4],
  [{ concurrencyKey, batch: { count: 10, periodMs: HOUR_MS } }, 6],
] as const satisfies readonly (readonly [Partial<JobInput>, number])[]

test('runs that are kept when their job is removed start at once, whatever they waited for', async (context) => {
  for (const [rules, waiting] of RULES) {
    const coordinator = await createSync(context, rules)
    const ids = await trigger(coordinator, 6)
    assert.equal(await waitingOf(coordinator, ids), waiting, JSON.stringify(rules))
    await coordinator.changeJobs.remove('default', 'sync', { keepRuns: true })
    await quiet()
    assert.deepEqual(await statesOf(coordinator, ids), Array(6).fill('queued'), JSON.stringify(rules))
  }
})

test('a coordinator that stops between the removal and its signals leaves what another one starts', async (context) => {
  for (const [rules] of RULES) {
    const dying = await createSync(context, rules)
    const ids = await trigger(dying, 6)
    dying.gateHints.recheck = () => undefined
    await dying.changeJobs.remove('default', 'sync', { keepRuns: true })
    const other = await createTestCoordinator(context, { store: dying.store, clock: dying.clock })
    for (let i = 0; i < 6; i++) await pass(other, 10_000)
    assert.deepEqual(await statesOf(other, ids), Array(6).fill('queued'), JSON.stringify(rules))
  }
})

test('what waits because of a key starts at once when the rules let it', async (context) => {
  const coordinator = await createSync(context, { concurrencyKey, maxPerKey: 1 })
  const ids = await trigger(coordinator, 6)
  await put(coordinator, { concurrencyKey, maxPerKey: 2 })
  await quiet()
  assert.equal(await waitingOf(coordinator, ids), 2)
  await put(coordinator, {})
  await quiet()
  assert.equal(await waitingOf(coordinator, ids), 0)
})

test('what waits where the rules do not hold any more waits on, in its order, at the gate of the new ones', async (context) => {
  const rulesOf = [
    [{ concurrencyKey }, { concurrencyKey, maxConcurrent: 1 }, 1],
    [{ overlap: 'serial' }, { overlap: 'serial', concurrencyKey }, 2],
    [{ concurrencyKey }, { overlap: 'serial' }, 1],
    [{ rate: { count: 1, periodMs: HOUR_MS } }, { concurrencyKey, maxPerKey: 1 }, 2],
    [{ maxConcurrent: 1 }, { concurrencyKey: 'payload', maxPerKey: 1 }, 1],
  ] as const satisfies readonly (readonly [Partial<JobInput>, Partial<JobInput>, number])[]
  for (const [before, after, places] of rulesOf) {
    const coordinator = await createSync(context, before)
    const ids = await trigger(coordinator, 8)
    const open = async () => {
      const states = await statesOf(coordinator, ids)
      return ids.filter((_, i) => states[i] === 'queued')
    }
    const old = await open()
    await put(coordinator, after)
    await quiet()
    const started = (await open()).filter((id) => !old.includes(id))
    assert.deepEqual(started, ids.filter((id) => !old.includes(id)).slice(0, places), JSON.stringify(after))
    await finish(coordinator, ...old)
    for (const id of ids.filter((id) => !old.includes(id))) {
      assert.ok((await open()).length <= places)
      if ((await open()).includes(id)) await finish(coordinator, id)
    }
    assert.deepEqual(await statesOf(coordinator, ids), Array(8).fill('succeeded completed'), JSON.stringify(after))
  }
})

test('a run that is retried goes by the rules of today: those that its job was given since, or others', async (context) => {
  const coordinator = await createSync(context, {})
  const ids = await trigger(coordinator, 4)
  await finish(coordinator, ...ids)
  const retried = async (rules: Partial<JobInput>) => {
    await put(coordinator, rules)
    for (const id of ids) {
      await coordinator.changeRuns.retry('default', { runId: id })
      await quiet()
    }
    const states = await statesOf(coordinator, ids)
    for (const _ of ids) for (const id of ids) if ((await runOf(coordinator, id)).state === 'queued') await finish(coordinator, id)
    return states
  }
  assert.deepEqual(await retried({ overlap: 'serial' }), ['queued', 'waiting gate', 'waiting gate', 'waiting gate'])
  assert.deepEqual(await retried({ concurrencyKey, maxPerKey: 1 }), ['queued', 'queued', 'waiting gate', 'waiting gate'])
  assert.deepEqual(await retried({ maxConcurrent: 1 }), ['queued', 'waiting gate', 'waiting gate', 'waiting gate'])
  assert.deepEqual(await retried({}), Array(4).fill('queued'))
})

test('delayed runs go by the rules that their job has when they are due', async (context) => {
  for (const [rules, waiting] of [
    [{ overlap: 'serial' }, 3],
    [{ concurrencyKey, maxPerKey: 1 }, 2],
    [{}, 0],
  ] as const) {
    const coordinator = await createSync(context, {})
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      const request = { job: 'sync', payload: { tenant: `${n % 2}` }, delayMs: 1_000 }
      const item = { namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined, request } as const
      const [started] = await coordinator.startRuns.execute([item])
      assert.ok(started && 'runId' in started)
      ids.push(started.runId)
    }
    await put(coordinator, rules)
    await pass(coordinator, 1_000)
    assert.equal(await waitingOf(coordinator, ids), waiting)
    assert.equal((await statesOf(coordinator, ids)).filter((state) => state === 'queued').length, 4 - waiting)
  }
})

test('gates of other coordinators get a signal, one for each gate', async (context) => {
  const coordinator = await createSync(context, { concurrencyKey, debounce: { periodMs: HOUR_MS } })
  await trigger(coordinator, 6)
  Object.defineProperty(coordinator.membership, 'shares', { get: () => [] })
  coordinator.fake.signals.length = 0
  await coordinator.changeJobs.remove('default', 'sync', { keepRuns: true })
  await quiet()
  const signals = coordinator.fake.signals.map(({ subject, body }) => [subject, (body as { gates?: unknown[] }).gates?.length])
  assert.deepEqual(signals, [
    ['carillon.default.live.job.sync.changed', undefined],
    ['carillon.default.live.gate.sync.changed', 2],
  ])
})
