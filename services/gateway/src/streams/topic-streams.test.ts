import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { eventually } from '@carillon/runtime/testing'
import { openEvents } from '../testing/event-reader.ts'
import { GATEWAY, RUN, startTestStreams } from '../testing/test-streams.ts'

const changes = (count: number) => (events: readonly { event: string }[]) =>
  events.filter(({ event }) => event === 'change' || event === 'log').length >= count

const END = {
  runId: RUN,
  handler: 'report',
  state: 'failed',
  attempt: 1,
  result: { secret: 1 },
  failure: { name: 'Error', message: 'secret' },
}

describe('the stream of topics', { concurrency: true }, () => {
  it('says hello, then what happens to what is followed, each with its id', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun('runs,jobs')
    assert.equal(reader.status, 200)
    assert.equal(reader.response.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(reader.response.headers['cache-control'], 'no-cache, no-transform')
    assert.equal(reader.response.headers['x-accel-buffering'], 'no')
    assert.deepEqual(reader.events[0]?.data, { stream: reader.id, cursor: reader.events[0]?.id, topics: ['runs', 'jobs'] })
    test.move('started')
    test.publish('event.job.pack.changed', { name: 'pack', state: 'active', payload: { secret: 1 }, nextAt: '2026-01-01T00:00:00Z' })
    test.publish('event.calendar.days.changed', { name: 'days' })
    test.publish(`event.run.${RUN}.failed`, END)
    await reader.until('three changes', changes(3))
    const [, started, job, ended] = reader.events
    const head = { topic: 'runs', noun: 'run', name: RUN }
    assert.deepEqual(started?.data, { ...head, what: 'started', body: { runId: RUN, handler: 'report', state: 'running', attempt: 1 } })
    assert.deepEqual(job?.data.body, { name: 'pack', state: 'active', nextAt: '2026-01-01T00:00:00Z' })
    assert.deepEqual(ended?.data, { ...head, what: 'failed', body: { runId: RUN, handler: 'report', state: 'failed', attempt: 1 } })
    assert.match(String(ended?.id), new RegExp(`^${GATEWAY}-\\d+$`))
    reader.close()
  })

  it('shares a subscription among readers, and keeps it for a while after the last one', async (t) => {
    const test = await startTestStreams(t)
    const readers = await Promise.all([1, 2, 3].map(() => test.begun('runs')))
    assert.equal(test.topicStreams.subscribedTopics, 1)
    test.move('started')
    for (const reader of readers) await reader.until('the change', changes(1))
    assert.equal(new Set(readers.map(({ lastId }) => lastId)).size, 1)
    for (const reader of readers) reader.close()
    await eventually('closed', () => test.streams.count === 0)
    assert.equal(test.topicStreams.subscribedTopics, 1)
    await test.clock.advance(15_000)
    assert.equal(test.topicStreams.subscribedTopics, 0)
  })

  it('continues exactly behind Last-Event-ID, and otherwise asks to read again', async (t) => {
    const test = await startTestStreams(t)
    const first = await test.begun(`runs,logs:${RUN}`)
    test.move('started')
    await first.until('a change', changes(1))
    const { lastId = '' } = first
    first.close()
    await eventually('closed', () => test.streams.count === 0)
    test.move('progress')
    test.log(1, 3)
    await test.broker.connection.flush()
    const second = await test.begun(`runs,logs:${RUN},jobs`, { 'last-event-id': lastId })
    await second.until('what was missed', changes(2))
    assert.equal(second.events[0]?.data.cursor, lastId)
    assert.deepEqual(
      second.of('resync').map(({ data }) => data),
      [{ topics: ['jobs'], reason: 'unknown-cursor' }],
    )
    assert.deepEqual(
      second.of('change').map(({ data }) => data.what),
      ['progress'],
    )
    assert.deepEqual(second.of('log')[0]?.data.body.lines.length, 3)
    second.close()
    for (const id of ['gateway-other-7', `${GATEWAY}-999999999999999999`, 'nonsense', `${GATEWAY}-`]) {
      const other = await test.begun('runs', { 'last-event-id': id })
      await other.until(`a resync for ${id}`, (events) => events.some(({ event }) => event === 'resync'))
      other.close()
    }
  })

  it('changes its topics for who has opened it, and for nobody else', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun('')
    const { status, body } = await test.change(reader.id, { add: ['runs', `run:${RUN}`] })
    assert.deepEqual([status, body['topics']], [200, ['runs', `run:${RUN}`]])
    test.publish(`event.run.${RUN}.failed`, END)
    await reader.until('both', changes(2))
    assert.deepEqual(reader.of('change').find(({ data }) => data.topic !== 'runs')?.data.body, END)
    assert.deepEqual((await test.change(reader.id, { remove: ['runs'], add: ['jobs'] })).body['topics'], [`run:${RUN}`, 'jobs'])
    for (const [id, user] of [
      [reader.id, 'bob'],
      ['nobodys', 'ann'],
      ['a\r\nb', 'ann'],
    ] as const) {
      const refused = await test.change(id, { remove: ['jobs'] }, user)
      assert.deepEqual([refused.status, refused.body['code']], [404, 'STREAM_NOT_FOUND'])
    }
    const refused = await test.change(reader.id, { add: Array.from({ length: 99 }, (_, i) => `run:r${i}`) })
    assert.deepEqual([refused.status, refused.body['field'], refused.body['value']], [400, 'topics', '101'])
    reader.close()
  })

  it('has the load of executors, the tasks of a run, and what becomes of dead letters', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun(`instances,run:${RUN},deadLetters`)
    test.publish('beat.i1', { cpu: 0.5, running: 2, session: 's1' })
    test.publish(`live.task.${RUN}.changed`, { runId: RUN, tasks: [{ taskId: `${RUN}-1`, state: 'running', attempt: 1 }] })
    test.publish(`event.deadLetter.${RUN}.created`, {
      id: RUN,
      scene: 'pay',
      state: 'failed',
      failure: { name: 'Error', message: 'secret' },
    })
    await reader.until('all three', changes(3))
    const [beat, task, letter] = reader.of('change').map(({ data }) => data)
    assert.deepEqual([beat.noun, beat.name, beat.what, beat.body.cpu, beat.body.session], ['instance', 'i1', 'beat', 0.5, undefined])
    assert.deepEqual([task.noun, task.body.tasks[0].state], ['task', 'running'])
    assert.deepEqual([letter.what, letter.body], ['created', { id: RUN, scene: 'pay', state: 'failed' }])
    reader.close()
  })

  it('hides payloads from readers without the right to see them', async (t) => {
    const test = await startTestStreams(t)
    test.rights.set('bob', { role: 'viewer', seesPayloads: false })
    const reader = await test.begun(`run:${RUN}`, { 'x-user': 'bob' })
    test.publish(`event.run.${RUN}.failed`, END)
    await reader.until('the end', changes(1))
    const { result: _result, failure: _failure, ...rest } = END
    assert.deepEqual(reader.of('change')[0]?.data.body, { ...rest, hidden: true })
    const refused = await (await test.open(`logs:${RUN}`, { 'x-user': 'bob' })).problem()
    assert.deepEqual([refused['status'], refused['code'], refused['value']], [403, 'FORBIDDEN', `logs:${RUN}`])
    assert.equal((await test.change(reader.id, { add: [`logs:${RUN}`] }, 'bob')).status, 403)
    assert.equal((await (await test.open('runs', {}, 'other')).problem())['code'], 'FORBIDDEN')
    reader.close()
  })

  it('refuses topics that are none, and what could be a subject or a line of its own', async (t) => {
    const test = await startTestStreams(t)
    const many = Array.from({ length: 101 }, (_, i) => `run:r${i}`).join(',')
    for (const topics of [
      'everything',
      'run:*',
      'run:>',
      'run:',
      'logs:a.b',
      'logs:a%0D%0Aid:%20x',
      'runs:x',
      '__proto__',
      'run:a:b',
      many,
    ]) {
      const refused = await test.open(topics)
      const problem = await refused.problem()
      assert.deepEqual([refused.status, problem['code'], problem['field']], [400, 'INVALID_REQUEST', 'topics'], topics.slice(0, 40))
    }
    assert.equal((await (await test.open('runs', {}, 'a.b')).problem())['code'], 'INVALID_NAME')
    const extra = await openEvents(`${test.url}/api/v1/stream?namespace=default&topic=runs`)
    assert.equal(extra.status, 400)
    extra.close()
  })

  it('shows no garbage, and no line break of a message forges a field', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun(`runs,logs:${RUN}`)
    for (const body of ['', 'null', '[1]', '{not json', '{"a":1}\r\nid: forged\r\n\r\n', '['.repeat(10_000)]) {
      test.publish(`live.run.${RUN}.started`, body)
      test.publish(`log.${RUN}`, body)
    }
    test.publish('live.run.a=b.started', {})
    test.publish(`live.run.${RUN}.progress`, '{"runId":"x",\r\n"note":"a\\r\\nid: forged\\ndata: {}\\n\\n\\u2028"}')
    await reader.until('the last one', (events) => events.some(({ data }) => data.what === 'progress'))
    assert.deepEqual(
      reader.of('change').map(({ data }) => data.body.note),
      ['a\r\nid: forged\ndata: {}\n\n\u2028'],
    )
    assert.ok(reader.events.every(({ id }) => id?.startsWith(GATEWAY)))
    reader.close()
  })
})

