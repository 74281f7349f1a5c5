import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkMessage } from '@carillon/contracts'
import { FakeClock, settle } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import { plainTelemetry } from '../telemetry.ts'
import { ackOf, IntakeFixture } from '../testing/intake-fixture.ts'
import type { Attempt } from './attempt.ts'
import { offeredHandler } from './handler.ts'
import { HeldTask } from './held-task.ts'
import { Isolation } from './isolation.ts'
import { Lane } from './lane.ts'
import type { TaskCalls } from './task-calls.ts'

/** The lane of a handler whose tasks are to run alone; what it asks for is answered by the test. */
function suspects(run: () => unknown, more: Pick<WorkMessage, 'timeoutMs'> = {}) {
  const clock = new FakeClock()
  const isolation = new Isolation(clock)
  const announced: (() => void)[] = []
  const ended: Attempt[] = []
  const handler = offeredHandler('suspect', run)
  const lane = new Lane({
    ...{ handler, clock, isolation, telemetry: plainTelemetry, calls: {} as TaskCalls },
    occupied: () => 0,
    freeCapacity: () => 0,
    unreserved: () => 0,
    isQuiet: () => true,
    isHung: () => false,
    announce: (_, stored) => void announced.push(stored),
    keep: () => true,
    release: () => assert.fail('nothing waits'),
    observer: {
      onBegin: () => undefined,
      onProgress: () => undefined,
      onLog: () => undefined,
      onEnd: (attempt) => void ended.push(attempt),
      onUnstuck: () => undefined,
    },
  })
  const work: WorkMessage = { runId: 'run', taskId: 'run', handler: 'suspect', attempt: 3, payload: null, alone: true, ...more }
  const hold = () => {
    lane.add(new HeldTask(work, {} as Msg, { heldAt: clock.monotonic() }))
    lane.pump()
  }
  return { lane, clock, isolation, announced, ended, hold }
}

test('a suspect may be cancelled while its start is not stored yet; then it does not begin', async () => {
  let runs = 0
  const { lane, isolation, announced, hold } = suspects(() => runs++)
  hold()
  assert.deepEqual([announced.length, isolation.isTaken], [1, true])
  assert.equal(lane.take(() => true).length, 1)
  assert.equal(isolation.isClosed, false)
  announced[0]?.()
  assert.equal(runs, 0)
  hold()
  announced[1]?.()
  assert.equal(runs, 1)
})

test('nothing begins beside a suspect until its end is stored: a process that died before would seem to have died of it', () => {
  const { lane, isolation, announced, ended, hold } = suspects(() => undefined)
  hold()
  announced[0]?.()
  assert.deepEqual([ended.length, isolation.isTaken], [1, true])
  lane.confirmed(ended[0] as Attempt)
  assert.deepEqual([isolation.isTaken, isolation.isClosed], [false, false])
})

test('a suspect that ignores its time limit is alone for a while after its end is stored, and then holds its slot alone', async () => {
  const { lane, clock, isolation, announced, ended, hold } = suspects(() => new Promise(() => undefined), { timeoutMs: 1_000 })
  hold()
  announced[0]?.()
  clock.elapse(1_000)
  clock.elapse(5_000)
  assert.deepEqual([ended.length, lane.stuck.size], [1, 1])
  clock.elapse(60_000)
  assert.equal(isolation.isClosed, true, 'its end is not stored')
  lane.confirmed(ended[0] as Attempt)
  assert.equal(isolation.isClosed, true)
  clock.elapse(30_000)
  assert.deepEqual([isolation.isClosed, lane.stuck.size], [false, 1])
})

/** An executor of a handler with two slots, whose tasks take so long each. */
function twoSlots(durationMs: number) {
  const begun: string[] = []
  const run = ({ taskId }: { taskId: string }) => {
    begun.push(taskId)
    return new Promise<void>((resolve) => void fixture.clock.after(durationMs, resolve))
  }
  const fixture = new IntakeFixture([offeredHandler('h', run, { concurrency: 2 })])
  const elapse = async (ms: number) => {
    await fixture.clock.advance(ms)
    await settle()
  }
  const lane = fixture.lanes.get('h') as Lane
  const work = (taskId: string): WorkMessage => ({ runId: taskId, taskId, handler: 'h', attempt: 1, payload: null })
  const assign = (...ids: string[]) => fixture.assign(ids.map(work))
  const released = () => fixture.reports.filter(({ type }) => type === 'released').map(({ taskId }) => taskId)
  return { fixture, lane, begun, elapse, work, assign, released }
}

