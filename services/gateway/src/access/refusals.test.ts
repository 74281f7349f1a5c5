/** What was refused is in the audit log, too. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '@carillon/runtime/testing'
import { startTestAccounts } from '../testing/test-accounts.ts'

const MEMBERS = '/api/v1/namespaces/default/members'

async function startWithViewer(t: TestContext) {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const vic = await accounts.member('vic', { role: 'viewer' })
  /** Each as a line. */
  const kept = async (namespace: string, action: string) =>
    (await accounts.store.audit.list({ namespace, action, limit: 100 })).items.map(
      ({ actor, resource, outcome }) => `${actor} ${resource} ${outcome}`,
    )
  return { accounts, admin, vic, kept }
}

test('a change that someone may not make is kept, where it was tried; what they may not read is not', async (t) => {
  const { admin, vic, kept } = await startWithViewer(t)
  assert.equal((await vic.ask(`POST ${MEMBERS}`, { role: 'admin' })).status, 403)
  assert.equal((await vic.ask(`GET ${MEMBERS}`)).status, 403)
  const { user } = (await admin.ask('GET /api/v1/session')).body
  assert.equal((await admin.ask(`DELETE /api/v1/namespaces/*/members/${user.id}`)).status, 409)
  const invite = 'vic POST /api/v1/namespaces/:namespace/members FORBIDDEN'
  await eventually('the refused invitation alone', async () => (await kept('default', 'access.refuse')).join() === invite)
  const last = 'ada DELETE /api/v1/namespaces/:namespace/members/:id LAST_ADMIN'
  await eventually('the refused removal', async () => (await kept('*', 'access.refuse')).join() === last)
})

test('a program that repeats what it may not do fills no log', async (t) => {
  const { accounts, vic, kept } = await startWithViewer(t)
  for (let n = 0; n < 25; n++) await vic.ask(`POST ${MEMBERS}`, { role: 'admin' })
  await eventually('20 records', async () => (await kept('default', 'access.refuse')).length === 20)
  accounts.clock.standStill(60_000)
  await vic.ask(`POST ${MEMBERS}`, { role: 'admin' })
  await eventually('21 records', async () => (await kept('default', 'access.refuse')).length === 21)
})

test('a wrong password at a sign-in and at a change of it is kept', async (t) => {
  const { accounts, vic, kept } = await startWithViewer(t)
  await accounts.browser().ask('POST /api/v1/session', { name: 'vic', password: 'wrong' })
  await vic.ask('POST /api/v1/session/password', { old: 'wrong', new: 'another horse battery' })
  assert.deepEqual(await kept('*', 'session.begin'), ['vic null SIGN_IN_REFUSED'])
  assert.deepEqual(await kept('*', 'session.password'), [`vic ${vic.id} SIGN_IN_REFUSED`])
})
