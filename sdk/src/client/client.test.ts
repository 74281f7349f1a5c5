import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS, CarillonError, subjects } from '@carillon/contracts'
import { freePort, signal } from '@carillon/wire/testing'
import { connect } from '../connect.ts'
import { startMesh } from '../testing/mesh-fixture.ts'

const hasCode = (code: string) => (error: unknown) => CarillonError.is(error) && error.code === code

test('connect names the address when nobody is there, within 5 s', async () => {
  const port = await freePort()
  await assert.rejects(connect({ servers: `nats://127.0.0.1:${port}`, service: 'test' }), (error) => {
    assert.ok(CarillonError.is(error))
    assert.equal(error.code, 'NATS_UNAVAILABLE')
    return error.message.includes(String(port))
  })
  await assert.rejects(connect({ service: 'a.b' }), hasCode('INVALID_NAME'))
})

test('connect says what is missing or wrong before it dials', async () => {
  const connectWith = connect as (options?: unknown) => Promise<unknown>
  for (const options of [undefined, null, {}, { servers: 'nats://127.0.0.1:1' }]) {
    await assert.rejects(
      connectWith(options),
      (error) => hasCode('INVALID_REQUEST')(error) && /^service is missing/.test(String((error as Error).message)),
    )
  }
  await assert.rejects(connectWith({ servers: 'http://foo', service: 'test' }), {
    code: 'INVALID_REQUEST',
    message: 'servers is wrong: "http://foo"',
  })
})

test('starts of one tick travel in one request, each with its own outcome', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const outcomes = await Promise.allSettled([
    client.run('a', 1),
    client.run('b', 2, { key: 'k' }),
    client.run('refused'),
    client.run('not a name'),
  ])
  assert.deepEqual(fake.startSizes, [3])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  assert.ok(hasCode('KEY_CONFLICT')((outcomes[2] as PromiseRejectedResult).reason))
  assert.equal((await client.run('b', 2, { key: 'k' })).created, false)
})

test('any number of runs is split by count and by size', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const many = await client.runMany(Array.from({ length: 2_500 }, (_, i) => (i === 7 ? { job: 'bad name' } : { job: 'a', payload: i })))
  assert.deepEqual(fake.startSizes, [1_000, 1_000, 499])
  assert.deepEqual(
    many.flatMap((outcome, index) => (outcome.ok ? [] : [[index, outcome.error.code]])),
    [[7, 'INVALID_NAME']],
  )
  fake.startSizes.length = 0
  const large = await client.runMany(Array.from({ length: 5 }, () => ({ handler: 'a', payload: 'x'.repeat(400_000) })))
  assert.ok(large.every(({ ok }) => ok))
  assert.deepEqual(fake.startSizes, [2, 2, 1])
})

test('a start whose answer is lost is sent again, and is still created', async (t) => {
  const { server, fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const start = fake.answers['runs.start'] as (input: unknown) => Promise<unknown>
  const taken = signal()
  fake.answers['runs.start'] = async (input: unknown) => {
    await start(input)
    fake.answers['runs.start'] = start
    taken.fire()
    return undefined
  }
  const running = client.run('a', 1)
  await taken.fired
  await server.kill()
  await server.restart()
  const run = await running
  assert.equal(run.created, true)
  assert.equal(fake.runs.size, 1)
  assert.deepEqual(fake.startSizes, [1, 1])
})

test('a call whose answer is lost is sent again if that makes no difference, else its outcome is unknown', async (t) => {
  const { server, fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const sent: Record<string, number> = {}
  const allArrived = signal()
  let arrived = 0
  const silentOnce = (path: string, answer: unknown) => {
    fake.answers[path] = () => {
      sent[path] = (sent[path] ?? 0) + 1
      if (++arrived === 4) allArrived.fire()
      return sent[path] === 1 ? undefined : answer
    }
  }
  silentOnce('runs.tree', { runId: 'run0aaaaaaaaaaaa' })
  silentOnce('runs.cancel', { runId: 'run0aaaaaaaaaaaa' })
  silentOnce('jobs.run', { runId: 'run0aaaaaaaaaaaa', created: false })
  silentOnce('runs.start', { runs: [] })
  const outcomes = Promise.allSettled([
    client.call(CALLS.runsTree, { runId: 'run0aaaaaaaaaaaa' }),
    client.call(CALLS.runsCancel, { runId: 'run0aaaaaaaaaaaa' }),
    client.call(CALLS.jobsRun, { job: 'a', key: 'k' }),
    client.call(CALLS.runsStart, { runs: [{ job: 'a', id: 'run0aaaaaaaaaaaa' }, { job: 'a' }] }),
  ])
  await allArrived.fired
  await server.kill()
  await server.restart()
  const codes = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'answered'))
  assert.deepEqual(codes, ['answered', 'CALL_TIMEOUT', 'answered', 'CALL_TIMEOUT'])
  assert.deepEqual(sent, { 'runs.tree': 2, 'runs.cancel': 1, 'jobs.run': 2, 'runs.start': 1 })
})

