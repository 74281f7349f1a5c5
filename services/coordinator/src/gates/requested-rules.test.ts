import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, jobInputSchema, type StartedRun } from '@carillon/contracts'
import { finish, pass, quiet, statesOf } from '../testing/gated-runs.ts'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'
import { checkRulesName } from './rules/requested-rules.ts'

async function call(coordinator: TestCoordinator, request: Record<string, unknown>): Promise<StartedRun | CarillonError> {
  const item = {
    namespace: 'default',
    bytes: 0,
    trigger: 'call',
    traceparent: undefined,
    request: { handler: 'sync', ...request },
  } as const
  const [outcome] = await coordinator.startRuns.execute([item])
  await quiet()
  return outcome as StartedRun | CarillonError
}

async function start(coordinator: TestCoordinator, request: Record<string, unknown>): Promise<string> {
  const outcome = await call(coordinator, request)
  if (CarillonError.is(outcome)) throw outcome
  return outcome.runId
}

const BY_TENANT = { concurrencyKey: 'payload.tenant', maxPerKey: 1 }

test('runs of a handler that were requested with the same rules share places, those with others do not', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const first = await start(coordinator, { ...BY_TENANT, payload: { tenant: 'a' } })
  const second = await start(coordinator, { ...BY_TENANT, payload: { tenant: 'a' } })
  const other = await start(coordinator, { ...BY_TENANT, payload: { tenant: 'b' } })
  const more = await start(coordinator, { ...BY_TENANT, maxPerKey: 2, payload: { tenant: 'a' } })
  const plain = await start(coordinator, { payload: { tenant: 'a' } })
  const another = await start(coordinator, { ...BY_TENANT, handler: 'other', payload: { tenant: 'a' } })
  const ids = [first, second, other, more, plain, another]
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'waiting gate', 'queued', 'queued', 'queued', 'queued'])
  const view = await coordinator.readRuns.get('default', second)
  assert.match(view.message ?? '', new RegExp(first))
  assert.equal('rules' in view, false)
  await finish(coordinator, first)
  assert.deepEqual(await statesOf(coordinator, [second]), ['queued'])
})

test('a signal that was lost, and a retry by hand, find the rules again', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const first = await start(coordinator, { maxConcurrent: 1 })
  const second = await start(coordinator, { maxConcurrent: 1 })
  coordinator.gateHints.ended = () => undefined
  await finish(coordinator, first)
  assert.deepEqual(await statesOf(coordinator, [second]), ['waiting gate'])
  await pass(coordinator, 11_000)
  await pass(coordinator, 11_000)
  assert.deepEqual(await statesOf(coordinator, [second]), ['queued'])
  await coordinator.changeRuns.retry('default', { runId: first })
  await quiet()
  assert.deepEqual(await statesOf(coordinator, [first]), ['waiting gate'])
  await finish(coordinator, second)
  await pass(coordinator, 11_000)
  assert.deepEqual(await statesOf(coordinator, [first]), ['queued'])
})

test('debounce, and a batch that is run as its members would have been', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const debounce = { periodMs: 1_000, payload: 'last' }
  const calls = [await start(coordinator, { debounce, payload: 1 }), await start(coordinator, { debounce, payload: 2 })]
  await pass(coordinator, 1_100)
  await pass(coordinator, 100)
  assert.deepEqual(await statesOf(coordinator, calls), ['skipped debounced', 'queued'])
  const batch = { batch: { count: 2, periodMs: 60_000 }, attempts: 3, priority: 'high' }
  const [one] = [await start(coordinator, { ...batch, payload: 1 }), await start(coordinator, { ...batch, payload: 2 })]
  await pass(coordinator, 100)
  const [head] = await coordinator.store.runs.heads([one])
  const [made] = await coordinator.store.runs.get([head?.terms?.mergedInto ?? ''])
  assert.deepEqual(
    [made?.payload, made?.handler, made?.job, made?.tries, made?.terms?.priority, made?.state],
    ['[1,2]', 'sync', null, 3, 'high', 'queued'],
  )
})

