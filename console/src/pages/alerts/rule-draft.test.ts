import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertRuleView } from '@carillon/contracts'
import { ruleDraftOf, typedPatterns, withScene } from './rule-draft.ts'

test('a stored rule is edited without what services say of it', () => {
  const rule = { name: 'a', scene: 'late', groupBy: 'cause', channels: [], enabled: true, createdAt: '', updatedAt: '', by: 'x' }
  assert.deepEqual(Object.keys(ruleDraftOf(rule as unknown as AlertRuleView)), ['name', 'scene', 'groupBy', 'channels', 'enabled'])
})

test('names are separated by commas or spaces', () => {
  assert.deepEqual(typedPatterns(' bill-*, report '), ['bill-*', 'report'])
  assert.equal(typedPatterns(' , '), undefined)
})

test('another scene keeps what it knows', () => {
  const draft = { name: 'a', scene: 'run-failed', jobs: ['x'], threshold: 3, windowMs: 1, recoverAfter: 2 } as const
  assert.deepEqual(withScene(draft, 'instance-lost', { filters: ['instances'], isCounted: true, recoverAfterMs: 1 }), {
    ...{ name: 'a', scene: 'instance-lost', threshold: 3, windowMs: 1 },
  })
  assert.deepEqual(withScene(draft, 'late', { filters: ['jobs'], isCounted: false, recoverAfterMs: 0 }), {
    name: 'a',
    scene: 'late',
    jobs: ['x'],
  })
})
