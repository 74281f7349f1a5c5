import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Beat, CarillonError, subjects, workConsumer } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE, signal, startNatsServer } from '@carillon/wire/testing'
import { z } from 'zod'
import { connect, NonRetryableError, RetryAfterError } from '../index.ts'
import { startMesh } from '../testing/mesh-fixture.ts'

const hasCode = (code: string) => (error: unknown) => CarillonError.is(error) && error.code === code

test('the ten lines of a first executor', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ service: 'billing' })
  mesh.handle(
    'send-invoice',
    async (ctx) => {
      ctx.log.info('sending', { to: ctx.payload.to })
      await ctx.progress(20)
      return { sent: true }
    },
    { concurrency: 10, input: z.object({ to: z.email() }) },
  )
  await mesh.start()
  const tail = mesh.client.tailLogs('korder1000000000000000')
  const run = await mesh.client.run('send-invoice', { to: 'ada@example.com' }, { key: 'order-1' })
  assert.equal(run.created, true)
  assert.deepEqual(await run.result(), { sent: true })
  for await (const { message, fields, seq } of tail) {
    assert.deepEqual([message, fields, seq], ['sending', { to: 'ada@example.com' }, 1])
    break
  }
  const [registration] = fake.registrations
  assert.deepEqual([registration?.service, registration?.capacity, registration?.handlers[0]?.name], ['billing', 10, 'send-invoice'])
  assert.match(JSON.stringify(registration?.handlers[0]?.inputSchema), /"to":\{[^}]*"format":"email"/)

  const refused = await mesh.client.run('send-invoice', { to: 'nobody' })
  await assert.rejects(refused.result(), (error) => hasCode('RUN_NOT_SUCCEEDED')(error) && /invalid-payload.*to: /.test(String(error)))
})

test('what a handler throws or returns becomes its report; the work is acknowledged', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join()
  const cases: Record<string, () => unknown> = {
    text: () => {
      throw 'plain text'
    },
    nothing: () => Promise.reject(null),
    final: () => {
      throw new NonRetryableError('no use')
    },
    later: () => {
      throw new RetryAfterError('busy', 1_234)
    },
    cyclic: () => {
      const value: Record<string, unknown> = {}
      value['self'] = value
      return value
    },
    large: () => 'x'.repeat(300_000),
    fine: () => undefined,
  }
  mesh.handle<string>('case', (ctx) => cases[ctx.payload]?.())
  await mesh.start()
  const ids = await fake.work('case', Object.keys(cases))
  await eventually('all have ended', () => fake.finished().length === ids.length)
  const ended = Object.fromEntries(Object.keys(cases).map((name, index) => [name, fake.finished(ids[index])[0]]))
  assert.deepEqual([ended['text']?.outcome, ended['nothing']?.outcome], ['failed', 'failed'])
  assert.deepEqual([ended['final']?.reason, ended['final']?.error?.retryable], ['non-retryable', false])
  assert.equal(ended['later']?.error?.retryAfterMs, 1_234)
  assert.deepEqual([ended['cyclic']?.reason, ended['large']?.reason], ['invalid-result', 'invalid-result'])
  assert.deepEqual([ended['fine']?.outcome, ended['fine']?.result], ['succeeded', null])
  await eventually('the stream is empty', async () => (await fake.manager.streams.info('WORK')).state.messages === 0)
})

test('a short task has no report of its start; a longer one has, and its newest progress', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join()
  const proceed = signal()
  mesh.handle('short', () => 1)
  mesh.handle('long', async (ctx) => {
    for (let percent = 0; percent < 50; percent++) await ctx.progress(percent)
    await proceed.fired
    await ctx.progress(99, 'nearly')
  })
  await mesh.start()
  const [short] = await fake.work('short', [1])
  const [long] = await fake.work('long', [1])
  await eventually('the start is reported', () => fake.reports.some(({ type, taskId }) => type === 'started' && taskId === long))
  await eventually('the newest progress is reported', () =>
    fake.reports.some((report) => report.type === 'progress' && report.percent === 49),
  )
  proceed.fire()
  await eventually('both have ended', () => fake.finished().length === 2)
  const types = (taskId: string | undefined) => fake.reports.filter((report) => report.taskId === taskId).map(({ type }) => type)
  assert.deepEqual(types(short), ['finished'])
  assert.equal(types(long).at(-1), 'finished')
  const percents = fake.reports.flatMap((report) => (report.type === 'progress' ? [report.percent] : []))
  assert.deepEqual([percents[0], percents.at(-1)], [0, 99])
  assert.ok(percents.length <= 4)
})

