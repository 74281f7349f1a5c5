import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkMessage } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'
import type { Link } from '../connection/link.ts'
import { AckReader, AckSlots } from '../liveness/ack-slots.ts'
import { HeldTask, HeldTasks } from './held-task.ts'

const workOf = (attempt: number): WorkMessage => ({ runId: 't', taskId: 't', handler: 'h', attempt, payload: null })
const link = { publish: () => undefined } as unknown as Link

function shared() {
  const reader = new AckReader()
  return { slots: new AckSlots((memory) => reader.add(memory)), due: () => Array.from({ length: 3 }, () => reader.due()).flat() }
}

test('the thread is shown what is held, once, until it is held no more', () => {
  const held = new HeldTasks()
  const first = shared()
  held.shareWith(first.slots)
  const task = new HeldTask(workOf(1), {} as Msg, { heldAt: 0, ackSubject: 'delivery 1' })
  held.add(task)
  // A claim made a further attempt of it.
  task.work = workOf(2)
  held.add(task)
  assert.deepEqual(first.due(), ['delivery 1'])
  held.redelivered(task, link, 'delivery 2')
  assert.deepEqual(first.due(), ['delivery 2'])
  assert.deepEqual([held.find(workOf(1)), held.find(workOf(2))], [task, task])

  const second = shared()
  held.shareWith(undefined)
  held.shareWith(second.slots)
  assert.deepEqual(second.due(), ['delivery 2'])
  held.remove(task)
  assert.deepEqual([second.due(), held.find(workOf(1)), held.find(workOf(2))], [[], undefined, undefined])
})

test('the last 10,000 attempts that have ended are remembered, by each of their keys; one that is held again is not forgotten', () => {
  const held = new HeldTasks()
  const taskOf = (taskId: string) => new HeldTask({ ...workOf(1), taskId }, {} as Msg, { heldAt: 0, ackSubject: `delivery of ${taskId}` })
  const first = taskOf('first')
  held.add(first)
  first.work = { ...first.work, attempt: 2 }
  held.add(first)
  held.end(first)
  const endedOf = (attempt: number) => held.findEnded({ taskId: 'first', attempt })
  assert.deepEqual([held.find(first.work), endedOf(1), endedOf(2), endedOf(3)], [undefined, first.ackSubject, first.ackSubject, undefined])

  const again = taskOf('first')
  held.add(again)
  for (let i = 0; i < 9_999; i++) held.end(taskOf(`t${i}`))
  assert.deepEqual([endedOf(2), held.find(again.work)], [undefined, again])
  held.end(taskOf('another'))
  assert.deepEqual([held.find(again.work), held.findEnded({ taskId: 't0', attempt: 1 })], [again, 'delivery of t0'])
})
