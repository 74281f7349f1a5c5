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
  const report = async (text: string) => {
    reports.push(JSON.parse(text))
    return !broker.isAway
  }
  const work = new BlockedWork({ acks, session: 's1', voice: { report, giveBack: (subject) => void returned.push(subject) } })
  const look = async (stillMs: number, unread: { ackSubject: string; data: Uint8Array }[] = []) => {
    work.look(stillMs, unread)
    await settle()
    return reports.splice(0)
  }
  return { slots, work, look, returned, broker }
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