test('a batch without a job is a fan-out run where its first member would have been one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const batch = { count: 2, periodMs: 60_000 }
  const plans = [
    { shards: 4, maxParallel: 2 },
    { items: ['a', { b: 1 }], tolerate: '50%' },
    { mode: 'broadcast', labels: { zone: 'a' } },
    { mode: 'map-reduce', shards: 3 },
  ]
  for (const [i, plan] of plans.entries()) {
    const requested = { ...plan, batch, handler: `h${i}` }
    const [one] = [await start(coordinator, { ...requested, payload: 1 }), await start(coordinator, { ...requested, payload: 2 })]
    await pass(coordinator, 100)
    const [asked] = await coordinator.store.runs.get([one])
    const [made] = await coordinator.store.runs.get([asked?.terms?.mergedInto ?? ''])
    assert.equal(made?.payload, '[1,2]')
    const planned = [made.mode, made.plan, made.items, made.routing]
    assert.deepEqual(planned, [asked?.mode, asked?.plan, asked?.items, asked?.routing])
    assert.equal(made.mode === 'single', false)
  }
})

test('a name of rules is checked where a signal brings it', () => {
  for (const rules of [
    { maxConcurrent: 1 },
    { concurrencyKey: '"~" + payload.a', maxPerKey: 2 },
    { debounce: { periodMs: 500, payload: 'last' } },
  ])
    assert.doesNotThrow(() => checkRulesName(`~sync~${JSON.stringify(rules)}`))
  const wrong = [
    '',
    '~',
    '~~',
    '~~null',
    '~sync~',
    '~sync~{broken',
    '~sync~null',
    '~sync~{}',
    '~sync~[]',
    'sync~{"maxConcurrent":1}',
    '~a b~{"maxConcurrent":1}',
  ]
  const texts = [
    '{"maxConcurrent":0}',
    '{"batch":{"count":-1,"periodMs":"x"}}',
    '{"maxPerKey":1}',
    '{"maxConcurrent":1,"payload":5}',
    '{"maxConcurrent": 1}',
  ]
  for (const name of [...wrong, ...texts.map((text) => `~sync~${text}`)])
    assert.throws(() => checkRulesName(name), { code: 'INVALID_REQUEST' }, name)
})

test('a gate that cannot be checked does not hold up the others', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const [first, second] = [await start(coordinator, { maxConcurrent: 1 }), await start(coordinator, { maxConcurrent: 1 })]
  const debounced = await start(coordinator, { debounce: { periodMs: 1_000, payload: 'last' } })
  const bad = ['gj', 'gc'].map((kind) => ({
    id: `${kind}bad`,
    namespace: 'default',
    job: '~sync~{broken',
    key: '',
    ended: new Set<string>(),
  }))
  await coordinator.clock.advance(1_000)
  const { gateHints } = coordinator
  const own = gateHints as unknown as { noticed(hints: readonly object[]): void }
  const [run] = await coordinator.store.runs.heads([debounced])
  own.noticed([
    ...bad,
    { id: run?.gate, namespace: 'default', job: `~sync~${JSON.stringify(run?.terms?.rules)}`, key: '', ended: new Set() },
  ])
  await finish(coordinator, first)
  assert.deepEqual(await statesOf(coordinator, [second, debounced]), ['queued', 'queued'])
})

test('what a run of a handler waits for names the handler', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const messageOf = async (request: Record<string, unknown>) =>
    (await coordinator.readRuns.get('default', await start(coordinator, request))).message ?? ''
  await start(coordinator, { maxConcurrent: 1 })
  await start(coordinator, { rate: { count: 1, periodMs: 60_000 } })
  for (const rules of [
    { maxConcurrent: 1 },
    { rate: { count: 1, periodMs: 60_000 } },
    { debounce: { periodMs: 1_000, payload: 'last' } },
    { batch: { count: 2, periodMs: 1_000 } },
  ])
    assert.match(await messageOf(rules), /of handler "sync" with these rules/)
})

test('rules of a job are not of a request, and the same request with other rules is another one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'report' }))
  const refused = await call(coordinator, { handler: undefined, job: 'report', overlap: 'serial' })
  assert.ok(CarillonError.is(refused) && refused.details.field === 'overlap' && /job report/.test(refused.message))
  const wrong = await call(coordinator, { maxPerKey: 2 })
  assert.ok(CarillonError.is(wrong) && wrong.details.field === 'maxPerKey')
  const cut = await call(coordinator, { concurrencyKey: 'payload.' })
  assert.ok(CarillonError.is(cut) && cut.code === 'INVALID_EXPRESSION')
  await start(coordinator, { key: 'k', maxConcurrent: 1 })
  const conflict = await call(coordinator, { key: 'k', maxConcurrent: 2 })
  assert.ok(CarillonError.is(conflict) && conflict.code === 'KEY_CONFLICT')
  assert.deepEqual(await call(coordinator, { key: 'k', maxConcurrent: 1 }), {
    runId: await start(coordinator, { key: 'k', maxConcurrent: 1 }),
    created: false,
  })
})
