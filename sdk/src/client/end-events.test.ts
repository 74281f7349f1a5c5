import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENDED_STATES, type RunEndedEvent } from '@carillon/contracts'
import { FakeClock } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import type { ClientLink } from '../connection/link.ts'
import { EndEvents } from './end-events.ts'

/** Subscriptions of a broker, without a broker: a message goes to those of its subject, and to that of all. */
function createWorld() {
  const open = new Map<string, { hear: (message: Msg) => void; close: (refusal?: Error) => void }>()
  const subscribe: ClientLink['subscribe'] = (subject, hear) => {
    let closing: (refusal: Error | undefined) => void = () => undefined
    const closed = new Promise<Error | undefined>((resolve) => {
      closing = resolve
    })
    const close = (refusal?: Error) => {
      open.delete(subject)
      closing(refusal)
    }
    open.set(subject, { hear, close })
    return { closed, isClosed: () => !open.has(subject), unsubscribe: () => close() } as ReturnType<ClientLink['subscribe']>
  }
  const clock = new FakeClock()
  const heard: string[] = []
  const lost: string[] = []
  const moved: string[] = []
  const events = new EndEvents({ subscribe } as ClientLink, {
    namespace: 'shop',
    clock,
    onEnd: ({ runId }) => void heard.push(runId),
    onClosed: (runIds) => void lost.push(...runIds),
    onMoved: (runIds) => void moved.push(...runIds),
  })
  const end = (runId: string) => {
    const subject = `carillon.shop.event.run.${runId}.succeeded`
    const event = { runId, state: 'succeeded' } as RunEndedEvent
    const message = { subject, json: () => event } as unknown as Msg
    for (const to of [subject, ALL]) open.get(to)?.hear(message)
  }
  const closeAll = () => {
    for (const { close } of [...open.values()]) close()
  }
  const refuse = (subject: string) => open.get(subject)?.close(new Error('Permissions Violation'))
  return { events, clock, heard, lost, moved, refuse, end, closeAll, subjects: () => [...open.keys()] }
}

const ALL = 'carillon.shop.event.run.*.*'
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `run-${from + n}`)

test('few runs have subscriptions of their own, without wildcards, until they are not waited for any more', () => {
  const { events, heard, end, subjects } = createWorld()
  events.add('run-1')
  events.add('run-2')
  assert.equal(subjects().length, 2 * ENDED_STATES.length)
  assert.ok(subjects().every((subject) => !subject.includes('*')))
  end('run-1')
  end('run-3')
  assert.deepEqual(heard, ['run-1'])
  for (const id of ['run-1', 'run-2']) events.remove(id)
  assert.deepEqual(subjects(), [])
})

test('many share one subscription, which also knows what ended before the wait; it ends with the last of them', () => {
  const { events, heard, end, subjects } = createWorld()
  const many = ids(150)
  for (const id of many.slice(0, 149)) events.add(id)
  assert.equal(subjects().length, 99 * ENDED_STATES.length + 1)
  end('run-149')
  assert.equal(events.add('run-149'), true)
  assert.equal(events.add('run-150'), false)
  for (const id of many) end(id)
  assert.deepEqual([...new Set(heard)], many)
  for (const id of [...many, 'run-150']) events.remove(id)
  assert.deepEqual(subjects(), [])
})

test('where the ends of others are many more, each run has its own again; a minute later all are tried again', () => {
  const { events, clock, heard, moved, end, subjects } = createWorld()
  for (const id of ids(100)) events.add(id)
  assert.ok(subjects().includes(ALL))
  for (const id of ids(99)) events.remove(id)
  for (const id of ids(1_001, 5_000)) end(id)
  assert.deepEqual(
    subjects(),
    ENDED_STATES.map((state) => `carillon.shop.event.run.run-99.${state}`),
  )
  for (const id of ids(500, 1_000)) events.add(id)
  assert.ok(!subjects().includes(ALL))
  assert.deepEqual(moved, ['run-99'])
  end('run-99')
  assert.deepEqual(heard, ['run-99'])
  clock.elapse(60_000)
  for (const id of ids(100, 2_000)) events.add(id)
  assert.ok(subjects().includes(ALL))
})

test('those that are waited for are named when the connection is closed, by whichever subscription they are heard', async () => {
  const few = createWorld()
  for (const id of ids(3)) few.events.add(id)
  few.events.remove('run-1')
  few.closeAll()
  const many = createWorld()
  for (const id of ids(120)) many.events.add(id)
  many.closeAll()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(few.lost, ['run-0', 'run-2'])
  assert.deepEqual([...new Set(many.lost)].toSorted(), ids(120).toSorted())
})

test('where the broker refuses the subscription to all, each run has its own', async () => {
  const { events, lost, moved, refuse, subjects } = createWorld()
  for (const id of ids(100)) events.add(id)
  refuse(ALL)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([lost, moved], [[], ['run-99']])
  assert.equal(subjects().length, 100 * ENDED_STATES.length)
})