test('of large starts, and of many, few are on their way at once', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const start = fake.answers['runs.start'] as (input: unknown) => Promise<unknown>
  let [underWay, most] = [0, 0]
  fake.answers['runs.start'] = async (input: unknown) => {
    most = Math.max(most, ++underWay)
    // Whatever the client sends without an answer is here before its answer.
    await fake.connection.flush()
    const answer = await start(input)
    underWay--
    return answer
  }
  const small = await client.runMany(Array.from({ length: 12_000 }, () => ({ handler: 'a' })))
  assert.ok(small.every(({ ok }) => ok))
  assert.ok(most <= 4, `${most} requests of small starts were on their way`)
  most = 0
  const outcomes = await client.runMany(Array.from({ length: 12 }, () => ({ handler: 'a', payload: 'x'.repeat(500_000) })))
  assert.ok(outcomes.every(({ ok }) => ok))
  assert.ok(most <= 3, `${most} requests were on their way`)
})

test('what a service is too busy to take is sent again until the deadline', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const overloaded = () => ({ error: { code: 'OVERLOADED', message: 'too many large requests wait' } })
  const start = fake.answers['runs.start'] as (input: unknown) => unknown
  let refusals = 0
  fake.answers['runs.start'] = (input: unknown) => (refusals++ < 2 ? overloaded() : start(input))
  const run = await client.run('a', 1)
  assert.deepEqual([run.created, refusals, fake.startSizes], [true, 3, [1]])
  fake.answers['jobs.pause'] = overloaded
  await assert.rejects(client.call(CALLS.jobsPause, { name: 'x' }, { timeoutMs: 300 }), hasCode('OVERLOADED'))
})

test('without a service a call says which is missing; an abort ends it', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  await fake.connection.drain()
  await assert.rejects(client.jobs.list(), hasCode('NO_SERVICE'))
  await assert.rejects(client.run('a', 1, { giveUpAfterMs: 200 }), hasCode('NO_SERVICE'))
  const reason = new Error('enough')
  await assert.rejects(client.run('a', 1, { signal: AbortSignal.abort(reason) }), reason)
})

test('silence is CALL_TIMEOUT and names the call; the error of a service keeps its code', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join()
  fake.answers['jobs.pause'] = () => undefined
  fake.answers['jobs.get'] = () => ({ error: { code: 'JOB_NOT_FOUND', message: 'There is no job x', value: '"x"' } })
  await assert.rejects(
    mesh.client.call(CALLS.jobsPause, { name: 'x' }, { timeoutMs: 50 }),
    (error) => hasCode('CALL_TIMEOUT')(error) && /jobs\.pause/.test(String(error)),
  )
  await assert.rejects(
    mesh.client.jobs.get('x'),
    (error) => hasCode('JOB_NOT_FOUND')(error) && (error as CarillonError).details.value === '"x"',
  )
  await mesh.stop()
  await assert.rejects(mesh.client.jobs.get('x'), hasCode('NOT_CONNECTED'))
})

test('result() sees an end before, after and without its event', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  fake.runs.set('run0aaaaaaaaaaaa', { state: 'succeeded', result: { early: true } })
  assert.deepEqual(await client.handleOf('run0aaaaaaaaaaaa').result(), { early: true })

  const asked = signal()
  fake.runs.set('run0bbbbbbbbbbbb', { state: 'running' })
  const ended = fake.answers['runs.ended'] as (input: unknown) => unknown
  fake.answers['runs.ended'] = (input: unknown) => {
    asked.fire()
    return ended(input)
  }
  const later = client.handleOf('run0bbbbbbbbbbbb').result()
  await asked.fired
  fake.runs.set('run0bbbbbbbbbbbb', { state: 'succeeded', result: 'large' })
  const event = { runId: 'run0bbbbbbbbbbbb', state: 'succeeded', reason: 'completed', resultOmitted: true }
  fake.connection.publish(subjects.event('default', 'run', 'run0bbbbbbbbbbbb', 'succeeded'), JSON.stringify(event))
  assert.equal(await later, 'large')
})

