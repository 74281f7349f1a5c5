import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type ErrorCode, type WorkMessage } from '@carillon/contracts'
import { FakeClock } from '@carillon/wire/testing'
import type { Caller } from '../client/caller.ts'
import { Activity } from '../liveness/activity.ts'
import { TaskCalls } from './task-calls.ts'

const work: WorkMessage = { runId: 'r', taskId: 'r', handler: 'h', attempt: 1, payload: null }
const step = { program: 'h@v1', index: 0, name: 'a', try: 1, outcome: { type: 'done', result: 1 } } as const

/** Calls to a service that answers an error, until it is told to answer. */
function failing(code: ErrorCode) {
  const clock = new FakeClock()
  const service = { asked: 0, isWell: false }
  const call = async () => {
    service.asked++
    if (!service.isWell) throw new CarillonError(code, 'not now')
    return { stored: { index: 0, name: 'a' } }
  }
  const calls = new TaskCalls({
    caller: { clock, call } as unknown as Caller,
    instance: 'i-1',
    activity: new Activity(),
    onWarning: () => undefined,
  })
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 2_000) {
      clock.elapse(2_000)
      await new Promise(setImmediate)
    }
  }
  return { calls, service, pass }
}

test('a step that is done is stored, however long services are away', async () => {
  const { calls, service, pass } = failing('STORE_UNAVAILABLE')
  const stored = calls.step(work, step)
  await pass(3_600_000)
  assert.ok(service.asked > 1_000)
  service.isWell = true
  await pass(2_000)
  assert.equal((await stored).name, 'a')
})

test('a fault that does not pass within a minute is one', async () => {
  const { calls, service, pass } = failing('INTERNAL')
  const stored = assert.rejects(calls.step(work, step), { code: 'INTERNAL' })
  await pass(70_000)
  await stored
  const asked = service.asked
  await pass(10_000)
  assert.equal(service.asked, asked)
})

test('a permanent refusal is not repeated', async () => {
  const { calls, service } = failing('TASK_NOT_RUNNING')
  await assert.rejects(calls.step(work, step), { code: 'TASK_NOT_RUNNING' })
  assert.equal(service.asked, 1)
})

test('who waits for a page of results stops with its task', async () => {
  const { calls, pass } = failing('NO_SERVICE')
  const stop = new AbortController()
  const reading = assert.rejects(calls.results(work, { cursor: undefined, limit: 10 }, stop.signal), { name: 'AbortError' })
  await pass(10_000)
  stop.abort()
  await reading
})
