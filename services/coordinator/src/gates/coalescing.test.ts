import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type CarillonError, type JobInput, jobInputSchema, LIMITS } from '@carillon/contracts'
import { FakeClock } from '@carillon/runtime/testing'
import { openStore, type RunHead, type Store } from '@carillon/store'
import { ALL_SHARES, finish, pass, quiet, statesOf } from '../testing/gated-runs.ts'
import { createTestCoordinator, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

type Options = { readonly store?: Store; readonly clock?: FakeClock }

/** A coordinator with a job `sync`. */
async function createSync(context: TestContext, rules: Partial<JobInput>, options: Options = {}) {
  const coordinator = await createTestCoordinator(context, options)
  await put(coordinator, rules)
  return coordinator
}

async function put(coordinator: TestCoordinator, rules: Partial<JobInput>): Promise<void> {
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'sync', ...rules }))
  coordinator.jobs.forget('default', 'sync')
}

async function trigger(coordinator: TestCoordinator, payload: unknown, request: Record<string, unknown> = {}): Promise<string> {
  const item = {
    namespace: 'default',
    bytes: 0,
    trigger: 'call',
    traceparent: undefined,
    request: { job: 'sync', payload, ...request },
  } as const
  const [started] = await coordinator.startRuns.execute([item])
  await quiet()
  assert.ok(started && 'runId' in started, String(started))
  return started.runId
}

const intoOf = async (coordinator: TestCoordinator, ids: readonly string[]) =>
  (await coordinator.store.runs.heads(ids)).map((run) => run?.terms?.mergedInto)

const gatesOf = (coordinator: TestCoordinator) =>
  coordinator.store.gates.due({ until: Number.MAX_SAFE_INTEGER, shares: ALL_SHARES, limit: 10 })

test('debounce: one run starts when no trigger has come for the period, with the last payload, and the others name it', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 5_000 } })
  const ids = [await trigger(coordinator, 1)]
  for (const n of [2, 3]) {
    await pass(coordinator, 4_000)
    ids.push(await trigger(coordinator, n))
  }
  assert.deepEqual(await statesOf(coordinator, ids), Array(3).fill('waiting gate'))
  assert.match((await coordinator.readRuns.get('default', ids[0]!)).message ?? '', /one run starts at .*Z if none comes before/)
  await pass(coordinator, 4_999)
  assert.deepEqual(await statesOf(coordinator, ids), Array(3).fill('waiting gate'))
  await pass(coordinator, 1)
  assert.deepEqual(await statesOf(coordinator, ids), ['skipped debounced', 'skipped debounced', 'queued'])
  const first = await coordinator.readRuns.get('default', ids[0]!)
  assert.equal(first.mergedInto, ids[2])
  assert.match(first.message ?? '', new RegExp(ids[2]!))
  assert.match((await coordinator.readRuns.why('default', ids[0]!)).why, new RegExp(ids[2]!))
  const event = coordinator.fake.publishedTo(`event.run.${ids[0]}.skipped`).at(-1) as { mergedInto?: string }
  assert.equal(event.mergedInto, ids[2])
  await pass(coordinator, 61_000)
  assert.deepEqual(await gatesOf(coordinator), [])
})

test('debounce: triggers that never cease start a run after the longest wait; the first payload, if that is asked for', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 2_000, payload: 'first', maxWaitMs: 5_000 } })
  const ids: string[] = []
  for (let n = 0; n < 6; n++) {
    ids.push(await trigger(coordinator, n))
    await pass(coordinator, 1_000)
  }
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', ...Array(4).fill('skipped debounced'), 'waiting gate'])
  assert.deepEqual(new Set(await intoOf(coordinator, ids.slice(1, 5))), new Set([ids[0]]))
  await pass(coordinator, 1_000)
  assert.deepEqual((await statesOf(coordinator, ids)).at(-1), 'queued')
})

