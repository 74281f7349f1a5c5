import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Roster } from './roster.ts'
import { type Entry, hungChange, idleChange, type Seen } from './seen.ts'

const entry = (instance: string, revision: number, namespace = 'default'): Entry => ({
  presence: {
    instance,
    namespace,
    service: 'shop',
    version: '1.0.0',
    protocol: 1,
    handlers: [],
    labels: {},
    capacity: 1,
    since: '2030-01-01T00:00:00.000Z',
  },
  revision,
})
const load = { cpu: 0.5, memoryBytes: 1, eventLoopDelayMs: 2, running: 3, stuck: 0, stuckTasks: [] }
const namesOf = (roster: Roster) => roster.list('default').map((seen) => seen.presence.instance)

describe('Roster', () => {
  it('names who was silent for long enough', () => {
    const roster = new Roster()
    roster.keep('default.a', entry('a', 1), 0)
    roster.keep('default.b', entry('b', 2), 0)
    assert.equal(roster.hear('default.b', 50), true)
    assert.deepEqual(roster.silent(99, 100), [])
    assert.deepEqual(
      roster.silent(100, 100).map(([key]) => key),
      ['default.a'],
    )
    assert.equal(roster.hear('default.c', 50), false)
  })

  it('keeps the load over a new registration', () => {
    const roster = new Roster()
    roster.keep('default.a', entry('a', 1), 0)
    roster.load('default.a', load, 0)
    roster.load('default.unknown', load, 0)
    roster.follow('default.a', entry('a', 2), 10)
    assert.deepEqual(roster.list('default'), [{ ...entry('a', 2), heardAt: 10, load, blockedSince: undefined }])
    assert.equal(roster.size, 1)
  })

  it('notes since when stuck handlers hold every slot, over registrations of the same process', () => {
    const roster = new Roster()
    const of = (session: string, revision: number, hung?: boolean): Entry => {
      const { presence } = entry('a', revision)
      return { presence: { ...presence, session, capacity: 2, ...(hung ? { hung } : {}) }, revision }
    }
    const beat = (stuck: number, elapsedMs: number) => roster.load('default.a', { ...load, stuck }, elapsedMs)
    const change = (elapsedMs: number) => hungChange(roster.get('default.a') as Seen, { elapsedMs, hungAfterMs: 100 })?.event
    roster.keep('default.a', of('one', 1), 0)
    beat(1, 0)
    assert.equal(change(1_000), undefined, 'one slot is free')
    beat(2, 10)
    beat(2, 50)
    roster.follow('default.a', of('one', 2), 60)
    assert.deepEqual([change(109), change(110)], [undefined, 'hung'])
    roster.keep('default.a', of('one', 3, true), 110)
    assert.equal(change(200), undefined, 'it is known')
    beat(1, 210)
    assert.equal(change(210), 'recovered')
    roster.keep('default.a', of('one', 4), 210)
    beat(2, 220)
    roster.keep('default.a', of('two', 5), 230)
    assert.equal(change(1_000), undefined, 'another process has the name now')
  })

  it('keeps an instance hung while nothing comes of its tasks, whatever it was hung for before', () => {
    const hung = { session: 'one', idleMs: 300 }
    const seen = (presence: { hung?: boolean; hungIdleMs?: number }, idleMs?: number, blockedSince?: number): Seen => ({
      ...{ revision: 1, heardAt: 0, blockedSince },
      presence: { ...entry('a', 1).presence, session: 'one', ...presence },
      load: { ...load, ...(idleMs === undefined ? {} : { idleMs }) },
    })
    const shown = (change: ReturnType<typeof hungChange>) => change && [change.event, change.presence.hung, change.presence.hungIdleMs]
    const after = (given: Seen) => shown(hungChange(given, { elapsedMs: 1_000, hungAfterMs: 100 }))
    const idle = (given: Seen) => shown(idleChange(given, hung))
    const known = { hung: true, hungIdleMs: 300 }

    assert.deepEqual(idle(seen({}, 310)), ['hung', true, 300])
    assert.deepEqual(idle(seen({ hung: true }, 310)), [undefined, true, 300], 'it was hung for its stuck handlers already')
    assert.equal(idle(seen({}, 290)), undefined, 'something has come of a task since')
    assert.equal(idle(seen({})), undefined, 'it holds nothing')
    assert.equal(idle(seen(known, 310)), undefined, 'it is known')
    assert.equal(shown(idleChange(seen({}, 310), { ...hung, session: 'two' })), undefined, 'another process has the name now')

    assert.equal(after(seen(known, 300)), undefined)
    assert.deepEqual(after(seen(known, 10)), ['recovered', undefined, undefined])
    assert.deepEqual(after(seen(known)), ['recovered', undefined, undefined], 'it holds nothing any more')
    assert.deepEqual(after(seen(known, 10, 0)), [undefined, true, undefined], 'stuck handlers hold every slot')
    assert.deepEqual(after(seen({ hung: true }, 10)), ['recovered', undefined, undefined])
    assert.equal(after(seen({ hung: true }, 10, 990)), undefined, 'they were known to')
    assert.equal(after(seen({}, 1_000_000)), undefined, 'a coordinator judges what is idle')
  })

  it('takes no older news than what it wrote itself', () => {
    const roster = new Roster()
    roster.keep('default.a', entry('a', 5), 0)
    roster.follow('default.a', entry('a', 4), 10)
    assert.equal(roster.list('default')[0]?.revision, 5)
    roster.followRemoval('default.a', 3)
    assert.deepEqual(namesOf(roster), ['a'])
    roster.drop('default.a', 5)
    roster.follow('default.a', entry('a', 5), 10)
    assert.deepEqual(namesOf(roster), [])
    roster.followRemoval('default.a', 6)
    roster.follow('default.a', entry('a', 7), 10)
    assert.deepEqual(namesOf(roster), ['a'])
    roster.followRemoval('default.a', 8)
    assert.deepEqual(namesOf(roster), [])
  })

  it('starts again with a fresh grace, also with lower revisions', () => {
    const roster = new Roster()
    roster.keep('default.a', entry('a', 500), 0)
    roster.keep('default.b', entry('b', 501), 0)
    roster.reset(new Map([['default.a', entry('a', 1)]]), 1_000)
    assert.deepEqual(namesOf(roster), ['a'])
    assert.deepEqual(roster.silent(1_050, 100), [])
    roster.follow('default.b', entry('b', 2), 1_000)
    assert.deepEqual(namesOf(roster), ['a', 'b'])
  })

  it('lists one namespace by name', () => {
    const roster = new Roster()
    for (const name of ['c', 'a', 'b']) roster.keep(`default.${name}`, entry(name, 1), 0)
    roster.keep('other.d', entry('d', 1, 'other'), 0)
    assert.deepEqual(namesOf(roster), ['a', 'b', 'c'])
  })
})
