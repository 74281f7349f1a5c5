/** Sign-in through a real provider of identities, oidc-provider, in a process of its own. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { NavigatingBrowser } from '../../testing/navigating-browser.ts'
import { startTestAccounts, type TestAccounts } from '../../testing/test-accounts.ts'
import { startTestProvider, type TestProvider } from '../../testing/test-provider.ts'

let provider: TestProvider
before(async () => {
  provider = await startTestProvider()
})
after(() => provider.stop())

const isCallback = ({ pathname }: URL) => pathname === '/api/v1/session/oidc/callback'

/** Begins at the gateway and signs in at the provider. */
async function arrive({ server }: Pick<TestAccounts, 'server'>, name: string, page = '') {
  const browser = new NavigatingBrowser()
  const shown = await browser.go(`${server.url}/api/v1/session/oidc${page}`)
  return { browser, page: await browser.pass(shown, name) }
}

/** The session of a browser, as the console reads it. */
async function sessionOf({ server }: TestAccounts, browser: NavigatingBrowser) {
  const cookie = browser.cookie(new URL(server.url).origin, /^carillon-\d+$/) ?? ''
  const response = await fetch(`${server.url}/api/v1/session`, { headers: { cookie } })
  return { status: response.status, cookie, ...(await response.json()) }
}

test('someone signs in for the first time, and gets the roles of the groups; the second time it is the same account', async (t) => {
  await provider.putInto('olga', ['ops', 'others'])
  const accounts = await startTestAccounts(t, { provider: provider.settings })
  assert.deepEqual((await accounts.browser().ask('GET /api/v1/session/ways')).body.oidc, { name: 'Test Provider' })
  const first = await arrive(accounts, 'olga', '?return=/n/default/runs%3Fstate=failed')
  assert.equal(first.page.url.pathname + first.page.url.search, '/n/default/runs?state=failed')
  const session = await sessionOf(accounts, first.browser)
  assert.deepEqual(session.namespaces, { default: { role: 'operator', payloads: false, approves: [] } })
  assert.deepEqual([session.user.name, session.user.kind], ['olga', 'user'])
  const origin = new URL(accounts.server.url).origin
  assert.equal(first.browser.cookie(origin, /oidc/), undefined)
  const second = await arrive(accounts, 'olga')
  assert.equal(second.page.url.pathname, '/')
  const again = await sessionOf(accounts, second.browser)
  assert.equal(again.user.id, session.user.id)
  assert.equal((await sessionOf(accounts, first.browser)).status, 200, 'nothing has changed: the other session goes on')
  const [stored] = await accounts.store.accounts.users([session.user.id])
  assert.deepEqual([stored?.issuer, stored?.subject, stored?.passwordHash], [provider.settings.issuer, 'olga', null])
})

test('another gateway completes what one has begun', async (t) => {
  await provider.putInto('olga', ['ops'])
  const one = await startTestAccounts(t, { provider: provider.settings })
  const other = await startTestAccounts(t, { provider: provider.settings, store: one.store })
  const browser = new NavigatingBrowser()
  const shown = await browser.go(`${one.server.url}/api/v1/session/oidc`)
  const back = await browser.pass(shown, 'olga', { until: isCallback })
  // As behind a proxy: the same host for the browser, another process. The address is that of the first, which the provider was named.
  const headers = { cookie: browser.cookie(one.server.url, /oidc/) ?? '', host: new URL(one.server.url).host }
  const status = await new Promise((resolve) => {
    request(other.server.url + back.url.pathname + back.url.search, { headers }, (response) => {
      response.resume()
      resolve([response.statusCode, response.headers['set-cookie']?.some((line) => /^carillon-\d+=[\w-]{43};/.test(line))])
    }).end()
  })
  assert.deepEqual(status, [303, true])
})

test('roles follow the groups at each sign-in, but for those that an admin has set here; sessions end with a change', async (t) => {
  await provider.putInto('rita', ['ops'])
  const accounts = await startTestAccounts(t, { provider: provider.settings })
  const admin = await accounts.admin()
  const first = await arrive(accounts, 'rita')
  const { user } = await sessionOf(accounts, first.browser)
  await provider.putInto('rita', ['admins'])
  const second = await arrive(accounts, 'rita')
  assert.deepEqual((await sessionOf(accounts, second.browser)).namespaces['*'], { role: 'admin', payloads: true, approves: [] })
  assert.equal((await sessionOf(accounts, first.browser)).status, 401)
  await provider.putInto('rita', ['ops'])
  const third = await arrive(accounts, 'rita')
  const member = `/api/v1/namespaces/default/members/${user.id}`
  assert.deepEqual((await admin.ask(`GET ${member}`)).body, {
    ...{ id: user.id, name: 'rita', role: 'operator', payloads: false, approves: [], signsInBy: 'provider', byProvider: true },
  })
  assert.equal((await admin.ask(`PUT ${member}`, { role: 'viewer', payloads: false })).body.byProvider, undefined)
  assert.equal((await sessionOf(accounts, third.browser)).status, 401)
  const fourth = await arrive(accounts, 'rita')
  assert.equal((await sessionOf(accounts, fourth.browser)).namespaces.default.role, 'viewer')
  assert.equal((await admin.ask(`POST ${member}/reset`)).body.code, 'FORBIDDEN')
  assert.equal((await admin.ask(`DELETE ${member}`)).status, 204)
  assert.equal((await sessionOf(accounts, fourth.browser)).status, 401)
  const { items } = await accounts.store.audit.list({ namespace: 'default', action: 'members.put', limit: 20 })
  const byProvider = items.filter(({ via }) => via === 'provider').map(({ details }) => details)
  assert.deepEqual(byProvider.at(-1), { before: null, after: { role: 'operator', payloads: false } })
})

