import assert from 'node:assert/strict'
import type { AuditRecord, LinkRecord, SessionRecord, TokenRecord, UserRecord } from '../account-records.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { START_AT } from './records.ts'

const aUser = (id: string, fields: Partial<UserRecord> = {}): UserRecord => ({
  ...{ id, name: id, passwordHash: '$argon2id$…', issuer: null, subject: null, epoch: 'e-1', revision: 1 },
  memberships: { '*': { role: 'admin', payloads: true, since: START_AT } },
  ...{ createdAt: START_AT, updatedAt: START_AT },
  ...fields,
})

const aSession = (id: string, fields: Partial<SessionRecord> = {}): SessionRecord => ({
  ...{ id, userId: 'ada', epoch: 'e-1', createdAt: START_AT, seenAt: START_AT, expiresAt: START_AT + 100 },
  ...fields,
})

const aToken = (id: string, fields: Partial<TokenRecord> = {}): TokenRecord => ({
  ...{ id, namespace: 'default', name: 'ci', hash: '0'.repeat(64), role: 'operator', payloads: 1, createdBy: 'ada', createdByName: 'Ada' },
  ...{ createdAt: START_AT, expiresAt: null, usedAt: null },
  ...fields,
})

const aLink = (id: string, fields: Partial<LinkRecord> = {}): LinkRecord => ({
  ...{ id, purpose: 'invite', userId: null, userEpoch: 'e-1', namespace: 'default', role: 'viewer', payloads: 0, createdBy: 'ada' },
  ...{ createdAt: START_AT, expiresAt: START_AT + 100, usedAt: null },
  ...fields,
})

const anAudit = (n: number, fields: Partial<AuditRecord> = {}): AuditRecord => ({
  ...{ id: `a-${n}`, namespace: 'default', at: START_AT + n, action: 'jobs.put', actorId: null, actor: 'ada', via: 'nats' },
  ...{ address: null, resource: 'report', requestId: null, outcome: 'done', details: { input: { name: 'report' } } },
  ...fields,
})

