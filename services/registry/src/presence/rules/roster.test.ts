import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Roster } from './roster.ts'
import { type Entry, hungChange, type Seen } from './seen.ts'

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
    const change = (elapsedMs: number) => hungChange(roster.get('default.a') as Seen, { elapsedMs, hungAfterMs: 100 })
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
