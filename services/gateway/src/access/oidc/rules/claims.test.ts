import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@carillon/contracts'
import { accountName, valuesOf } from './claims.ts'

test('a claim is found by its name, or else by a path; what is no text counts as nothing', () => {
  const claims = {
    realm_access: { roles: ['a', 1, null, 'b'] },
    'https://x.example/roles': 'c',
    groups: { a: true },
    email: 'a@example.com',
  }
  assert.deepEqual(valuesOf(claims, 'realm_access.roles'), ['a', 'b'])
  assert.deepEqual(valuesOf(claims, 'https://x.example/roles'), ['c'])
  for (const none of ['groups', 'roles', 'realm_access.roles.length', 'constructor.name', '__proto__', 'email'])
    assert.deepEqual(valuesOf(claims, none), [], none)
  assert.deepEqual(valuesOf({ ...claims, email_verified: true }, 'email'), ['a@example.com'])
  assert.deepEqual(valuesOf({ ...claims, email_verified: 'true' }, 'email'), [])
})

test('a name has no letters that cannot be seen, and is as short as the audit log and calls want it', () => {
  assert.equal(accountName({ preferred_username: ' \u0000a\u200bd\u2800a\r\n\ud800 ' }, 'subject'), 'ada')
  assert.equal(accountName({ preferred_username: 7, name: '\u200b', email: 'a@example.com' }, 'subject'), 'a@example.com')
  assert.equal(accountName({}, 'subject'), 'subject')
  assert.equal(accountName({}, '\u200b'), 'unnamed')
  assert.equal(accountName({ name: 'ada' }, 'subject', 'Keycloak'), 'ada (Keycloak)')
  const long = accountName({ name: '😀'.repeat(200) }, 'subject', 'Keycloak!')
  assert.ok(long.length <= LIMITS.byLength && long.endsWith(' (Keycloak!)'), long)
  assert.doesNotThrow(() => encodeURIComponent(long), 'no half of a pair')
})