test('debounce: each key by itself, its runs one at a time', async (context) => {
  const coordinator = await createSync(context, { concurrencyKey: 'payload.tenant', debounce: { periodMs: 1_000 } })
  const of = (tenant: string) => trigger(coordinator, { tenant })
  const [a, b, a2] = [await of('a'), await of('b'), await of('a')]
  await pass(coordinator, 1_000)
  assert.deepEqual(await statesOf(coordinator, [a, b, a2]), ['skipped debounced', 'queued', 'queued'])
  const a3 = await of('a')
  await pass(coordinator, 1_000)
  assert.deepEqual(await statesOf(coordinator, [a3]), ['waiting gate'])
  assert.match((await coordinator.readRuns.why('default', a3)).why, new RegExp(`these runs are open: ${a2}`))
  await finish(coordinator, a2)
  assert.deepEqual(await statesOf(coordinator, [a3]), ['queued'])
})

test('debounce: a trigger with an idempotency key has its own record, and is asked for once', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 1_000 } })
  const keyed = await trigger(coordinator, 1, { key: 'order-1' })
  const other = await trigger(coordinator, 2)
  await pass(coordinator, 1_000)
  assert.equal(await trigger(coordinator, 1, { key: 'order-1' }), keyed)
  assert.deepEqual([await statesOf(coordinator, [keyed]), await intoOf(coordinator, [keyed])], [['skipped debounced'], [other]])
})

test('debounce: what is cancelled or expires while it waits is none of them; a delayed trigger arrives when it is due', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 5_000 } })
  const delayed = await trigger(coordinator, 0, { delayMs: 4_000 })
  const [first, expiring] = [await trigger(coordinator, 1), await trigger(coordinator, 2, { deadlineMs: 2_000 })]
  const cancelled = await trigger(coordinator, 3)
  await coordinator.changeRuns.cancel('default', cancelled)
  await pass(coordinator, 2_000)
  await pass(coordinator, 2_000)
  await pass(coordinator, 4_999)
  assert.deepEqual(await statesOf(coordinator, [first, delayed, expiring, cancelled]), [
    ...['waiting gate', 'waiting gate', 'expired deadline', 'cancelled cancelled-by-request'],
  ])
  await pass(coordinator, 1)
  assert.deepEqual(await statesOf(coordinator, [first, delayed]), ['skipped debounced', 'queued'])
})

test('a manual retry is no trigger: it starts at once, and no other run stands for it', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 5_000 } })
  const [first, second] = [await trigger(coordinator, 1), await trigger(coordinator, 2)]
  await pass(coordinator, 5_000)
  await finish(coordinator, second)
  for (const id of [first, second]) await coordinator.changeRuns.retry('default', { runId: id, only: undefined, fromStep: undefined })
  assert.deepEqual(await statesOf(coordinator, [first, second]), ['queued', 'queued'])
  assert.deepEqual(await intoOf(coordinator, [first]), [undefined])
})

test('a manual retry of a trigger of a batch is part of a further one: its handler takes lists', async (context) => {
  const coordinator = await createSync(context, { batch: { count: 2, periodMs: 5_000 }, maxConcurrent: 5 })
  const ids = [await trigger(coordinator, 1), await trigger(coordinator, 2), await trigger(coordinator, 3)]
  await coordinator.changeRuns.cancel('default', ids[2]!)
  const [before] = await intoOf(coordinator, ids)
  await pass(coordinator, 60_000)
  const retry = (id: string) => coordinator.changeRuns.retry('default', { runId: id, only: undefined, fromStep: undefined })
  await retry(ids[0]!)
  await pass(coordinator, 4_000)
  assert.deepEqual(await statesOf(coordinator, [ids[0]!]), ['waiting gate'])
  await retry(ids[2]!)
  await quiet()
  assert.deepEqual(await statesOf(coordinator, ids), Array(3).fill('skipped batched'))
  const [into, second, third] = await intoOf(coordinator, ids)
  assert.deepEqual([into === before, second, third], [false, before, into])
  assert.equal((await coordinator.store.runs.get([into!]))[0]?.payload, '[1,3]')
  await put(coordinator, {})
  await retry(ids[1]!)
  assert.deepEqual(await statesOf(coordinator, [ids[1]!]), ['queued'])
})

