import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type JobInput, jobInputSchema } from '@carillon/contracts'
import { pass, quiet, statesOf } from '../testing/gated-runs.ts'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'

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