test('work that is pulled while slow assigned tasks have all slots is released at once; it has been requested before they came', async () => {
  const { fixture, begun, assign, work, released } = twoSlots(5_000)
  fixture.pull('h', work('first'))
  assert.deepEqual(assign('assigned', 'declined'), { declined: ['declined'], held: 2, most: 2 })
  // Before they have begun.
  fixture.pull('h', work('second'))
  await settle()
  fixture.pull('h', work('third'))
  assert.deepEqual([released(), fixture.answers], [['second', 'third'], ['second', 'third'].map((id) => [ackOf(id, 1), '-NAK'])])
  await settle()
  assert.deepEqual(begun, ['first', 'assigned'])
})

test('work that is pulled waits where there is no assigned task, and where tasks are short', async () => {
  const slow = twoSlots(5_000)
  for (const id of ['a', 'b', 'waits']) slow.fixture.pull('h', slow.work(id))
  await settle()
  slow.fixture.pull('h', slow.work('too'))
  assert.deepEqual([slow.released(), slow.lane.waiting], [[], 2])
  const free = twoSlots(5_000)
  free.assign('a')
  await settle()
  free.fixture.pull('h', free.work('b'))
  await settle()
  assert.deepEqual([free.released(), free.begun], [[], ['a', 'b']], 'there is a slot for it')
  // Assigned tasks that have ended do not count.
  const later = twoSlots(50)
  later.assign('a', 'b')
  await later.elapse(50)
  for (const id of ['c', 'd', 'waits']) later.fixture.pull('h', later.work(id))
  await settle()
  assert.deepEqual([later.released(), later.lane.waiting], [[], 1])
  const short = twoSlots(1)
  short.assign('a', 'b')
  await short.elapse(1)
  short.assign('c', 'd')
  short.fixture.pull('h', short.work('waits'))
  await settle()
  assert.deepEqual([short.released(), short.lane.waiting], [[], 1])
})

test('an assigned task that waits for more than a second is released, as pulled work is; an offered one is not', async () => {
  const { fixture, lane, begun, elapse, assign, work, released } = twoSlots(5_000)
  // Work that is given back is taken again when it has been claimed.
  fixture.pull('h', work('runs'))
  fixture.pull('h', work('too'))
  await settle()
  fixture.pull('h', work('pulled'))
  fixture.offer(work('offered'))
  const assigned = new HeldTask(work('assigned'), {}, { heldAt: fixture.clock.monotonic(), isAssigned: true })
  fixture.held.add(assigned)
  lane.add(assigned)
  await elapse(1_000)
  assert.deepEqual(lane.takeOverdue(), [])
  await elapse(1)
  for (const task of lane.takeOverdue()) fixture.intake.release(task)
  assert.deepEqual([released(), lane.waiting, lane.isOverdrawn], [['pulled', 'assigned'], 1, false])
  assert.deepEqual([begun, assign('more')?.declined], [['runs', 'too'], ['more']])
})

test('short tasks that were taken ahead are released after a second if other handlers have all the slots', async () => {
  const ends: (() => void)[] = []
  const handlers = ['short', 'long'].map((name) =>
    offeredHandler(name, () => new Promise<void>((resolve) => void ends.push(resolve)), { concurrency: 1 }),
  )
  const fixture = new IntakeFixture(handlers, 1)
  const short = fixture.lanes.get('short') as Lane
  const workOf = (taskId: string, handler: string): WorkMessage => ({ runId: taskId, taskId, handler, attempt: 1, payload: null })
  fixture.assign([workOf('warm', 'short')])
  await settle()
  ends.shift()?.()
  await settle()
  fixture.pull('long', workOf('long', 'long'))
  await settle()
  for (const id of ['a', 'b']) {
    const task = new HeldTask(workOf(id, 'short'), {}, { heldAt: fixture.clock.monotonic(), isAssigned: true })
    fixture.held.add(task)
    short.add(task)
  }
  await settle()
  fixture.clock.elapse(1_000)
  assert.deepEqual([short.occupied, short.waiting, short.takeOverdue()], [0, 2, []])
  assert.deepEqual([short.demand(0), short.load], [0, { held: 2, most: 1 }], 'and no more are taken ahead')
  fixture.clock.elapse(1)
  assert.deepEqual(
    short.takeOverdue().map(({ work }) => work.taskId),
    ['a', 'b'],
  )
})
