import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkMessage } from '@carillon/contracts'
import { FakeClock } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import { plainTelemetry } from '../telemetry.ts'
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