test('result() rejects with state, reason and error; with what it waits for when it takes too long', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  fake.runs.set('run0cccccccccccc', { state: 'failed', reason: 'handler-error', failure: { name: 'TypeError', message: 'boom' } })
  await assert.rejects(client.handleOf('run0cccccccccccc').result(), (error) => {
    assert.ok(hasCode('RUN_NOT_SUCCEEDED')(error))
    return String(error).endsWith('Run run0cccccccccccc ended failed (handler-error): TypeError: boom')
  })
  assert.equal((await client.handleOf('run0cccccccccccc').ended()).state, 'failed')
  fake.runs.set('run0dddddddddddd', { state: 'running' })
  await assert.rejects(client.handleOf('run0dddddddddddd').result({ timeoutMs: 30 }), hasCode('CALL_TIMEOUT'))
  const message = 'no instance offers handler `pya`; these are offered: pay'
  fake.runs.set('run0ffffffffffff', { state: 'queued', reason: 'no-instance', message })
  await assert.rejects(client.handleOf('run0ffffffffffff').result({ timeoutMs: 30 }), (error) => {
    assert.ok(hasCode('CALL_TIMEOUT')(error))
    return String(error).endsWith(`has not ended within 30 ms: it is queued; ${message}`)
  })
  await assert.rejects(client.handleOf('run0eeeeeeeeeeee').result(), hasCode('RUN_NOT_FOUND'))
})

test('events, live signals and log lines can be read as they come, until stopped', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const tails = { ended: client.events({ noun: 'run', what: 'succeeded' }), live: client.live(), log: client.tailLogs('run-ffffffffffff') }
  // Its answer comes after the subscriptions: they are with the server.
  await assert.rejects(client.runs.get('rununknown0000000'), hasCode('RUN_NOT_FOUND'))
  const line = { seq: 1, at: '2026-01-01T00:00:00.000Z', level: 'info', message: 'hello' }
  const message = { runId: 'run-ffffffffffff', taskId: 'run-ffffffffffff', attempt: 1, instance: 'me', lines: [line] }
  fake.connection.publish(subjects.log('default', 'run-ffffffffffff'), 'garbage')
  fake.connection.publish(subjects.log('default', 'run-ffffffffffff'), JSON.stringify(message))
  fake.connection.publish(subjects.event('default', 'job', 'j', 'paused'), '{}')
  fake.connection.publish(subjects.event('default', 'run', 'r', 'succeeded'), '{"a":1}')
  fake.connection.publish(subjects.live('default', 'run', 'r', 'progress'), '{"percent":5}')
  for await (const event of tails.live) {
    assert.deepEqual(event, { noun: 'run', name: 'r', what: 'progress', body: { percent: 5 } })
    break
  }
  for await (const event of tails.ended) {
    assert.deepEqual(event, { noun: 'run', name: 'r', what: 'succeeded', body: { a: 1 } })
    tails.ended.stop()
  }
  for await (const view of tails.log) {
    assert.deepEqual([view.message, view.runId, view.instance], ['hello', 'run-ffffffffffff', 'me'])
    break
  }
})

test('a list is a page where it is awaited, and all items where it is iterated, page by page', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const { client } = await join()
  const asked: unknown[] = []
  fake.answers['instances.list'] = (input: { cursor?: string; limit?: number }) => {
    asked.push(input)
    const page = Number(input.cursor ?? 0)
    const items = page === 1 ? [] : [{ instance: `${page}-a` }, { instance: `${page}-b` }]
    return page < 3 ? { items, next: String(page + 1) } : { items }
  }
  const { items, next } = await client.instances.list({ limit: 2, cursor: '2' })
  assert.deepEqual([items.map(({ instance }) => instance), next], [['2-a', '2-b'], '3'])
  asked.length = 0
  const seen: string[] = []
  for await (const { instance } of client.instances.list({ limit: 2 })) {
    seen.push(`${instance} after ${asked.length}`)
  }
  assert.deepEqual(seen, ['0-a after 1', '0-b after 1', '2-a after 3', '2-b after 3', '3-a after 4', '3-b after 4'])
  assert.deepEqual(asked, [{ limit: 2 }, ...['1', '2', '3'].map((cursor) => ({ limit: 2, cursor }))])
  asked.length = 0
  for await (const _ of client.instances.list()) break
  assert.equal(asked.length, 1)
  fake.answers['runs.list'] = () => ({ error: { code: 'INVALID_REQUEST', message: 'cursor is wrong' } })
  await assert.rejects(client.runs.list({ cursor: 'x' }), hasCode('INVALID_REQUEST'))
  await assert.rejects(async () => {
    for await (const _ of client.runs.list({ cursor: 'x' })) assert.fail()
  }, hasCode('INVALID_REQUEST'))
})
