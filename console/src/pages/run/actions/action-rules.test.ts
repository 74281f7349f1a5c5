import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionsOf } from './action-rules.ts'

test('what can be done follows from the state', () => {
  assert.deepEqual(actionsOf({ state: 'running', mode: 'single' }), ['cancel', 'pause', 'signal', 'again'])
  assert.deepEqual(actionsOf({ state: 'paused', mode: 'single' }), ['resume', 'cancel', 'signal', 'again'])
  assert.deepEqual(actionsOf({ state: 'failed', mode: 'map', reason: 'tasks-failed' }), ['retryFailed', 'retry', 'again'])
  assert.deepEqual(actionsOf({ state: 'succeeded', mode: 'single' }), ['retry', 'again'])
  assert.deepEqual(actionsOf({ state: 'cancelling', mode: 'single' }), ['signal', 'again'])
})
