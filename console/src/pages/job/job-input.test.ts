import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobView } from '@carillon/contracts'
import { draftOf, withDraftField } from './job-input.ts'

const VIEW = {
  ...{ name: 'report', handler: 'report', state: 'active', mode: 'single', attempts: 3, backoff: { type: 'fixed', delayMs: 5 } },
  ...{ misfire: 'once', revision: 7, createdAt: '', updatedAt: '', nextAt: '', stats: { succeeded: 1, failed: 0, failuresInRow: 0 } },
} as JobView

test('a stored job is edited without what services say of it', () => {
  assert.deepEqual(draftOf({ ...VIEW, later: 1 } as JobView), {
    ...{
      name: 'report',
      handler: 'report',
      mode: 'single',
      attempts: 3,
      backoff: { type: 'fixed', delayMs: 5 },
      misfire: 'once',
      later: 1,
    },
  })
})

test('what follows from other fields is left out', () => {
  const workflow = { nodes: [] } as never
  assert.deepEqual(Object.keys(draftOf({ ...VIEW, mode: 'workflow', workflow })).sort(), [
    'attempts',
    'backoff',
    'misfire',
    'name',
    'workflow',
  ])
  const shards = draftOf({ ...VIEW, mode: 'shards', shards: 2, items: [1, 2] })
  assert.ok(!('shards' in shards) && !('mode' in shards))
  assert.equal(draftOf({ ...VIEW, mode: 'shards', shards: 2 })['shards'], 2)
})

test('a field is set and left out', () => {
  assert.deepEqual(withDraftField({ name: 'a', attempts: 1 }, 'attempts', undefined), { name: 'a' })
  assert.deepEqual(withDraftField({ name: 'a' }, 'attempts', 2), { name: 'a', attempts: 2 })
})