test('slow tasks are shared: no executor holds more than it has slots', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const proceed = signal()
  const started: Record<string, number> = { one: 0, two: 0 }
  for (const instance of ['one', 'two']) {
    const mesh = await join({ instance })
    mesh.handle(
      'slow',
      async () => {
        started[instance] = (started[instance] ?? 0) + 1
        await proceed.fired
      },
      { concurrency: 4 },
    )
    await mesh.start()
  }
  await fake.work('slow', Array(12).fill(null))
  await eventually('both are full', () => started['one'] === 4 && started['two'] === 4)
  const info = await fake.manager.consumers.info('WORK', workConsumer('default', 'slow'))
  assert.deepEqual([info.num_ack_pending, info.num_pending], [8, 4])
  proceed.fire()
  await eventually('all have ended', () => fake.finished().length === 12)
})

test('cancel aborts a running task and drops a waiting one; a timeout ends an attempt', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  const running = signal()
  mesh.handle('waits', (ctx) => {
    running.fire()
    return new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  })
  await mesh.start()
  const [first] = await fake.work('waits', [1])
  await running.fired
  fake.connection.publish(subjects.control('default', 'me'), JSON.stringify({ type: 'cancel', taskId: first }))
  await eventually('cancelled', () => fake.finished(first)[0]?.outcome === 'cancelled')
  const [second] = await fake.work('waits', [1], { timeoutMs: 20 })
  const ended = await eventually('timed out', () => fake.finished(second)[0])
  assert.deepEqual([ended.outcome, ended.error?.name], ['timed_out', 'TimeoutError'])
})

test('a broadcast leg is offered, answered and run once', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  const proceed = signal()
  let calls = 0
  mesh.handle(
    'leg',
    async (ctx) => {
      calls++
      await proceed.fired
      return [ctx.shard?.index, ctx.shard?.total]
    },
    { concurrency: 1 },
  )
  await mesh.start()
  const offer = async (body: unknown) => {
    const answer = await fake.connection.request(subjects.direct('default', 'me'), JSON.stringify(body), REQUEST_DEADLINE)
    return answer.json()
  }
  const leg = { runId: 'run-0', taskId: 'run-0-0', handler: 'leg', attempt: 1, payload: null, index: 0, total: 3 }
  assert.deepEqual(await offer(leg), { accepted: true })
  assert.deepEqual(await offer(leg), { accepted: true })
  assert.deepEqual(await offer({ ...leg, taskId: 'run-1-0' }), { accepted: true })
  assert.deepEqual(await offer({ ...leg, taskId: 'run-2-0' }), { accepted: false, reason: 'busy' })
  assert.deepEqual(await offer({ ...leg, handler: 'other' }), { accepted: false, reason: 'unknown-handler' })
  proceed.fire()
  await eventually('both have ended', () => fake.finished().length === 2)
  await eventually('the end is known', async () => {
    assert.deepEqual(await offer(leg), { accepted: true })
    return true
  })
  assert.equal(calls, 2)
  assert.deepEqual(fake.finished('run-0-0')[0]?.result, [0, 3])
})

