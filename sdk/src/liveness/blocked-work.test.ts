import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '@carillon/wire/testing'
import { AckReader, AckSlots } from './ack-slots.ts'
import { BlockedWork } from './blocked-work.ts'

const task = (taskId: string, attempt = 1) => ({ ackSubject: `ack of ${taskId}`, work: { taskId, attempt } })

function blocked() {
  const acks = new AckReader()
  const slots = new AckSlots((memory) => acks.add(memory))
  const reports: unknown[] = []
  const returned: string[] = []
  const broker = { isAway: false }
  const ids: (string | undefined)[] = []
  const report = async (text: string, messageId?: string) => {
    reports.push(JSON.parse(text))
    ids.push(messageId)
    return !broker.isAway
  }
  const work = new BlockedWork({ acks, session: 's1', voice: { report, giveBack: (subject) => void returned.push(subject) } })
  const look = async (stillMs: number, unread: { ackSubject: string; data: Uint8Array }[] = []) => {
    work.look(stillMs, unread)
    await settle()
    return reports.splice(0)
  }
  const repeat = async () => {
    work.reportReleases()
    await settle()
    return reports.splice(0)
  }
  return { slots, work, look, repeat, ids, returned, broker }
}

test('what a blocked main thread has begun is reported once, until that is stored', async () => {
  const { slots, work, look, broker } = blocked()
  slots.take(task('waits'))
  slots.mark(slots.take(task('run1-00002', 3)), 'begun')
  slots.mark(slots.take(task('known')), 'reported')
  const started = { runId: 'run1', taskId: 'run1-00002', attempt: 3, type: 'started', session: 's1' }
  broker.isAway = true
  assert.deepEqual(await look(1_000), [{ ...started, durationMs: 1_000 }])
  broker.isAway = false
  assert.deepEqual(await look(2_000), [{ ...started, durationMs: 2_000 }])
  assert.deepEqual(await look(3_000), [])
  work.forget()
  assert.deepEqual(await look(1_500), [{ ...started, durationMs: 1_500 }])
})

test('of a blocked process that is to take no work what has not begun is released, when that is stored', async () => {
  const { slots, work, look, returned, broker } = blocked()
  slots.take(task('waits'))
  slots.mark(slots.take(task('runs')), 'reported')
  slots.mark(slots.take(task('begins')), 'begun')
  const delivery = (text: string) => ({ ackSubject: `ack of ${text}`, data: new TextEncoder().encode(text) })
  const unread = [
    delivery('{"runId":"late","taskId":"late","attempt":2,"payload":"é"}'),
    delivery('{"runId":"begins","taskId":"begins","attempt":1}'),
    delivery('{"runId":"runs","taskId":"runs","attempt":1}'),
    delivery('null'),
    delivery('{'),
    delivery('{"runId":1}'),
  ]
  const [started, ...more] = (await look(60_000, unread)) as { taskId: string; type: string }[]
  assert.deepEqual([started?.taskId, started?.type, more], ['begins', 'started', []], 'it may take work')
  work.isCordoned = true
  assert.deepEqual(await look(9_000, unread), [], 'it may go on any moment, and would not ask before it begins them')
  broker.isAway = true
  await look(10_000, unread)
  assert.deepEqual(returned, [])
  broker.isAway = false
  assert.deepEqual(await look(11_000, unread), [
    { runId: 'waits', taskId: 'waits', attempt: 1, type: 'released' },
    { runId: 'late', taskId: 'late', attempt: 2, type: 'released' },
  ])
  assert.deepEqual(returned, ['ack of waits', unread[0]?.ackSubject])
  assert.deepEqual([work.isReleased('ack of waits'), work.isReleased('ack of runs')], [true, false])
  assert.deepEqual(await look(12_000, unread), [])
})

test('assigned tasks that a blocked main thread has not begun are released, until that is stored, also when it goes on; others are not', async () => {
  const { slots, work, look, repeat, ids, returned, broker } = blocked()
  const unacknowledged = (taskId: string) => slots.take({ ackSubject: undefined, work: { taskId, attempt: 1 } })
  const [runs, waits] = ['runs', 'waits', 'offered'].map(unacknowledged)
  slots.take(task('pulled'))
  slots.mark(runs ?? 0, 'begun')
  slots.mark(waits ?? 0, 'assigned')
  broker.isAway = true
  const [started] = (await look(1_000)) as { type: string; taskId: string }[]
  assert.deepEqual([started?.type, started?.taskId], ['started', 'runs'], 'it has begun, though nothing is to be acknowledged')
  const released = [{ runId: 'waits', taskId: 'waits', attempt: 1, type: 'released' }]
  assert.deepEqual(await repeat(), [released])
  assert.equal(slots.keep(waits ?? 0), false)
  work.forget()
  broker.isAway = false
  assert.deepEqual([await repeat(), await repeat()], [[released], []])
  assert.deepEqual([ids.slice(-2), returned], [['s1-released-1', 's1-released-1'], []])
})

test('a hundred released tasks travel in one message', async () => {
  const { slots, look, repeat, ids } = blocked()
  for (let i = 0; i < 250; i++) slots.mark(slots.take({ ackSubject: undefined, work: { taskId: `t${i}`, attempt: 1 } }), 'assigned')
  await look(1_000)
  const messages = (await repeat()) as { taskId: string }[][]
  assert.deepEqual([messages.map(({ length }) => length), new Set(messages.flat().map(({ taskId }) => taskId)).size], [[100, 100, 50], 250])
  assert.equal(new Set(ids).size, 3)
})
