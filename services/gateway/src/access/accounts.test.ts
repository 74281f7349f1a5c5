/** Signing in, members and tokens, as browsers and programs see them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../http/http-controller.ts'
import { principalOf } from '../http/http-controller.ts'
import { secretOf, startTestAccounts, type TestBrowser, TRACE_URL } from '../testing/test-accounts.ts'

const MEMBERS = '/api/v1/namespaces/default/members'
const TOKENS = '/api/v1/namespaces/default/tokens'

/** Answers who asks. */
const whoAmI: Route = {
  ...{ method: 'POST', path: '/api/v1/namespaces/{namespace}/things', allowed: 'operator' },
  handle: async (request) => {
    const { kind, name, seesPayloads } = principalOf(request)
    return { body: { kind, name, payloads: seesPayloads('default') } }
  },
}
const THINGS = '/api/v1/namespaces/default/things'

const code = ({ status, body }: { status: number; body: { code?: string } }) => `${status} ${body?.code}`

test('the first link makes the admin of everything, once; other links of its kind are void then', async (t) => {
  const accounts = await startTestAccounts(t)
  const other = await startTestAccounts(t, { store: accounts.store })
  assert.deepEqual([accounts.links.length, other.links.length], [1, 1])
  assert.match(accounts.links[0] ?? '', /^http:\/\/127\.0\.0\.1:\d+\/#\/welcome\?secret=[\w-]{32}$/)
  const browser = accounts.browser()
  assert.equal((await browser.ask('GET /api/v1/session/ways')).body.isSetUp, false)
  const use = (link: string, fields: object = {}) =>
    browser.ask('POST /api/v1/session/link', { secret: secretOf(link), name: 'Ada', password: 'correct horse battery', ...fields })
  assert.equal(code(await use(accounts.links[0] ?? '', { password: 'short' })), '400 INVALID_REQUEST')
  assert.equal(code(await use(accounts.links[0] ?? '', { name: 'a\r\nx-evil: 1' })), '400 INVALID_REQUEST')
  assert.equal(code(await use('?secret=guess')), '410 LINK_INVALID')
  assert.equal((await use(accounts.links[0] ?? '')).status, 204)
  const { user, namespaces, traceUrl } = (await browser.ask('GET /api/v1/session')).body
  assert.deepEqual([user.name, user.kind, namespaces.default], ['Ada', 'user', { role: 'admin', payloads: true, approves: [] }])
  assert.equal(traceUrl, TRACE_URL)
  // Without signing in nobody learns the names of hosts.
  assert.equal('traceUrl' in (await accounts.browser().ask('GET /api/v1/session/ways')).body, false)
  for (const link of [...accounts.links, ...other.links]) assert.equal(code(await use(link)), '410 LINK_INVALID')
  assert.equal((await browser.ask('GET /api/v1/session/ways')).body.isSetUp, true)
  const third = await startTestAccounts(t, { store: accounts.store })
  assert.deepEqual(third.links, [])
})

test('of eight that use first links at the same moment one is the admin', async (t) => {
  const accounts = await startTestAccounts(t)
  const others = await Promise.all([1, 2, 3].map(() => startTestAccounts(t, { store: accounts.store })))
  const all = [accounts, ...others].flatMap((one) => [one, one])
  const outcomes = await Promise.all(
    all.map((one, n) => {
      const given = { secret: secretOf(one.links[0] ?? ''), name: `admin ${n}`, password: 'correct horse battery' }
      return one.browser().ask('POST /api/v1/session/link', given)
    }),
  )
  assert.equal(outcomes.filter(({ status }) => status === 204).length, 1, outcomes.map(code).join())
  assert.equal((await accounts.store.accounts.listUsers({ limit: 10 })).items.length, 1)
})

test('a link ends after a day', async (t) => {
  const accounts = await startTestAccounts(t)
  accounts.clock.standStill(24 * 3_600_000)
  await assert.rejects(accounts.admin(), /LINK_INVALID/)
})

test('name and password sign in; whatever is wrong, the answer is the same', async (t) => {
  const accounts = await startTestAccounts(t)
  await accounts.admin()
  const browser = accounts.browser()
  const signIn = (name: string, password: string) => browser.ask('POST /api/v1/session', { name, password })
  const wrong = [await signIn('ada', 'wrong'), await signIn('nobody', 'wrong')]
  const said = wrong.map(({ status, body: { code: theirs, detail } }) => [status, theirs, detail])
  assert.deepEqual(said[0], said[1])
  assert.equal(said[0]?.[0], 401)
  const nobody = await browser.ask('GET /api/v1/session')
  assert.deepEqual([code(nobody), nobody.headers.get('www-authenticate')], ['401 NOT_SIGNED_IN', 'Bearer'])
  assert.equal((await signIn(' ADA ', 'correct horse battery')).status, 204)
  assert.equal((await browser.ask('GET /api/v1/session')).status, 200)
})

test('an unknown name takes as long as a wrong password', async (t) => {
  const accounts = await startTestAccounts(t)
  await accounts.admin()
  const least: Record<string, number> = { ada: Number.POSITIVE_INFINITY, nobody: Number.POSITIVE_INFINITY }
  const ratio = () => Math.max(Number(least['ada']) / Number(least['nobody']), Number(least['nobody']) / Number(least['ada']))
  // Other work of the machine makes single times longer, and none shorter.
  for (let n = 0; n < 4 || (n < 40 && ratio() >= 3); n++)
    for (const name of ['ada', 'nobody']) {
      // Nothing is slowed down.
      accounts.clock.standStill(900_000)
      const begun = process.hrtime.bigint()
      assert.equal(code(await accounts.browser().ask('POST /api/v1/session', { name, password: 'wrong' })), '401 SIGN_IN_REFUSED')
      least[name] = Math.min(Number(least[name]), Number(process.hrtime.bigint() - begun))
    }
  assert.ok(ratio() < 3, JSON.stringify(least))
})

test('guessing is slowed down, for the account and for the address', async (t) => {
  const accounts = await startTestAccounts(t)
  await accounts.admin()
  const signIn = (name: string, password = 'wrong') => accounts.browser().ask('POST /api/v1/session', { name, password })
  for (let n = 0; n < 5; n++) assert.equal(code(await signIn('ada')), '401 SIGN_IN_REFUSED')
  assert.equal(code(await signIn('ada', 'correct horse battery')), '429 RATE_LIMITED')
  accounts.clock.standStill(1_000)
  assert.equal((await signIn('ada', 'correct horse battery')).status, 204)
  for (let n = 0; n < 15; n++) assert.equal(code(await signIn(`guess ${n}`)), '401 SIGN_IN_REFUSED')
  assert.equal(code(await signIn('one more')), '429 RATE_LIMITED')
})

test('a session is a cookie that scripts cannot read; one that was set before the sign-in is worth nothing after it', async (t) => {
  const accounts = await startTestAccounts(t, { routes: [whoAmI] })
  const admin = await accounts.admin()
  assert.match(admin.lastCookie, /^carillon-\d+=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
  const browser = accounts.browser()
  browser.cookie = `${admin.cookie?.split('=')[0]}=${'x'.repeat(43)}`
  const planted = browser.cookie
  await browser.ask('POST /api/v1/session', { name: 'ada', password: 'correct horse battery' })
  assert.notEqual(browser.cookie, planted)
  assert.equal((await browser.ask('GET /api/v1/session')).status, 200)
  const [before, announced] = [browser.cookie, accounts.announced.length]
  assert.equal((await browser.ask('DELETE /api/v1/session')).status, 204)
  assert.equal(browser.cookie, undefined)
  // Its open streams end, also at other gateways; a session that is not there changes nothing.
  assert.equal(accounts.announced.length, announced + 1)
  assert.equal((await browser.ask('DELETE /api/v1/session', undefined, { cookie: before ?? '' })).status, 204)
  assert.equal(accounts.announced.length, announced + 1)
  browser.cookie = before
  assert.equal(code(await browser.ask('GET /api/v1/session')), '401 NOT_SIGNED_IN')
  const twice = { cookie: `${admin.cookie}; ${admin.cookie?.split('=')[0]}=x` }
  assert.equal(code(await accounts.browser().ask('GET /api/v1/session', undefined, twice)), '401 NOT_SIGNED_IN')
})

test('by https the cookie is Secure and of this host alone', async (t) => {
  const accounts = await startTestAccounts(t, { origin: 'https://carillon.example.com' })
  assert.match((await accounts.admin()).lastCookie, /^__Host-carillon=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/)
})

test('a session expires when it is idle for a day, and after two weeks even when it is used', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const status = async () => (await admin.ask('GET /api/v1/session')).status
  for (let day = 0; day < 13; day++) {
    accounts.clock.standStill(23 * 3_600_000)
    assert.equal(await status(), 200, `day ${day}`)
    accounts.composed.cache.drop()
  }
  accounts.clock.standStill(40 * 3_600_000)
  assert.equal(await status(), 401)
})

test('pages of other origins change nothing with the cookie of who is signed in', async (t) => {
  const accounts = await startTestAccounts(t, { routes: [whoAmI] })
  const admin = await accounts.admin()
  const { url } = accounts.server
  const send = async (headers: Record<string, string>) => {
    const sent = { 'content-type': 'application/json', cookie: admin.cookie ?? '', ...headers }
    return (await fetch(url + THINGS, { method: 'POST', body: '{}', headers: sent })).status
  }
  assert.equal(await send({ 'sec-fetch-site': 'same-origin' }), 200)
  assert.equal(await send({ origin: url }), 200)
  for (const site of ['cross-site', 'same-site', 'none']) assert.equal(await send({ 'sec-fetch-site': site, origin: url }), 403, site)
  for (const origin of ['http://evil.example', 'null', `${url}.evil.example`]) assert.equal(await send({ origin }), 403, origin)
  assert.equal(await send({}), 403)
  assert.equal(await send({ 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }), 415)
  const signIn = { name: 'ada', password: 'correct horse battery' }
  const foreign = await accounts.browser().ask('POST /api/v1/session', signIn, { 'sec-fetch-site': 'cross-site' })
  assert.equal(code(foreign), '403 FOREIGN_REQUEST')
})

test('another password, another role and the removal end sessions at once', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const bob = await accounts.member('Bob', { role: 'viewer' })
  const elsewhere = accounts.browser()
  await elsewhere.ask('POST /api/v1/session', { name: 'bob', password: 'correct horse battery' })
  const change = (old: string) => bob.ask('POST /api/v1/session/password', { old, new: 'another horse battery' })
  assert.equal(code(await change('wrong')), '401 SIGN_IN_REFUSED')
  assert.equal((await change('correct horse battery')).status, 204)
  assert.equal((await elsewhere.ask('GET /api/v1/session')).status, 401)
  assert.equal((await bob.ask('GET /api/v1/session')).status, 200)
  assert.equal((await admin.ask(`PUT ${MEMBERS}/${bob.id}`, { role: 'operator' })).body.role, 'operator')
  assert.equal((await bob.ask('GET /api/v1/session')).status, 401)
  await bob.ask('POST /api/v1/session', { name: 'bob', password: 'another horse battery' })
  assert.equal((await bob.ask('GET /api/v1/session')).body.namespaces.default.role, 'operator')
  assert.equal((await admin.ask(`DELETE ${MEMBERS}/${bob.id}`)).status, 204)
  assert.equal((await bob.ask('GET /api/v1/session')).status, 401)
  await bob.ask('POST /api/v1/session', { name: 'bob', password: 'another horse battery' })
  assert.deepEqual((await bob.ask('GET /api/v1/session')).body.namespaces, {})
})