test('throttle: the first trigger starts at once, those within the period are skipped and name it', async (context) => {
  const coordinator = await createSync(context, { throttle: { periodMs: 60_000 } })
  const first = await trigger(coordinator, 1)
  await pass(coordinator, 30_000)
  const second = await trigger(coordinator, 2)
  await pass(coordinator, 29_999)
  const third = await trigger(coordinator, 3)
  assert.deepEqual(await statesOf(coordinator, [first, second, third]), ['queued', 'skipped throttled', 'skipped throttled'])
  assert.deepEqual(await intoOf(coordinator, [second, third]), [first, first])
  await pass(coordinator, 1)
  const fourth = await trigger(coordinator, 4)
  assert.deepEqual(await statesOf(coordinator, [fourth]), ['queued'])
  await pass(coordinator, 60_000)
  await pass(coordinator, 60_000)
  assert.deepEqual(await gatesOf(coordinator), [])
})

test('throttle with the last payload: what comes within the period is one run at its end, and begins a period of its own', async (context) => {
  const coordinator = await createSync(context, { throttle: { periodMs: 60_000, payload: 'last' } })
  const ids = [await trigger(coordinator, 1), await trigger(coordinator, 2), await trigger(coordinator, 3)]
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'waiting gate', 'waiting gate'])
  assert.match((await coordinator.readRuns.why('default', ids[1]!)).why, new RegExp(`run ${ids[0]} .*the last trigger starts at`))
  await pass(coordinator, 30_000)
  await pass(coordinator, 30_000)
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'skipped throttled', 'queued'])
  const next = await trigger(coordinator, 4)
  await pass(coordinator, 59_000)
  assert.deepEqual(await statesOf(coordinator, [next]), ['waiting gate'])
  await pass(coordinator, 1_000)
  assert.deepEqual(await statesOf(coordinator, [next]), ['queued'])
})

test('batch: so many triggers are one run whose payload is the list of theirs; fewer when the period is over', async (context) => {
  const coordinator = await createSync(context, { batch: { count: 3, periodMs: 2_000 } })
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.push(await trigger(coordinator, { n }))
  assert.deepEqual(await statesOf(coordinator, ids), [...Array(3).fill('skipped batched'), ...Array(2).fill('waiting gate')])
  const [batch, ...others] = new Set(await intoOf(coordinator, ids.slice(0, 3)))
  assert.deepEqual(others, [])
  const run = await runOf(coordinator, batch!)
  assert.deepEqual([run.state, run.trigger, JSON.parse(run.payload)], ['queued', 'call', [{ n: 0 }, { n: 1 }, { n: 2 }]])
  assert.match((await coordinator.readRuns.why('default', ids[4]!)).why, /3 are one run, those that there are start at/)
  await pass(coordinator, 2_000)
  const [second] = await intoOf(coordinator, ids.slice(3))
  assert.deepEqual(JSON.parse((await runOf(coordinator, second!)).payload), [{ n: 3 }, { n: 4 }])
  assert.deepEqual(await coordinator.store.runs.due({ until: Number.MAX_SAFE_INTEGER, shares: ALL_SHARES, limit: 10 }), [])
  await pass(coordinator, 61_000)
  assert.deepEqual(await gatesOf(coordinator), [])
})

test('batch: payloads that are too large for one run together are several, in order; one that is cancelled is in none', async (context) => {
  const coordinator = await createSync(context, { batch: { count: 10, periodMs: 2_000 }, maxConcurrent: 1 })
  const large = (n: number) => `${n}`.padEnd(LIMITS.payloadBytes / 3, '.')
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.push(await trigger(coordinator, large(n)))
  await coordinator.changeRuns.cancel('default', ids[1]!)
  await pass(coordinator, 2_000)
  const into = await intoOf(coordinator, ids)
  assert.deepEqual(into[1], undefined)
  const batches = [...new Set(into.filter((id) => id !== undefined))]
  const payloads = await Promise.all(batches.map(async (id) => JSON.parse((await runOf(coordinator, id)).payload) as string[]))
  assert.deepEqual(payloads, [
    [large(0), large(2)],
    [large(3), large(4)],
  ])
  assert.deepEqual(await statesOf(coordinator, batches), ['queued', 'waiting gate'])
})

