/** What people try who mean no good, or no more than they may, with accounts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretOf, startTestAccounts, type TestBrowser } from '../testing/test-accounts.ts'

const MEMBERS = '/api/v1/namespaces/default/members'
const TOKENS = '/api/v1/namespaces/default/tokens'

const code = ({ status, body }: { status: number; body: { code?: string } }) => `${status} ${body?.code}`

test('nobody gets a higher role by themselves', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const developer = await accounts.member('dev', { role: 'developer' })
  const other = await accounts.member('eve', { role: 'admin', namespace: 'other' })
  const adminToken = (await admin.ask(`POST ${TOKENS}`, { name: 'ci', role: 'admin', payloads: true })).body.token
  const byToken = { authorization: `Bearer ${adminToken}` }
  const program = accounts.browser()
  const attempts = [
    () => developer.ask(`POST ${TOKENS}`, { name: 'x', role: 'admin' }),
    () => developer.ask(`PUT ${MEMBERS}/${developer.id}`, { role: 'admin' }),
    () => developer.ask(`POST ${MEMBERS}`, { role: 'admin' }),
    () => developer.ask(`GET ${MEMBERS}`),
    () => developer.ask(`GET ${TOKENS}`),
    () => other.ask(`PUT ${MEMBERS}/${developer.id}`, { role: 'admin' }),
    () => other.ask('POST /api/v1/namespaces/*/members', { role: 'admin' }),
    () => other.ask('GET /api/v1/namespaces/*/members'),
    () => program.ask(`POST ${TOKENS}`, { name: 'x', role: 'viewer' }, byToken),
    () => program.ask(`POST ${MEMBERS}`, { role: 'viewer' }, byToken),
    () => program.ask(`PUT ${MEMBERS}/${developer.id}`, { role: 'admin' }, byToken),
    () => program.ask('GET /api/v1/namespaces/*/members', undefined, byToken),
    () => program.ask('POST /api/v1/session/password', { old: 'x', new: 'correct horse battery' }, byToken),
  ]
  for (const [n, attempt] of attempts.entries()) assert.equal(code(await attempt()), '403 FORBIDDEN', String(n))
  // An admin of one namespace does not set the password of an admin of another.
  const both = await admin.ask('POST /api/v1/namespaces/other/members', { role: 'viewer' })
  const given = { secret: secretOf(both.body.url), name: 'dev', password: 'correct horse battery' }
  assert.equal((await developer.ask('POST /api/v1/session/link', given)).status, 204)
  assert.equal(code(await other.ask(`POST /api/v1/namespaces/other/members/${developer.id}/reset`)), '403 FORBIDDEN')
  const reset = await admin.ask(`POST ${MEMBERS}/${developer.id}/reset`)
  const password = 'a third horse battery'
  assert.equal((await developer.ask('POST /api/v1/session/link', { secret: secretOf(reset.body.url), password })).status, 204)
  assert.equal((await developer.ask('POST /api/v1/session', { name: 'dev', password })).status, 204)
})

test('who may not see payloads lets nobody see them', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const blind = await accounts.member('blind', { role: 'admin', payloads: false })
  const dev = await accounts.member('dev', { role: 'developer' })
  const other = await accounts.member('other', { role: 'viewer', payloads: false })
  const attempts = [
    () => blind.ask(`PUT ${MEMBERS}/${blind.id}`, { role: 'admin', payloads: true }),
    () => blind.ask(`PUT ${MEMBERS}/${other.id}`, { role: 'viewer' }),
    () => blind.ask(`POST ${MEMBERS}`, { role: 'viewer' }),
    () => blind.ask(`POST ${TOKENS}`, { name: 'x', role: 'viewer', payloads: true }),
    () => blind.ask(`POST ${MEMBERS}/${dev.id}/reset`),
  ]
  for (const [n, attempt] of attempts.entries()) assert.equal(code(await attempt()), '403 FORBIDDEN', String(n))
  assert.equal((await blind.ask(`POST ${MEMBERS}`, { role: 'viewer', payloads: false })).status, 201)
  assert.equal((await blind.ask(`POST ${MEMBERS}/${other.id}/reset`)).status, 201)
  // What the member has stays when the role changes.
  assert.equal((await blind.ask(`PUT ${MEMBERS}/${dev.id}`, { role: 'operator', payloads: true })).body.payloads, true)
  await admin.ask(`PUT ${MEMBERS}/${other.id}`, { role: 'admin', payloads: true })
  await other.ask('POST /api/v1/session', { name: 'other', password: 'correct horse battery' })
  const { url } = (await other.ask(`POST ${MEMBERS}`, { role: 'viewer', payloads: true })).body
  await admin.ask(`PUT ${MEMBERS}/${other.id}`, { role: 'admin', payloads: false })
  const use = { secret: secretOf(url), name: 'new', password: 'correct horse battery' }
  assert.equal(code(await accounts.browser().ask('POST /api/v1/session/link', use)), '410 LINK_INVALID')
})