test('a token does what it is for, and no more than its maker; it ends with the membership', async (t) => {
  const accounts = await startTestAccounts(t, { routes: [whoAmI] })
  const admin = await accounts.admin()
  const bob = await accounts.member('bob', { role: 'admin', payloads: false })
  const create = (browser: TestBrowser, fields: object) => browser.ask(`POST ${TOKENS}`, { name: 'ci', role: 'operator', ...fields })
  assert.equal(code(await create(bob, { payloads: true })), '403 FORBIDDEN')
  const made = await create(bob, { expiresInDays: 2 })
  assert.match(made.body.token, /^car_[0-9A-Za-z]{12}_[0-9A-Za-z]{39}$/)
  const program = accounts.browser()
  const use = (token: string, path = THINGS) => program.ask(`POST ${path}`, {}, { authorization: `Bearer ${token}` })
  const { token, id } = made.body
  assert.deepEqual((await use(token)).body, { kind: 'token', name: 'ci', payloads: false })
  assert.equal(code(await use(token, '/api/v1/namespaces/other/things')), '403 FORBIDDEN')
  assert.equal(code(await use(`${token.slice(0, -1)}${token.endsWith('x') ? 'y' : 'x'}`)), '401 NOT_SIGNED_IN')
  const listed = await admin.ask(`GET ${TOKENS}`)
  assert.equal(listed.body.items[0].createdBy.name, 'bob')
  for (const hidden of [token, token.slice(20), 'hash', 'argon2']) assert.ok(!listed.text.includes(hidden), hidden)
  // A smaller role of the maker is that of the token, too.
  await admin.ask(`PUT ${MEMBERS}/${bob.id}`, { role: 'viewer' })
  assert.equal(code(await use(token)), '403 FORBIDDEN')
  await admin.ask(`PUT ${MEMBERS}/${bob.id}`, { role: 'admin' })
  assert.equal((await use(token)).status, 200)
  // Who is removed and comes back does not bring former tokens along.
  await admin.ask(`DELETE ${MEMBERS}/${bob.id}`)
  assert.equal(code(await use(token)), '401 NOT_SIGNED_IN')
  accounts.clock.standStill(1)
  const again = await admin.ask(`POST ${MEMBERS}`, { role: 'admin' })
  const given = { secret: secretOf(again.body.url), name: 'bob', password: 'correct horse battery' }
  assert.equal((await bob.ask('POST /api/v1/session/link', given)).status, 204)
  assert.equal(code(await use(token)), '401 NOT_SIGNED_IN')
  const second = (await create(bob, { expiresInDays: 2 })).body
  assert.equal((await use(second.token)).status, 200)
  accounts.clock.standStill(2 * 86_400_000)
  assert.match((await use(second.token)).body.detail, /expired/)
  assert.equal((await (await startTestAccounts(t)).admin()).cookie === undefined, false)
  assert.ok(id)
})