test('whom no group gives a role is refused on a page, and no account is made; who had one loses it', async (t) => {
  await provider.putInto('vera', ['others'])
  const accounts = await startTestAccounts(t, { provider: provider.settings })
  await accounts.admin()
  const { page, browser } = await arrive(accounts, 'vera')
  assert.deepEqual([page.status, page.headers.get('content-type')], [401, 'text/html; charset=utf-8'])
  assert.match(page.text, /SIGN_IN_REFUSED<\/code> vera has no role here/)
  assert.equal(browser.cookie(accounts.server.url, /^carillon-\d+$/), undefined)
  assert.equal((await accounts.store.accounts.listUsers({ limit: 9 })).items.length, 1)
  const [refused] = (await accounts.store.audit.list({ namespace: '*', action: 'session.begin', limit: 5 })).items
  assert.deepEqual(
    [refused?.actor, refused?.outcome, refused?.details],
    ['vera', 'SIGN_IN_REFUSED', { issuer: provider.settings.issuer, subject: 'vera' }],
  )
  await provider.putInto('vera', ['ops'])
  const inside = await arrive(accounts, 'vera')
  assert.equal((await sessionOf(accounts, inside.browser)).status, 200)
  await provider.putInto('vera', [])
  assert.equal((await arrive(accounts, 'vera')).page.status, 401)
  assert.equal((await sessionOf(accounts, inside.browser)).status, 401)
})

test('a default role is for those whom no group gives one', async (t) => {
  await provider.putInto('vera', ['others'])
  await provider.putInto('olga', ['ops'])
  const defaultRole = { namespace: 'default', role: 'viewer', payloads: false } as const
  const accounts = await startTestAccounts(t, { provider: { ...provider.settings, defaultRole } })
  const roleOf = async (name: string) => (await sessionOf(accounts, (await arrive(accounts, name)).browser)).namespaces.default.role
  assert.deepEqual([await roleOf('vera'), await roleOf('olga')], ['viewer', 'operator'])
  // Nobody administers yet: the first link still makes the admin.
  assert.equal((await accounts.browser().ask('GET /api/v1/session/ways')).body.isSetUp, false)
  assert.equal((await (await accounts.admin()).ask('GET /api/v1/session')).body.namespaces['*'].role, 'admin')
})

test('a user of the provider with the name of a password account gets an account of its own, with another shown name', async (t) => {
  await provider.putInto('ada', ['ops'])
  const accounts = await startTestAccounts(t, { provider: provider.settings })
  const admin = await accounts.admin()
  const { user } = (await admin.ask('GET /api/v1/session')).body
  const session = await sessionOf(accounts, (await arrive(accounts, 'ada')).browser)
  assert.notEqual(session.user.id, user.id)
  assert.deepEqual([session.user.name, Object.keys(session.namespaces)], ['ada (Test Provider)', ['default']])
})

test('a session through the provider ends after its hours, even when it is used', async (t) => {
  await provider.putInto('olga', ['ops'])
  const accounts = await startTestAccounts(t, { provider: provider.settings })
  const { browser } = await arrive(accounts, 'olga')
  accounts.clock.standStill(11 * 3_600_000)
  assert.equal((await sessionOf(accounts, browser)).status, 200)
  accounts.clock.standStill(3_600_000)
  accounts.composed.cache.drop()
  assert.equal((await sessionOf(accounts, browser)).status, 401)
})

test('who declines at the provider is refused; a sign-in that takes too long is begun again', async (t) => {
  await provider.putInto('olga', ['ops'])
  const accounts = await startTestAccounts(t, { provider: provider.settings })
  const browser = new NavigatingBrowser()
  const shown = await browser.go(`${accounts.server.url}/api/v1/session/oidc`)
  const abort = /href="([^"]+\/abort)"/.exec(shown.text)?.[1] ?? ''
  const declined = await browser.go(new URL(abort, shown.url))
  assert.deepEqual([declined.status, /SIGN_IN_REFUSED<\/code> [^<]*access_denied/.test(declined.text)], [401, true])
  const slow = await browser.go(`${accounts.server.url}/api/v1/session/oidc`)
  accounts.clock.standStill(600_000)
  const late = await browser.pass(slow, 'olga')
  assert.deepEqual([late.status, /SIGN_IN_EXPIRED/.test(late.text)], [410, true])
})
