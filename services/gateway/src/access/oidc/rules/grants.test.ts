import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrantedRole } from '@carillon/runtime'
import { grantsOf, withGrants } from './grants.ts'

const viewer: GrantedRole = { namespace: 'default', role: 'viewer', payloads: false }
const roles = [
  { value: 'ops', namespace: 'default', role: 'operator', payloads: false },
  { value: 'readers', namespace: 'default', role: 'viewer', payloads: true },
  { value: 'admins', namespace: '*', role: 'admin', payloads: true },
] as const

test('of several roles in a namespace the higher counts; the default one only without any', () => {
  assert.deepEqual(grantsOf(['readers', 'ops', 'x'], { roles, defaultRole: viewer }), [
    { namespace: 'default', role: 'operator', payloads: true },
  ])
  assert.deepEqual(grantsOf(['OPS', 'op', 'ops '], { roles, defaultRole: viewer }), [viewer])
  assert.deepEqual(grantsOf([], { roles, defaultRole: undefined }), [])
})

test('what the provider granted follows it; what an admin has set stays', () => {
  const byAdmin = { role: 'viewer', payloads: false, since: 1, approves: ['finance'] } as const
  const byProvider = { role: 'operator', payloads: false, since: 2, byProvider: true } as const
  const before = { a: byAdmin, b: byProvider, c: byProvider }
  const granted: GrantedRole[] = ['a', 'b', 'd'].map((namespace) => ({ namespace, role: 'admin', payloads: true }))
  const now = { role: 'admin', payloads: true, byProvider: true }
  // Tokens go on where the membership does.
  assert.deepEqual(withGrants(before, granted, 9), { a: byAdmin, b: { ...now, since: 2 }, d: { ...now, since: 9 } })
  assert.deepEqual(withGrants(before, [], 9), { a: byAdmin })
})
