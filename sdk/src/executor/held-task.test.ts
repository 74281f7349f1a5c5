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

const assigned = (taskId: string) => new HeldTask({ ...workOf(1), taskId }, {}, { heldAt: 0, isAssigned: true })

test('an assigned task that has ended is remembered, although it has no message; one that was offered is not', () => {
  const held = new HeldTasks()
  const offered = new HeldTask({ ...workOf(1), taskId: 'offered' }, {}, { heldAt: 0 })
  for (const task of [assigned('a'), offered]) {
    held.add(task)
    held.end(task)
  }
  const endedOf = (taskId: string) => held.findEnded({ taskId, attempt: 1 })
  assert.deepEqual([endedOf('a'), endedOf('offered')], ['', undefined])
})

test('what has ended here is still known when it has been held again meanwhile, because a coordinator was asked about it', () => {
  const held = new HeldTasks()
  const pulled = new HeldTask(workOf(1), {}, { heldAt: 0, ackSubject: 'delivery' })
  held.add(pulled)
  held.end(pulled)
  const again = assigned('t')
  held.add(again)
  assert.deepEqual([held.find(workOf(1)), held.findEnded(workOf(1))], [again, undefined])
  // A claim made a further attempt of it, which was released.
  again.work = workOf(2)
  held.add(again)
  held.remove(again)
  assert.deepEqual([held.findEnded(workOf(1)), held.findEnded(workOf(2)), held.find(workOf(2))], ['delivery', undefined, undefined])
  const first = assigned('new')
  held.add(first)
  held.remove(first)
  assert.equal(held.findEnded(first.work), undefined)
})

test('those that are held longest are named, however they came', () => {
  const held = new HeldTasks()
  const options = [{ heldAt: 2, ackSubject: 'delivery' }, { heldAt: 1, isAssigned: true }, { heldAt: 3 }]
  for (const [index, how] of options.entries()) held.add(new HeldTask({ ...workOf(1), taskId: `t${index}` }, {}, how))
  assert.deepEqual(
    held.longest(10, 2).map(({ taskId, forMs }) => [taskId, forMs]),
    [
      ['t1', 9],
      ['t0', 8],
    ],
  )
})

test('a task that the thread has released is not kept, also when that thread has ended since; without a thread every one is', () => {
  const held = new HeldTasks()
  const [early, waits, released] = [assigned('early'), assigned('waits'), assigned('released')]
  held.add(early)
  held.mark(early, 'assigned')
  assert.equal(held.keep(early), true)
  const reader = new AckReader()
  held.shareWith(new AckSlots((memory) => reader.add(memory)))
  held.add(released)
  held.mark(released, 'assigned')
  assert.equal(reader.release().length, 1)
  held.add(waits)
  held.mark(waits, 'assigned')
  held.shareWith(undefined)
  assert.deepEqual([held.keep(waits), held.keep(released), held.keep(released)], [true, false, false])
  held.shareWith(shared().slots)
  assert.equal(held.keep(released), false)
})