test('a coordinator that stops between any two writes leaves what another one finishes', async (context) => {
  for (const rules of [{ debounce: { periodMs: 1_000 } }, { batch: { count: 2, periodMs: 60_000 } }] as const)
    for (let writes = 0; writes < 8; writes++) {
      const store = await openStore('sqlite::memory:')
      context.after(() => store.close())
      const clock = new FakeClock()
      const dying = await createSync(context, rules, { store: dyingStore(store, writes), clock })
      const ids = [await trigger(dying, 1), await trigger(dying, 2)]
      await pass(dying, 1_000)
      const other = await createTestCoordinator(context, { store, clock })
      for (let i = 0; i < 3; i++) await pass(other, 11_000)
      const states = await statesOf(other, ids)
      const [leader] = await other.store.runs.heads([(await intoOf(other, ids)).find((id) => id !== undefined) ?? ''])
      const expected = 'batch' in rules ? ['skipped batched', 'skipped batched'] : ['skipped debounced', 'queued']
      assert.deepEqual([states, leader?.state], [expected, 'queued'], `after ${writes} writes`)
    }
})

test('until the run of a batch is stored, retention removes none of the payloads; it has the longest chain of parents', async (context) => {
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  const clock = new FakeClock()
  const insert: Store['runs']['insert'] = (runs) =>
    runs.some(({ id }) => id.startsWith('b')) ? new Promise<never>(() => undefined) : store.runs.insert(runs)
  const runs = new Proxy(store.runs, {
    get(of, name) {
      if (name === 'insert') return insert
      const member = of[name as keyof typeof of]
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
  const dying = await createSync(
    context,
    { batch: { count: 2, periodMs: 60_000 } },
    { store: { ...store, runs, describe: () => store.describe() }, clock },
  )
  const fired = { namespace: 'default', bytes: 0, trigger: 'job', traceparent: undefined, request: { job: 'sync', payload: 1 } } as const
  const started = await dying.startRuns.execute([{ ...fired, cause: { parent: 'run-1', chain: ['one', 'two'] } }])
  const ids = [...started.flatMap((one) => ('runId' in one ? [one.runId] : [])), await trigger(dying, 2)]
  assert.deepEqual(await statesOf(dying, ids), ['skipped batched', 'skipped batched'])
  const remove = () => store.retention.markRemoved({ ids, endedBefore: Number.MAX_SAFE_INTEGER, at: clock.now() })
  assert.deepEqual(await remove(), [])
  const other = await createTestCoordinator(context, { store, clock })
  await pass(other, 2_000)
  const [into] = await intoOf(other, ids)
  const batch = await runOf(other, into!)
  assert.deepEqual([batch.payload, batch.trigger, batch.terms], ['[1,2]', 'job', { parent: 'run-1', chain: ['one', 'two'] }])
  await pass(other, 11_000)
  assert.equal((await remove()).length, 2)
})

/** Its writes that follow from checks of gates are never made, after so many. */
function dyingStore(store: Store, writes: number): Store {
  let left = writes
  const dies = <Port extends object>(port: Port, names: readonly string[]): Port =>
    new Proxy(port, {
      get(of, name) {
        const member = of[name as keyof Port]
        if (typeof member !== 'function') return member
        return (...given: unknown[]) =>
          names.includes(String(name)) && left-- <= 0 ? new Promise<never>(() => undefined) : member.apply(of, given)
      },
    })
  return { ...store, runs: dies(store.runs, ['update']), gates: dies(store.gates, ['put', 'remove']), describe: () => store.describe() }
}

test('when the rule is removed what waits starts; when the job is removed it is cancelled', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 30_000 }, maxConcurrent: 1 })
  const ids = [await trigger(coordinator, 1), await trigger(coordinator, 2)]
  await put(coordinator, { maxConcurrent: 1 })
  coordinator.gateHints.jobChanged('default', 'sync')
  await quiet()
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'waiting gate'])
  await put(coordinator, { batch: { count: 5, periodMs: 30_000 } })
  const waiting = await trigger(coordinator, 3)
  await coordinator.changeJobs.remove('default', 'sync', { keepRuns: false })
  assert.deepEqual(await statesOf(coordinator, [waiting]), ['cancelled job-removed'])
})

