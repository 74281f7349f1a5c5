import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureStream } from '@carillon/runtime'
import { eventually } from '@carillon/runtime/testing'
import type { EventReader } from '../testing/event-reader.ts'
import { RUN, startTestStreams, type TestStreams } from '../testing/test-streams.ts'

const END = { runId: RUN, handler: 'report', state: 'failed', reason: 'handler-error', attempt: 1, at: '2026-01-01T00:00:00.000Z' }
const VIEW = { runId: RUN, handler: 'report', state: 'running', attempt: 1, createdAt: '2026-01-01T00:00:00.000Z', payload: { secret: 1 } }
const whats = (reader: EventReader) => reader.of('change').map(({ data }) => data.what)
const linesOf = (reader: EventReader): number[] => reader.of('log').flatMap(({ data }) => data.lines.map(({ seq }: { seq: number }) => seq))
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)

async function withRun(test: TestStreams, view: object = VIEW): Promise<{ view: object }> {
  const run = { view }
  test.answer('runs.get', () => run.view)
  await test.broker.connection.flush()
  return run
}

describe('the events of a namespace', { concurrency: true }, () => {
  it('come in the order of the broker, from now on or behind Last-Event-ID, at any gateway', async (t) => {
    const test = await startTestStreams(t)
    test.publish('event.job.before.created', { name: 'before' })
    await test.broker.connection.flush()
    const reader = await test.events('/events')
    await reader.until('hello', (events) => events.length > 0)
    for (const name of ['a', 'b', 'c']) test.publish(`event.job.${name}.created`, { name })
    test.move('started')
    await test.eventually('three', () => reader.of('change').length === 3)
    assert.deepEqual(
      reader.of('change').map(({ data }) => data),
      ['a', 'b', 'c'].map((name) => ({ noun: 'job', name, what: 'created', body: { name } })),
    )
    const [a] = reader.of('change')
    reader.close()
    const behind = await test.events('/events', { 'last-event-id': String(a?.id) })
    await test.eventually('the others', () => behind.of('change').length === 2)
    assert.deepEqual(behind.of('resync'), [])
    behind.close()
    for (const id of ['gateway-1', `${String(a?.id).split('-')[0]}-999`]) {
      const other = await test.events('/events', { 'last-event-id': id })
      await test.eventually('a resync', () => other.of('resync').length === 1)
      other.close()
    }
  })

  it('have live signals on request, hide payloads, and are not those of another namespace', async (t) => {
    const test = await startTestStreams(t)
    test.rights.set('bob', { role: 'viewer', seesPayloads: false })
    test.rights.set('eve', { role: 'admin', seesPayloads: true })
    const [ann, bob, eve] = await Promise.all([
      test.events('/events?live=true'),
      test.events('/events', { 'x-user': 'bob' }),
      test.events('/events', { 'x-user': 'eve' }),
    ])
    for (const reader of [ann, bob, eve]) await reader.until('hello', (events) => events.length > 0)
    test.broker.connection.publish('carillon.other.event.job.a.created', '{"name":"a"}')
    test.publish('event.audit.job.changed', { by: 'ann' })
    test.publish(`event.run.${RUN}.failed`, { ...END, result: 1, failure: { message: 'secret' } })
    test.move('started')
    await test.eventually('both', () => ann.of('change').length === 2 && bob.of('change').length === 1 && eve.of('change').length === 2)
    assert.deepEqual(whats(ann).sort(), ['failed', 'started'])
    assert.deepEqual(bob.of('change')[0]?.data.body, { ...END, hidden: true })
    assert.deepEqual(eve.of('change')[0]?.data.noun, 'audit')
    for (const reader of [ann, bob, eve]) reader.close()
  })

  it('begin again when the broker was wiped', async (t) => {
    const test = await startTestStreams(t)
    const reader = await test.events('/events')
    await reader.until('hello', (events) => events.length > 0)
    for (const name of ['a', 'b', 'c']) test.publish(`event.job.${name}.created`, { name })
    await test.eventually('three', () => reader.of('change').length === 3)
    await test.broker.manager.streams.delete('EVENTS')
    await ensureStream(test.broker.manager, 'EVENTS')
    test.publish('event.job.d.created', { name: 'd' })
    await eventually('it is stored', async () => (await test.broker.manager.streams.info('EVENTS')).state.messages === 1)
    await test.broker.server.kill()
    await test.broker.server.restart({ wipe: false })
    await eventually('it goes on', async () => {
      await test.clock.advance(1_000)
      return reader.of('change').at(-1)?.data.name === 'd'
    })
    assert.equal(reader.of('resync').length, 1)
    reader.close()
  })
})