export const ACCOUNT_CASES: ConformanceCase[] = [
  {
    name: 'accounts: of two that insert one user the first creates it; a change needs the stored revision',
    async run({ accounts }) {
      const ada = aUser('ada')
      assert.equal(await accounts.insertUser(ada), 'created')
      assert.equal(await accounts.insertUser(aUser('ada', { name: 'Eve' })), 'duplicate')
      const next = aUser('ada', { passwordHash: null, issuer: 'https://id', subject: '7', memberships: {}, epoch: 'e-2', revision: 2 })
      assert.equal(await accounts.replaceUser(next, { revision: 2 }), 'refused')
      assert.equal(await accounts.replaceUser(next, { revision: 1 }), 'applied')
      assert.equal(await accounts.replaceUser(next, { revision: 1 }), 'refused')
      assert.deepEqual(await accounts.users(['nobody', 'ada']), [undefined, next])
      for (const id of ['bob', 'Zoe', 'constructor']) await accounts.insertUser(aUser(id))
      const listed = await allOf((cursor) => accounts.listUsers({ cursor, limit: 2 }))
      assert.deepEqual(
        listed.map(({ id }) => id),
        ['Zoe', 'ada', 'bob', 'constructor'],
      )
    },
  },
  {
    name: 'accounts: a session is read, seen later only, and removed',
    async run({ accounts }) {
      assert.equal(await accounts.insertSession(aSession('s-1')), 'created')
      assert.equal(await accounts.insertSession(aSession('s-1', { userId: 'eve' })), 'duplicate')
      assert.equal(await accounts.touchSession('s-1', START_AT), 'refused')
      assert.equal(await accounts.touchSession('s-1', START_AT + 5), 'applied')
      assert.equal(await accounts.touchSession('s-2', START_AT + 5), 'refused')
      assert.deepEqual(await accounts.session('s-1'), aSession('s-1', { seenAt: START_AT + 5 }))
      assert.equal(await accounts.removeSession('s-1'), 'applied')
      assert.equal(await accounts.removeSession('s-1'), 'refused')
      assert.equal(await accounts.touchSession('s-1', START_AT + 9), 'refused')
      assert.equal(await accounts.session('s-1'), undefined)
    },
  },
  {
    name: 'accounts: tokens are listed and removed in their namespace alone',
    async run({ accounts }) {
      for (const id of ['t-2', 't-1', 't-3']) assert.equal(await accounts.insertToken(aToken(id)), 'created')
      await accounts.insertToken(aToken('u-1', { namespace: 'other', expiresAt: START_AT + 7 }))
      assert.equal(await accounts.insertToken(aToken('t-1', { role: 'admin' })), 'duplicate')
      assert.equal(await accounts.touchToken('t-1', START_AT + 60), 'applied')
      assert.equal(await accounts.touchToken('t-1', START_AT + 30), 'refused')
      assert.equal((await accounts.token('t-1'))?.usedAt, START_AT + 60)
      assert.equal(await accounts.removeToken({ id: 't-2', namespace: 'other' }), 'refused')
      assert.equal(await accounts.removeToken({ id: 't-2', namespace: 'default' }), 'applied')
      const listed = await allOf((cursor) => accounts.listTokens({ namespace: 'default', cursor, limit: 1 }))
      assert.deepEqual(
        listed.map(({ id }) => id),
        ['t-1', 't-3'],
      )
      assert.deepEqual(await accounts.token('u-1'), aToken('u-1', { namespace: 'other', expiresAt: START_AT + 7 }))
    },
  },
  {
    name: 'accounts: of 16 that take a link one has it, and nobody once it has expired',
    async run({ accounts }, context) {
      const stores = [accounts, (await context.openAnother()).accounts]
      await accounts.insertLink(aLink('l-1'))
      const outcomes = await Promise.all(range(16).map((n) => stores[n % 2]!.takeLink('l-1', START_AT + 1)))
      assert.equal(outcomes.filter((outcome) => outcome === 'applied').length, 1)
      assert.deepEqual(await accounts.link('l-1'), aLink('l-1', { usedAt: START_AT + 1 }))
      await accounts.insertLink(aLink('l-2'))
      assert.equal(await accounts.takeLink('l-2', START_AT + 100), 'refused')
      assert.equal(await accounts.takeLink('l-3', START_AT), 'refused')
      assert.equal(await accounts.link('l-3'), undefined)
    },
  },
  {
    name: 'accounts: what has expired is removed, and no token without an end',
    async run({ accounts }) {
      for (const n of range(3)) await accounts.insertSession(aSession(`s-${n}`, { expiresAt: START_AT + n }))
      await accounts.insertToken(aToken('t-1', { expiresAt: START_AT }))
      await accounts.insertToken(aToken('t-2'))
      await accounts.insertLink(aLink('l-1', { expiresAt: START_AT + 5 }))
      assert.equal(await accounts.removeExpired({ before: START_AT + 2, limit: 1 }), 2)
      assert.equal(await accounts.removeExpired({ before: START_AT + 2, limit: 10 }), 1)
      assert.equal(await accounts.removeExpired({ before: START_AT + 2, limit: 10 }), 0)
      assert.ok((await accounts.session('s-2')) && (await accounts.token('t-2')) && (await accounts.link('l-1')))
    },
  },
  {
    name: 'audit: each record is kept once, and lists are newest first, by actor and action',
    async run({ audit }) {
      const records = range(8).map((n) => anAudit(n, { actor: n % 2 ? 'bob' : 'ada', action: n % 3 ? 'jobs.put' : 'runs.cancel' }))
      const outcomes = await audit.insert([...records, anAudit(9, { namespace: 'other', details: null })])
      assert.deepEqual(new Set(outcomes), new Set(['created']))
      assert.deepEqual(await audit.insert([anAudit(1, { actor: 'eve' })]), ['duplicate'])
      const read = (given: { actor?: string; action?: string }) =>
        allOf((cursor) => audit.list({ namespace: 'default', ...given, cursor, limit: 2 }))
      const newest = records.toReversed()
      assert.deepEqual(await read({}), newest)
      assert.deepEqual(
        await read({ actor: 'bob' }),
        newest.filter(({ actor }) => actor === 'bob'),
      )
      assert.deepEqual(
        await read({ action: 'runs.cancel' }),
        newest.filter(({ action }) => action === 'runs.cancel'),
      )
      assert.deepEqual(await read({ actor: 'eve' }), [])
      assert.equal(await audit.removeOlder({ before: START_AT + 3, limit: 2 }), 2)
      assert.equal(await audit.removeOlder({ before: START_AT + 3, limit: 2 }), 1)
      assert.equal((await read({})).length, 5)
    },
  },
]
