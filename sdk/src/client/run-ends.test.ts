import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, subjects } from '@carillon/contracts'
import { eventually, signal } from '@carillon/wire/testing'
import { startMesh } from '../testing/mesh-fixture.ts'

type Ended = (input: { runIds: string[] }) => { runs: object[] }

/** Keeps what was asked in each call. */
async function meshOf(t: Parameters<typeof startMesh>[0]) {
  const { fake, connect } = await startMesh(t)
  const mesh = await connect()
  const asked: string[][] = []
  const ended = fake.answers['runs.ended'] as Ended
  const answer = (given: Ended) => {
    fake.answers['runs.ended'] = (input: { runIds: string[] }) => {
      asked.push(input.runIds)
      return given(input)
    }
  }
  answer(ended)
  return { fake, client: mesh.client, asked, answer, ended, stop: () => mesh.stop() }
}

const idOf = (n: number) => `run0000000000${String(n).padStart(6, '0')}`

const endOf = (runId: string) =>
  JSON.stringify({
    runId,
    handler: 'a',
    state: 'succeeded',
    reason: 'completed',
    attempt: 1,
    at: '2026-01-01T00:00:00.000Z',
    result: 'later',
  })

test('runs that are waited for in one turn are read by one call, each with an outcome of its own', async (t) => {
  const { fake, client, asked } = await meshOf(t)
  fake.runs.set(idOf(1), { state: 'succeeded', result: 1 })
  fake.runs.set(idOf(2), { state: 'failed', reason: 'handler-error' })
  const outcomes = await Promise.allSettled([1, 2, 3].map((n) => client.handleOf(idOf(n)).result()))
  assert.deepEqual(asked, [[1, 2, 3].map(idOf)])
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as CarillonError).code)),
    [1, 'RUN_NOT_SUCCEEDED', 'RUN_NOT_FOUND'],
  )
})

test('of more runs than a call may have, and of those that did not fit into an answer, each is read', async (t) => {
  const { fake, client, asked, answer, ended } = await meshOf(t)
  const ids = Array.from({ length: 1_200 }, (_, n) => idOf(n))
  for (const [n, id] of ids.entries()) fake.runs.set(id, { state: 'succeeded', result: n })
  answer((input) => ({ runs: ended(input).runs.slice(0, 900) }))
  const results = await Promise.all(ids.map((id) => client.handleOf(id).result()))
  assert.deepEqual(results, [...ids.keys()])
  assert.deepEqual(
    asked.map(({ length }) => length),
    [1_000, 200, 100],
  )
})

test('a failure that may pass, and an answer without an outcome, end no wait', async (t) => {
  const { fake, client, asked, answer } = await meshOf(t)
  fake.runs.set(idOf(1), { state: 'running' })
  const answers = [() => ({ runs: [{ error: { code: 'STORE_UNAVAILABLE', message: 'for a moment' } }] }), () => ({ runs: [] })]
  for (const given of answers) {
    answer(given)
    const waiting = client.handleOf(idOf(1)).result()
    await eventually('it was asked', () => asked.splice(0).length > 0)
    fake.connection.publish(subjects.event('default', 'run', idOf(1), 'succeeded'), endOf(idOf(1)))
    assert.equal(await waiting, 'later')
  }
})

test('of several that wait for one run each gets its end, also when another one gave up; a closed connection ends all waits', async (t) => {
  const { fake, client, asked, stop } = await meshOf(t)
  fake.runs.set(idOf(1), { state: 'running' })
  const handle = client.handleOf(idOf(1))
  const impatient = new AbortController()
  const waits = [handle.result(), handle.result({ signal: impatient.signal }), handle.result(), client.handleOf(idOf(1)).result()]
  impatient.abort(new Error('enough'))
  await assert.rejects(waits[1] as Promise<unknown>, /enough/)
  await eventually('the broker knows the subscription: it came before the question', () => asked.length > 0)
  fake.connection.publish(subjects.event('default', 'run', idOf(1), 'succeeded'), endOf(idOf(1)))
  assert.deepEqual(await Promise.all([waits[0], waits[2], waits[3]]), ['later', 'later', 'later'])
  const last = handle.result()
  const rejected = assert.rejects(last, (error) => CarillonError.is(error) && error.code === 'NOT_CONNECTED')
  await stop()
  await rejected
})

test('a run that was just started is read a moment later, and its end is found though its event was missed', async (t) => {
  const { fake, client, asked } = await meshOf(t)
  const run = await client.run('a')
  fake.runs.set(run.id, { state: 'succeeded', result: 7 })
  const waiting = run.result()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(asked, [])
  assert.equal(await waiting, 7)
  assert.deepEqual(asked, [[run.id]])
})

test('an answer is for those that waited when it was asked for: one that begins later may do so after a retry', async (t) => {
  const { fake, client, asked, answer, ended } = await meshOf(t)
  const late = signal()
  fake.runs.set(idOf(1), { state: 'failed', reason: 'handler-error' })
  answer((input) => {
    const outcomes = ended(input)
    return asked.length === 1 ? (late.fired.then(() => outcomes) as never) : outcomes
  })
  const handle = client.handleOf(idOf(1))
  const impatient = new AbortController()
  const first = assert.rejects(handle.result({ signal: impatient.signal }), /enough/)
  await eventually('the first one has asked', () => asked.length === 1)
  fake.runs.set(idOf(1), { state: 'running' })
  const second = handle.result()
  await eventually('the second one has asked', () => asked.length === 2)
  late.fire()
  impatient.abort(new Error('enough'))
  await first
  // What is asked later is answered later.
  await assert.rejects(client.handleOf(idOf(2)).result(), /RUN_NOT_FOUND|There is no run/)
  fake.connection.publish(subjects.event('default', 'run', idOf(1), 'succeeded'), endOf(idOf(1)))
  assert.equal(await second, 'later')
})

test('runs whose subscription to all ends because of those of others are read at once', async (t) => {
  const { fake, client, asked } = await meshOf(t)
  const ids = Array.from({ length: 120 }, (_, n) => idOf(n))
  for (const id of ids) fake.runs.set(id, { state: 'running' })
  const waiting = Promise.all(ids.map((id) => client.handleOf(id).result()))
  await eventually('the broker knows the subscriptions', () => asked.length > 0)
  for (let n = 0; n < 1_500; n++)
    fake.connection.publish(subjects.event('default', 'run', idOf(9_000 + n), 'succeeded'), endOf(idOf(9_000 + n)))
  for (const id of ids) {
    fake.runs.set(id, { state: 'succeeded', result: 'later' })
    fake.connection.publish(subjects.event('default', 'run', id, 'succeeded'), endOf(id))
  }
  assert.deepEqual(new Set(await waiting), new Set(['later']))
  // Those without a subscription of their own, at the moment of the change: none of them had ended.
  assert.deepEqual(asked[1], ids.slice(99))
})
