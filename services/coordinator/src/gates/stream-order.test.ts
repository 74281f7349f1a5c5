import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type JobInput, jobInputSchema } from '@carillon/contracts'
import { derivedId, type Incoming } from '@carillon/runtime'
import { pass, quiet, statesOf } from '../testing/gated-runs.ts'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'

const STORED_AT = 1_767_225_600_000

/** A message of stream TRIGGERS; its payload is its place there. */
const messageOf = (sequence: number, storedAt = STORED_AT): Incoming => ({
  subject: 'carillon.default.trigger.sync',
  namespace: 'default',
  name: 'sync',
  body: sequence,
  bytes: 1,
  sequence,
  storedAt,
  traceparent: undefined,
  headerNames: () => [],
  header: () => undefined,
})

const idOf = (sequence: number, storedAt = STORED_AT) => derivedId('t', 'default', sequence, storedAt)

/** Two coordinators of one mesh with a job `sync`; the first one checks its gates. */
async function createMesh(context: TestContext, rules: Partial<JobInput>): Promise<[TestCoordinator, TestCoordinator]> {
  const one = await createTestCoordinator(context)
  const other = await createTestCoordinator(context, { store: one.store, clock: one.clock })
  await one.changeJobs.put('default', jobInputSchema.parse({ name: 'sync', ...rules }))
  return [one, other]
}

async function take(coordinator: TestCoordinator, ...messages: readonly Incoming[]): Promise<void> {
  await coordinator.takeTriggers.execute(messages)
  await quiet()
}

async function call(coordinator: TestCoordinator, payload: unknown): Promise<string> {
  const item = { namespace: 'default', bytes: 0, trigger: 'call', traceparent: undefined, request: { job: 'sync', payload } } as const
  const [started] = await coordinator.startRuns.execute([item])
  await quiet()
  assert.ok(started && 'runId' in started)
  return started.runId
}

const intoOf = async ({ store }: TestCoordinator, ids: readonly string[]) =>
  (await store.runs.heads(ids)).map((run) => run?.terms?.mergedInto)

const debounce = { periodMs: 1_000 }

test('two coordinators take the messages of a burst in another order than they were stored: the last one counts, or the first', async (context) => {
  for (const payload of ['last', 'first'] as const) {
    const [one, other] = await createMesh(context, { debounce: { ...debounce, payload } })
    await take(other, messageOf(4), messageOf(5), messageOf(6))
    await take(one, messageOf(1), messageOf(2), messageOf(3))
    await pass(one, 1_000)
    const leader = payload === 'last' ? 6 : 1
    const all = [1, 2, 3, 4, 5, 6]
    const expected = all.map((n) => (n === leader ? 'queued' : 'skipped debounced'))
    assert.deepEqual(
      await statesOf(
        one,
        all.map((n) => idOf(n)),
      ),
      expected,
      payload,
    )
    assert.deepEqual(
      new Set(
        await intoOf(
          one,
          all.filter((n) => n !== leader).map((n) => idOf(n)),
        ),
      ),
      new Set([idOf(leader)]),
    )
  }
})

test('a burst of more messages than a page, the last one among the first to be taken', async (context) => {
  const [one, other] = await createMesh(context, { debounce })
  await take(other, ...Array.from({ length: 700 }, (_, n) => messageOf(1_000 + n)))
  await take(one, ...Array.from({ length: 700 }, (_, n) => messageOf(1 + n)))
  await pass(one, 1_000)
  await quiet()
  assert.deepEqual(await statesOf(one, [idOf(1_699), idOf(1_698), idOf(700)]), ['queued', 'skipped debounced', 'skipped debounced'])
})

test('a message that is taken only when a later one has started is part of its burst: what is older never runs after what is newer', async (context) => {
  for (const rules of [{ debounce }, { throttle: { periodMs: 60_000, payload: 'last' } }] as const) {
    const [one, other] = await createMesh(context, rules)
    await take(other, messageOf(2))
    await pass(one, 1_000)
    assert.deepEqual(await statesOf(one, [idOf(2)]), ['queued'])
    // The coordinator that held it has stopped: it is delivered again.
    await pass(one, 10_000)
    await take(one, messageOf(1))
    assert.deepEqual(await intoOf(one, [idOf(1)]), [idOf(2)], JSON.stringify(rules))
    await take(one, messageOf(3))
    await pass(one, 30_000)
    await pass(one, 30_000)
    assert.deepEqual(await statesOf(one, [idOf(3)]), ['queued'])
  }
})

test('a message that was overtaken is not the last one beside what came since', async (context) => {
  const [one, other] = await createMesh(context, { debounce })
  await take(other, messageOf(5))
  await pass(one, 1_000)
  const called = await call(one, 'called')
  await take(one, messageOf(4))
  await pass(one, 1_000)
  assert.deepEqual(await statesOf(one, [called, idOf(4)]), ['queued', 'skipped debounced'])
})

test('throttle with the last payload: of what came within the period the last one that was stored', async (context) => {
  const [one, other] = await createMesh(context, { throttle: { periodMs: 5_000, payload: 'last' } })
  await take(one, messageOf(1))
  await take(other, messageOf(4))
  await take(one, messageOf(2), messageOf(3))
  await pass(one, 5_000)
  assert.deepEqual(
    await statesOf(
      one,
      [1, 2, 3, 4].map((n) => idOf(n)),
    ),
    ['queued', 'skipped throttled', 'skipped throttled', 'queued'],
  )
})

test('where the order of two messages is not certain, because the stream was made again or clocks differ, the one that arrives last counts', async (context) => {
  for (const [sequence, storedAt] of [
    [1, STORED_AT + 1],
    [9, STORED_AT - 1],
  ] as const) {
    const [one] = await createMesh(context, { debounce })
    await take(one, messageOf(8))
    await take(one, messageOf(sequence, storedAt))
    await pass(one, 1_000)
    assert.deepEqual(await statesOf(one, [idOf(8), idOf(sequence, storedAt)]), ['skipped debounced', 'queued'])
    await take(one, messageOf(8, STORED_AT + 5))
    await pass(one, 1_000)
    assert.deepEqual(await statesOf(one, [idOf(8, STORED_AT + 5)]), ['queued'], `${sequence}`)
  }
})

test('calls have the order of their arrival; a view shows nothing of the place in a stream', async (context) => {
  const [one, other] = await createMesh(context, { debounce })
  await take(other, messageOf(2))
  const called = await call(one, 'called')
  await take(one, messageOf(1))
  await pass(one, 1_000)
  assert.deepEqual(await statesOf(one, [idOf(1), idOf(2), called]), ['skipped debounced', 'skipped debounced', 'queued'])
  assert.equal(JSON.stringify(await one.readRuns.get('default', idOf(1))).includes('sequence'), false)
})
