import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChildRunView } from '@carillon/contracts'
import { FakeClock } from '@carillon/wire/testing'
import { resultOfChild } from './child-runs.ts'

const running: ChildRunView = { runId: 'c', state: 'running' }

test('a handler that has thrown does not wait for its child runs any more', async () => {
  const clock = new FakeClock()
  let isStopped = false
  let asked = 0
  const ask = async () => {
    asked++
    return running
  }
  const result = resultOfChild(ask, { clock, signal: new AbortController().signal, isStopped: () => isStopped })
  const refused = assert.rejects(result, { code: 'TASK_NOT_RUNNING' })
  await clock.advance(100)
  assert.ok(asked > 1)
  isStopped = true
  const before = asked
  await clock.advance(1_000)
  await refused
  assert.equal(asked, before)
})

test('the result of a child run, and what it failed of', async () => {
  const given = { clock: new FakeClock(), signal: new AbortController().signal, isStopped: () => false }
  assert.equal(await resultOfChild(async () => ({ ...running, state: 'succeeded', result: 5 }), given), 5)
  await assert.rejects(
    resultOfChild(async () => ({ ...running, state: 'cancelled' }), given),
    { name: 'ChildRunFailed', message: 'run c ended as cancelled' },
  )
})