describe('readers of topics', { concurrency: true }, () => {
  it('that are too slow are asked to read again, and cut off; the others go on', async (t) => {
    const test = await startTestStreams(t)
    const quick = await test.begun(`logs:${RUN}`)
    const slow = await test.open(`logs:${RUN}`)
    await eventually('both', () => test.streams.count === 2)
    const message = { runId: RUN, taskId: RUN, attempt: 1, instance: 'i1' }
    const line = { at: '2026-01-01T00:00:00Z', message: 'x'.repeat(8_000) }
    let sent = 0
    await eventually('cut off', async () => {
      for (let i = 0; i < 20; i++)
        test.publish(`log.${RUN}`, { ...message, lines: Array.from({ length: 10 }, () => ({ ...line, seq: ++sent })) })
      await test.broker.connection.flush()
      await quick.until('all of it', () => quick.of('log').reduce((sum, { data }) => sum + data.body.lines.length, 0) === sent)
      await test.clock.advance(1_000)
      return test.streams.count === 1
    })
    slow.read()
    await eventually('its end', () => slow.hasEnded)
    test.log(sent + 1, sent + 1)
    await quick.until('one more', () => quick.of('log').at(-1)?.data.body.lines[0].seq === sent + 1)
    quick.close()
  })

  it('get a resync instead of more changes a second than they can draw', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun('runs')
    for (let i = 0; i < 1_500; i++) test.move('started', `r${i}`)
    await test.broker.connection.flush()
    await reader.until('a thousand', changes(1_000))
    await test.clock.advance(1_000)
    await reader.until('the resync', (events) => events.at(-1)?.event === 'resync')
    assert.deepEqual(reader.events.at(-1)?.data, { topics: ['runs'], reason: 'too-many-changes' })
    assert.equal(reader.of('change').length, 1_000)
    test.move('started')
    await reader.until('one more', changes(1_001))
    reader.close()
  })

  it('get heartbeats, and lose the stream with their rights', async (t) => {
    const test = await startTestStreams(t)
    const [ann, bob] = [await test.begun('runs'), await test.begun('runs', { 'x-user': 'bob' })]
    await test.clock.advance(45_000)
    await eventually('heartbeats', () => ann.heartbeats === 3)
    test.rights.set('bob', { role: 'viewer', seesPayloads: false })
    await test.clock.advance(15_000)
    await eventually('ended', () => bob.hasEnded)
    assert.deepEqual(bob.events.at(-1)?.data, { reason: 'access-changed' })
    test.rights.set('ann', { role: 'viewer', seesPayloads: true, isSignedOut: true })
    test.broker.connection.publish('carillon.default.accounts.changed', '{}')
    await test.broker.connection.flush()
    await test.clock.advance(200)
    await eventually('ended at once', () => ann.hasEnded)
    await eventually('none', () => test.streams.count === 0)
  })

  it('have so many streams at once, of an account, of an address and in all', async (t) => {
    const test = await startTestStreams(t, { perReader: 2, perAddress: 3, perGateway: 3 })
    const open = [await test.begun('runs'), await test.begun('runs'), await test.begun('runs', { 'x-user': 'bob' })]
    const refused = async (user: string) => (await test.open('runs', { 'x-user': user })).problem()
    assert.deepEqual([(await refused('ann'))['status'], (await refused('carl'))['code']], [429, 'TOO_MANY_STREAMS'])
    open[0]?.close()
    await eventually('one fewer', () => test.streams.count === 2)
    open.push(await test.begun('runs'))
    for (const reader of open) reader.close()
  })

  it('that are opened 10,000 times at once cost no more than the limit allows', async (t) => {
    const test = await startTestStreams(t, { perReader: 20 })
    const open = await Promise.all(Array.from({ length: 20 }, () => test.begun('runs')))
    const { port, hostname } = new URL(test.url)
    const ask = 'GET /api/v1/stream?namespace=default&topics=runs HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const texts = Array.from({ length: 10 }, () => '')
    const sockets = texts.map((_, i) => {
      const socket = connect(Number(port), hostname)
      socket.on('data', (data) => {
        texts[i] += data.toString()
      })
      socket.write(ask.repeat(1_000))
      return socket
    })
    const refusals = () => texts.join('').split('HTTP/1.1 429').length - 1
    await eventually('all are refused', () => refusals() === 10_000)
    assert.equal(test.streams.count, 20)
    test.move('started')
    await eventually('those that are open go on', () => open.every(({ events }) => events.some(({ event }) => event === 'change')))
    for (const one of [...sockets.map((socket) => ({ close: () => socket.destroy() })), ...open]) one.close()
  })

  it('are told when to come back by a gateway that stops, which takes no more', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun('runs')
    await test.streams.stop()
    await eventually('ended', () => reader.hasEnded)
    assert.deepEqual(reader.events.at(-1)?.data, { reason: 'stopping' })
    assert.ok(Number(reader.retryMs) >= 500 && Number(reader.retryMs) <= 3_000, String(reader.retryMs))
    assert.equal((await (await test.open('runs')).problem())['code'], 'OVERLOADED')
  })

  it('are asked to read again when the broker was away', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.begun('runs,jobs')
    await test.broker.server.kill()
    await test.broker.server.restart({ wipe: false })
    await reader.until('both', () => reader.of('resync').length === 2)
    assert.deepEqual(
      reader.of('resync').map(({ data }) => data.topics[0]),
      ['runs', 'jobs'],
    )
    await eventually('it goes on', () => {
      test.move('started')
      return reader.of('change').length > 0
    })
    reader.close()
  })

  it('of HEAD get the headers and no stream', async (t) => {
    const test = await startTestStreams(t)
    assert.equal((await fetch(`${test.url}/api/v1/stream?namespace=default`, { method: 'HEAD' })).status, 200)
    assert.equal(test.streams.count, 0)
  })
})