describe('the events of a run', { concurrency: true }, () => {
  it('begin with its state and end with it; a client that comes again is sent away', async (t) => {
    const test = await startTestStreams(t)
    const run = await withRun(test)
    const reader = await test.events(`/runs/${RUN}/events`)
    await reader.until('its state', (events) => events.length > 0)
    assert.deepEqual(reader.events[0]?.data, { noun: 'run', name: RUN, what: 'state', body: VIEW })
    test.publish(`live.run.${RUN}.progress`, { runId: RUN, state: 'running', attempt: 1, progress: { percent: 40 } })
    test.publish(`live.task.${RUN}.changed`, { runId: RUN, tasks: [] })
    test.publish(`event.run.${RUN}.failed`, END)
    await test.eventually('the end', () => reader.hasEnded)
    assert.deepEqual(whats(reader), ['state', 'progress', 'changed', 'failed'])
    assert.deepEqual(reader.events.at(-1), { id: 'ended-1', event: 'end', data: { reason: 'run-ended', state: 'failed' } })
    run.view = { ...VIEW, ...END, endedAt: END.at }
    assert.equal((await test.events(`/runs/${RUN}/events`, { 'last-event-id': 'ended-1' })).status, 204)
    const late = await test.events(`/runs/${RUN}/events`)
    await test.eventually('it ends at once', () => late.hasEnded)
    assert.deepEqual(whats(late), ['state'])
    const following = await test.events(`/runs/${RUN}/events?follow=true`)
    await following.until('its state', (events) => events.length > 0)
    test.publish(`live.run.${RUN}.queued`, { runId: RUN, state: 'queued', attempt: 2 })
    await test.eventually('it goes on', () => whats(following).at(-1) === 'queued')
    following.close()
    await test.eventually('closed', () => test.streams.count === 0)
  })

  it('are read again when the broker was away; an unknown run is a problem', async (t) => {
    const test = await startTestStreams(t)
    const run = await withRun(test)
    const reader = await test.events(`/runs/${RUN}/events`)
    await reader.until('its state', (events) => events.length > 0)
    run.view = { ...VIEW, state: 'succeeded', attempt: 1 }
    await test.broker.server.kill()
    await test.broker.server.restart({ wipe: false })
    await eventually('the end that was missed', async () => {
      await test.clock.advance(500)
      return reader.hasEnded
    })
    run.view = { error: { code: 'RUN_NOT_FOUND', message: 'no run', retry: false } }
    assert.equal((await test.events(`/runs/${RUN}/events`)).status, 404)
    assert.equal((await test.events('/runs/a%0D%0Ab/events')).status, 400)
    assert.equal((await test.events(`/runs/${RUN}/events?follow=yes`)).status, 400)
    assert.equal(test.streams.count, 0)
  })
})

describe('the log of a run', { concurrency: true }, () => {
  it('has what is stored and what comes, each line once, behind Last-Event-ID at any gateway', async (t) => {
    const test = await startTestStreams(t)
    const run = await withRun(test, { ...VIEW, createdAt: '2030-01-01T00:00:00.000Z' })
    test.log(1, 3)
    await test.broker.connection.flush()
    const reader = await test.events(`/runs/${RUN}/logs?follow=true`)
    await test.eventually('what is stored', () => linesOf(reader).length === 3)
    test.log(4, 5)
    test.log(4, 6)
    test.broker.connection.publish(`carillon.default.log.${RUN}`, 'garbage')
    await test.eventually('what comes', () => linesOf(reader).length === 6)
    assert.deepEqual(linesOf(reader), upTo(6))
    const lastId = String(reader.of('log')[1]?.id)
    reader.close()
    const behind = await test.events(`/runs/${RUN}/logs?follow=true`, { 'last-event-id': lastId })
    test.log(7, 7)
    await test.eventually('the rest', () => linesOf(behind).includes(7))
    assert.deepEqual([...new Set(linesOf(behind))], [4, 5, 6, 7])
    test.publish(`event.run.${RUN}.failed`, { ...END, logLines: 8 })
    test.log(8, 8)
    await test.eventually('its last line', () => linesOf(behind).includes(8))
    run.view = { ...VIEW, ...END, endedAt: END.at, createdAt: '2030-01-01T00:00:00.000Z' }
    await eventually('its end', async () => {
      await test.clock.advance(200)
      return behind.hasEnded
    })
    assert.deepEqual(behind.events.at(-1)?.data, { reason: 'run-ended', state: 'failed' })
    assert.equal((await test.events(`/runs/${RUN}/logs?follow=true`, { 'last-event-id': 'ended-1' })).status, 204)
  })

  it('begins with what the logger keeps where the broker has no longer everything', async (t) => {
    const test = await startTestStreams(t)
    await withRun(test, { ...VIEW, ...END, endedAt: END.at })
    const pages = [[1, 2], [3, 4], []]
    const item = (seq: number) => ({
      seq,
      at: END.at,
      level: 'info',
      message: `kept ${seq}`,
      runId: RUN,
      taskId: RUN,
      attempt: 1,
      instance: 'i1',
    })
    test.answer('logs.query', ({ cursor }) => {
      const page = Number(cursor ?? 0)
      return { items: pages[page]?.map(item), ...(page < 2 ? { next: String(page + 1) } : {}) }
    })
    test.log(3, 6)
    await test.broker.connection.flush()
    const reader = await test.events(`/runs/${RUN}/logs?follow=true`)
    await eventually('the end', async () => {
      await test.clock.advance(200)
      return reader.hasEnded
    })
    assert.deepEqual(linesOf(reader), upTo(6))
    assert.deepEqual(
      reader.of('log').map(({ id }) => id === undefined),
      [true, true, false],
    )
  })

  it('filters lines, and is refused to who may not see payloads', async (t) => {
    const test = await startTestStreams(t)
    await withRun(test, { ...VIEW, createdAt: '2030-01-01T00:00:00.000Z' })
    test.rights.set('bob', { role: 'viewer', seesPayloads: false })
    assert.equal((await test.events(`/runs/${RUN}/logs?follow=true`, { 'x-user': 'bob' })).status, 403)
    for (const query of ['follow=false', 'follow=true&cursor=x', 'follow=true&level=loud'])
      assert.equal((await test.events(`/runs/${RUN}/logs?${query}`)).status, 400, query)
    const reader = await test.events(`/runs/${RUN}/logs?follow=true&text=line%202`)
    test.log(1, 29)
    await test.eventually('those', () => linesOf(reader).length > 0)
    assert.deepEqual(linesOf(reader), [2, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])
    reader.close()
  })
})