test('a run of the seal that is cancelled before it starts is replaced by another one', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 1_000 } })
  const ids = [await trigger(coordinator, 1), await trigger(coordinator, 2)]
  const { gates } = coordinator.store
  const [due] = await gatesOf(coordinator)
  const [gate] = await gates.get([due!.id])
  const { gateOrder } = (await runOf(coordinator, ids[1]!)) as RunHead
  const seal = { rule: 'debounce', runId: ids[1]!, through: gateOrder!, at: coordinator.clock.now() } as const
  await gates.put([{ gate: { ...gate!, window: { starts: [], seal }, revision: gate!.revision + 1 }, expect: gate!.revision }])
  await coordinator.changeRuns.cancel('default', ids[1]!)
  await pass(coordinator, 1_000)
  assert.deepEqual(await statesOf(coordinator, ids), ['queued', 'cancelled cancelled-by-request'])
})

test('a clock that is set back for an hour stops nothing for an hour', async (context) => {
  for (const rules of [
    { debounce: { periodMs: 5_000 } },
    { throttle: { periodMs: 5_000 } },
    { batch: { count: 5, periodMs: 5_000 } },
  ] as const) {
    const store = await openStore('sqlite::memory:')
    context.after(() => store.close())
    const clock = new FakeClock()
    const before = await createSync(context, rules, { store, clock })
    await trigger(before, 1)
    const right = new FakeClock(clock.now() - 3_600_000)
    const coordinator = await createTestCoordinator(context, { store, clock: right })
    const id = await trigger(coordinator, 2)
    await pass(coordinator, 6_000)
    const [run] = await store.runs.heads([id])
    const [into] = await store.runs.heads([run?.terms?.mergedInto ?? id])
    assert.equal(into?.state, 'queued', JSON.stringify(rules))
  }
})

test('when a clock was set back, a gate that would sleep for an hour is checked', async (context) => {
  const coordinator = await createSync(context, { debounce: { periodMs: 5_000 } })
  const id = await trigger(coordinator, 1)
  const [due] = await gatesOf(coordinator)
  const [gate] = await coordinator.store.gates.get([due!.id])
  const late = { ...gate!, wakeAt: gate!.wakeAt! + 3_600_000, revision: gate!.revision + 1 }
  await coordinator.store.gates.put([{ gate: late, expect: gate!.revision }])
  await coordinator.repairTimes.execute(ALL_SHARES, new AbortController().signal)
  await quiet()
  await pass(coordinator, 5_000)
  assert.deepEqual(await statesOf(coordinator, [id]), ['queued'])
})

test('slots of the schedule are no triggers', async (context) => {
  const coordinator = await createSync(context, { schedule: { everyMs: 60_000 }, debounce: { periodMs: 3_600_000 } })
  const [job] = await coordinator.store.jobs.get(['default/sync'])
  await coordinator.clock.advance(60_000)
  await coordinator.fireSlots.execute([job!.id])
  await quiet()
  const { items } = await coordinator.store.runs.list({ namespace: 'default', limit: 10 })
  assert.deepEqual(
    items.map(({ state }) => state),
    ['queued'],
  )
})

test('rules that contradict each other are refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const [debounce, batch] = [{ periodMs: 1_000 }, { count: 5, periodMs: 1_000 }]
  for (const [rules, field] of [
    [{ debounce, batch }, 'batch'],
    [{ debounce, throttle: { periodMs: 1_000 } }, 'throttle'],
    [{ debounce, overlap: 'discard' }, 'overlap'],
    [{ batch, overlap: 'replace' }, 'overlap'],
    [{ debounce: { periodMs: 1_000, maxWaitMs: 999 } }, 'debounce.maxWaitMs'],
    [{ batch, route: 'consistent-hash', hashKey: 'payload.tenant' }, 'hashKey'],
  ] as const)
    await assert.rejects(
      async () => coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'sync', ...rules })),
      (error: CarillonError) => error.details.field === field,
      JSON.stringify(rules),
    )
})