test('a link for another password ends with the rights of who has made it, and with any change of the account', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const eve = await accounts.member('eve', { role: 'admin' })
  const dev = await accounts.member('dev', { role: 'developer' })
  const linkOf = async (by: TestBrowser) => secretOf((await by.ask(`POST ${MEMBERS}/${dev.id}/reset`)).body.url)
  const use = (secret: string) => accounts.browser().ask('POST /api/v1/session/link', { secret, password: 'one that eve knows' })
  const joinOther = async () => {
    const { url } = (await admin.ask('POST /api/v1/namespaces/other/members', { role: 'admin' })).body
    const given = { secret: secretOf(url), name: 'dev', password: 'correct horse battery' }
    assert.equal((await dev.ask('POST /api/v1/session/link', given)).status, 204)
  }
  const early = await linkOf(eve)
  await joinOther()
  assert.equal(code(await use(early)), '410 LINK_INVALID', 'it would lead to another namespace')
  const [first, second] = [await linkOf(admin), await linkOf(admin)]
  assert.equal((await use(first)).status, 204)
  assert.equal(code(await use(second)), '410 LINK_INVALID', 'the password was changed since')
  await admin.ask(`DELETE /api/v1/namespaces/other/members/${dev.id}`)
  const late = await linkOf(eve)
  await admin.ask(`PUT ${MEMBERS}/${eve.id}`, { role: 'viewer' })
  assert.equal(code(await use(late)), '410 LINK_INVALID', 'eve is no admin any more')
  assert.equal((await use(await linkOf(admin))).status, 204)
})

test('an invitation takes nobody else’s name, and ends with the rights of who has made it', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const eve = await accounts.member('eve', { role: 'admin' })
  const invite = async (by: TestBrowser) => secretOf((await by.ask(`POST ${MEMBERS}`, { role: 'admin' })).body.url)
  const use = (secret: string, name: string, password = 'some other password') =>
    accounts.browser().ask('POST /api/v1/session/link', { secret, name, password })
  const secret = await invite(eve)
  assert.equal(code(await use(secret, 'Ada')), '409 NAME_TAKEN')
  await admin.ask(`PUT ${MEMBERS}/${eve.id}`, { role: 'viewer' })
  assert.equal(code(await use(secret, 'mallory')), '410 LINK_INVALID')
  const good = await invite(admin)
  assert.equal((await use(good, 'zoe')).status, 204)
  assert.equal(code(await use(good, 'zoe two')), '410 LINK_INVALID')
})

test('a name has nothing that cannot be seen', async (t) => {
  const accounts = await startTestAccounts(t)
  const secret = secretOf(accounts.links[0] ?? '')
  for (const sign of ['\u200b', '\u202e', '\u3164', '\uffa0', '\u115f', '\u2800', '\u034f', '\ufe0f', '\u{e0041}']) {
    const refused = await accounts
      .browser()
      .ask('POST /api/v1/session/link', { secret, name: `a${sign}da`, password: 'correct horse battery' })
    assert.deepEqual([code(refused), refused.body.field], ['400 INVALID_REQUEST', 'name'], sign.codePointAt(0)?.toString(16))
  }
  const given = { secret, name: 'Zoë Müller-Ångström 李', password: 'correct horse battery' }
  assert.equal((await accounts.browser().ask('POST /api/v1/session/link', given)).status, 204)
})

test('guesses that are sent at the same moment are slowed down as those one after the other', async (t) => {
  const accounts = await startTestAccounts(t)
  await accounts.admin()
  const signIn = (password: string) => accounts.browser().ask('POST /api/v1/session', { name: 'ada', password })
  const codes = (await Promise.all(Array.from({ length: 30 }, (_, n) => signIn(`guess ${n}`)))).map(code)
  assert.equal(codes.filter((one) => one === '401 SIGN_IN_REFUSED').length, 5, codes.join())
  const refused = await signIn('correct horse battery')
  assert.deepEqual([code(refused), refused.headers.get('retry-after')], ['429 RATE_LIMITED', '1'])
  accounts.clock.standStill(1_000)
  assert.equal((await signIn('correct horse battery')).status, 204)
  // Nobody is kept out who signs in at the same moment with the right one.
  const right = await Promise.all(Array.from({ length: 8 }, () => signIn('correct horse battery')))
  assert.deepEqual(new Set(right.map(({ status }) => status)), new Set([204]))
})