test('garbage ends nothing: it is rejected with a warning, and the consumer goes on', async (t) => {
  const { fake, warnings, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  mesh.handle('fine', () => 1)
  await mesh.start()
  const bodies = ['', '{', 'null', '[]', '{"taskId":1}', JSON.stringify({ runId: 'r', taskId: 't', handler: 'other', attempt: 1 })]
  for (const [index, body] of bodies.entries()) fake.connection.publish(subjects.work('default', 'fine', `bad-${index}`), body)
  for (const body of ['', '{', '{"type":"explode"}', '\u0000']) {
    fake.connection.publish(subjects.control('default', 'me'), body)
    fake.connection.publish(subjects.direct('default', 'me'), body, { reply: 'nowhere' })
  }
  const [good] = await fake.work('fine', [1])
  await eventually('the good one ends', () => fake.finished(good).length === 1)
  await eventually('garbage is gone', async () => (await fake.manager.streams.info('WORK')).state.messages === 0)
  assert.equal(warnings.filter(({ code }) => code === 'work-not-understood').length, bodies.length + 4)
  assert.equal(warnings.filter(({ code }) => code === 'message-not-understood').length, 4)
})

test('work that was delivered before is claimed before it is run', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  await fake.createConsumer('again')
  const ids = await fake.work('again', ['wanted', 'unwanted'])
  const consumer = workConsumer('default', 'again')
  // Deliver both once and give them back, as an executor that dies would.
  const given = await fake.take(consumer, ids.length)
  for (const message of given) message.nak()
  fake.claimAnswer = ({ taskId }) => (taskId === ids[0] ? { run: true, attempt: 3 } : { run: false, reason: 'ended' })
  const mesh = await join()
  const attempts: unknown[] = []
  mesh.handle('again', (ctx) => attempts.push([ctx.payload, ctx.attempt]))
  await mesh.start()
  await eventually('the stream is empty', async () => (await fake.manager.streams.info('WORK')).state.messages === 0)
  assert.deepEqual(attempts, [['wanted', 3]])
  assert.deepEqual(
    fake.finished().map(({ taskId, attempt }) => [taskId, attempt]),
    [[ids[0], 3]],
  )
})

test('an executor says what its broker lacks', async (t) => {
  const server = await startNatsServer({ jetStream: false })
  t.after(() => server.stop())
  const mesh = await connect({ servers: server.url, service: 'test', signals: false })
  mesh.handle('x', () => 1)
  await assert.rejects(mesh.start(), hasCode('JETSTREAM_MISSING'))
  assert.throws(() => mesh.handle('x', () => 1), hasCode('HANDLER_EXISTS'))
  assert.throws(() => mesh.handle('a.b', () => 1), hasCode('INVALID_NAME'))
  assert.throws(() => mesh.handle('y', () => 1, { concurrency: 0 }), hasCode('INVALID_REQUEST'))
  await mesh.stop()
})

test('a handler that ignores its time limit keeps its slot until it settles; nothing is pulled for it until then', async (t) => {
  const { fake, warnings, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  const release = signal()
  const begun: unknown[] = []
  mesh.handle(
    'deaf',
    async (ctx) => {
      begun.push(ctx.payload)
      if (ctx.payload === 'slow') await release.fired
    },
    { concurrency: 1 },
  )
  mesh.handle('other', () => 1)
  await mesh.start()
  const beats: Beat[] = []
  fake.connection.subscribe(subjects.beat('default', 'me'), { callback: (_error, message) => void beats.push(message.json()) })
  const [slow] = await fake.work('deaf', ['slow'], { timeoutMs: 20 })
  const end = await eventually('its end is reported', () => fake.finished(slow)[0])
  assert.equal(end.outcome, 'timed_out')
  const [next] = await fake.work('deaf', ['next'])
  const [other] = await fake.work('other', [1])
  await eventually('another handler has slots of its own', () => fake.finished(other).length === 1)
  const beat = await eventually('the heartbeat says so', () => beats.find(({ stuck }) => stuck === 1))
  assert.deepEqual([beat.running, beat.stuckTasks.map(({ taskId, handler }) => [taskId, handler])], [1, [[slow, 'deaf']]])
  assert.equal(warnings.filter(({ code }) => code === 'handler-stuck').length, 1)
  const leg = { runId: 'run-0', taskId: 'run-0-0', handler: 'deaf', attempt: 1, payload: null, index: 0, total: 1 }
  const offer = await fake.connection.request(subjects.direct('default', 'me'), JSON.stringify(leg), REQUEST_DEADLINE)
  assert.deepEqual(offer.json(), { accepted: false, reason: 'busy' })
  assert.deepEqual(begun, ['slow'])
  release.fire()
  await eventually('the next one runs in the slot that is free', () => fake.finished(next).length === 1)
})

test('a capacity that handlers share is that of stuck ones, too', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me', capacity: 1 })
  const release = signal()
  const begun: string[] = []
  mesh.handle('deaf', () => {
    begun.push('deaf')
    return release.fired
  })
  mesh.handle('other', () => void begun.push('other'))
  await mesh.start()
  const [deaf] = await fake.work('deaf', [1], { timeoutMs: 20 })
  await eventually('its end is reported', () => fake.finished(deaf).length === 1)
  const [other] = await fake.work('other', [1])
  await eventually('nobody holds what waits', async () => {
    const info = await fake.manager.consumers.info('WORK', workConsumer('default', 'other'))
    return info.num_pending + info.num_ack_pending === 1 && info.num_waiting === 0
  })
  assert.deepEqual(begun, ['deaf'])
  release.fire()
  await eventually('the other one ends', () => fake.finished(other).length === 1)
})