test('a revoked token is refused at once, and only its own namespace revokes it', async (t) => {
  const accounts = await startTestAccounts(t, { routes: [whoAmI] })
  const admin = await accounts.admin()
  const { token, id } = (await admin.ask(`POST ${TOKENS}`, { name: 'ci', role: 'operator' })).body
  const use = () => accounts.browser().ask(`POST ${THINGS}`, {}, { authorization: `Bearer ${token}` })
  assert.equal((await use()).status, 200)
  assert.equal(code(await admin.ask(`DELETE /api/v1/namespaces/other/tokens/${id}`)), '404 TOKEN_NOT_FOUND')
  assert.equal((await use()).status, 200)
  assert.equal((await admin.ask(`DELETE ${TOKENS}/${id}`)).status, 204)
  assert.equal(code(await use()), '401 NOT_SIGNED_IN')
})

test('the last admin stays', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const { user } = (await admin.ask('GET /api/v1/session')).body
  const everyone = `/api/v1/namespaces/*/members/${user.id}`
  assert.equal(code(await admin.ask(`DELETE ${everyone}`)), '409 LAST_ADMIN')
  assert.equal(code(await admin.ask(`PUT ${everyone}`, { role: 'developer' })), '409 LAST_ADMIN')
  assert.equal(code(await admin.ask(`DELETE ${MEMBERS}/${user.id}`)), '404 MEMBER_NOT_FOUND')
  const second = await accounts.member('second', { role: 'admin', namespace: '*' })
  const outcomes = await Promise.all([admin.ask(`DELETE /api/v1/namespaces/*/members/${second.id}`), second.ask(`DELETE ${everyone}`)])
  assert.ok(
    outcomes.some(({ status }) => status !== 204),
    outcomes.map(code).join(),
  )
  const left = (await accounts.store.accounts.listUsers({ limit: 5 })).items.filter(({ memberships }) => memberships['*']?.role === 'admin')
  assert.ok(left.length >= 1)
})

test('no answer holds a hash or a secret', async (t) => {
  const accounts = await startTestAccounts(t)
  const admin = await accounts.admin()
  const bob = await accounts.member('bob', { role: 'viewer' })
  const { token } = (await admin.ask(`POST ${TOKENS}`, { name: 'ci', role: 'viewer' })).body
  const answers = [
    await admin.ask('GET /api/v1/session'),
    await admin.ask(`GET ${MEMBERS}`),
    await admin.ask(`GET ${MEMBERS}/${bob.id}`),
    await admin.ask(`GET ${TOKENS}`),
    await admin.ask('GET /api/v1/namespaces'),
    await admin.ask('GET /api/v1/session/ways'),
  ]
  const kept = [...(await accounts.store.accounts.listUsers({ limit: 9 })).items].flatMap(({ passwordHash, epoch }) => [
    passwordHash,
    epoch,
  ])
  for (const { text, status } of answers) {
    assert.equal(status, 200)
    for (const secret of ['argon2', token, token.slice(17, 50), ...kept]) assert.ok(!text.includes(String(secret)), text)
  }
})