test('a task that is to run alone waits until nothing else runs, and nothing begins beside it', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  const [nap, alone] = [signal(), signal()]
  const begun: unknown[] = []
  mesh.handle('nap', async (ctx) => {
    begun.push(ctx.payload)
    if (ctx.payload === 'before') await nap.fired
  })
  mesh.handle('suspect', async (ctx) => {
    begun.push(ctx.payload)
    await alone.fired
  })
  await mesh.start()
  const [before] = await fake.work('nap', ['before'])
  await eventually('its neighbour runs', () => begun.length === 1)
  const [suspect] = await fake.work('suspect', ['suspect'], { alone: true })
  await eventually(
    'it is held',
    async () => (await fake.manager.consumers.info('WORK', workConsumer('default', 'suspect'))).num_ack_pending === 1,
  )
  const [beside] = await fake.work('nap', ['beside'])
  const isLeft = async () => {
    const info = await fake.manager.consumers.info('WORK', workConsumer('default', 'nap'))
    return info.num_pending + info.num_ack_pending >= 1 && fake.reports.filter(({ type }) => type === 'released').length >= 1
  }
  await eventually('work that arrived in between is released', isLeft)
  assert.deepEqual(begun, ['before'])
  nap.fire()
  await eventually('its neighbour has ended', () => fake.finished(before).length === 1)
  await eventually('it runs', () => begun.length === 2)
  assert.deepEqual(begun, ['before', 'suspect'])
  alone.fire()
  await eventually('it ends', () => fake.finished(suspect).length === 1)
  await eventually('the others go on', () => fake.finished(beside).length === 1)
})

test('a task that is to run alone is alone in its process, also beside other executors of it', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const [mesh, other] = [await join({ instance: 'me' }), await join({ instance: 'other' })]
  const [nap, alone] = [signal(), signal()]
  const begun: unknown[] = []
  other.handle('nap', async (ctx) => {
    begun.push(ctx.payload)
    if (ctx.payload === 'before') await nap.fired
  })
  mesh.handle('suspect', async (ctx) => {
    begun.push(ctx.payload)
    await alone.fired
  })
  await Promise.all([mesh.start(), other.start()])
  await fake.work('nap', ['before'])
  await eventually('its neighbour runs', () => begun.length === 1)
  await fake.work('suspect', ['suspect'], { alone: true })
  const held = async () => (await fake.manager.consumers.info('WORK', workConsumer('default', 'suspect'))).num_ack_pending === 1
  await eventually('it is held', held)
  const [beside] = await fake.work('nap', ['beside'])
  await eventually('work that arrived in between is released', () => fake.reports.some(({ type }) => type === 'released'))
  assert.deepEqual(begun, ['before'])
  nap.fire()
  await eventually('it runs', () => begun.length === 2)
  assert.deepEqual(begun, ['before', 'suspect'])
  alone.fire()
  await eventually('the others go on', () => fake.finished(beside).length === 1)
})

test('that a suspect begins is stored before it does, however short it is', async (t) => {
  const { fake, connect: join } = await startMesh(t)
  const mesh = await join({ instance: 'me' })
  const stored: number[] = []
  mesh.handle('suspect', async () => {
    stored.push((await fake.manager.streams.info('REPORTS')).state.last_seq)
  })
  await mesh.start()
  const [suspect] = await fake.work('suspect', [null], { alone: true })
  await eventually('it ends', () => fake.finished(suspect).length === 1)
  assert.deepEqual(stored, [1])
  assert.deepEqual(
    fake.reports.map(({ type }) => type),
    ['started', 'finished'],
  )
})
