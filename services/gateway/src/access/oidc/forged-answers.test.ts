/** What a provider or an attacker may answer, and no sign-in comes of it. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { FakeIssuer, type Forgery } from '../../testing/fake-issuer.ts'
import { NavigatingBrowser } from '../../testing/navigating-browser.ts'
import { startTestAccounts, type TestAccounts } from '../../testing/test-accounts.ts'
import { PROVIDER_SETTINGS } from '../../testing/test-provider.ts'

const OIDC = '/api/v1/session/oidc'
const HOUR_S = 3_600

async function startBoth(t: TestContext, options: Parameters<typeof startTestAccounts>[1] = {}) {
  const issuer = await FakeIssuer.start(t)
  const accounts = await startTestAccounts(t, { provider: { ...PROVIDER_SETTINGS, issuer: issuer.url }, ...options })
  return { issuer, accounts }
}

/** A browser that has begun, and the address under which it comes back from the issuer. */
async function begin({ accounts, issuer }: { accounts: TestAccounts; issuer: FakeIssuer }, browser = new NavigatingBrowser()) {
  const { url } = await browser.go(accounts.server.url + OIDC, { until: ({ origin }) => origin === issuer.url })
  issuer.nonce = url.searchParams.get('nonce') ?? ''
  const state = url.searchParams.get('state') ?? ''
  const back = (fields: Record<string, string> = {}) => {
    const query = new URLSearchParams({ code: 'a code', state, ...fields })
    return `${accounts.server.url}${OIDC}/callback?${query}`
  }
  return { browser, asked: url.searchParams, back }
}

const isSignedIn = (browser: NavigatingBrowser, { server }: TestAccounts) => browser.cookie(server.url, /^carillon-\d+$/) !== undefined
const codeOf = ({ status, text }: { status: number; text: string }) => `${status} ${/<code>([A-Z_]+)<\/code>/.exec(text)?.[1]}`

test('a right answer signs in; the code is redeemed with the verifier of the challenge', async (t) => {
  const both = await startBoth(t)
  const { browser, asked, back } = await begin(both)
  assert.deepEqual(
    [asked.get('code_challenge_method'), asked.get('response_type'), asked.get('scope')],
    ['S256', 'code', 'openid profile groups'],
  )
  const page = await browser.go(back())
  assert.equal(page.url.pathname, '/')
  assert.equal(isSignedIn(browser, both.accounts), true)
  const [sent] = both.issuer.redeemed
  assert.deepEqual([sent?.get('code'), sent?.get('redirect_uri')], ['a code', `${both.accounts.server.url}${OIDC}/callback`])
  const verifier = sent?.get('code_verifier') ?? ''
  assert.equal(createHash('sha256').update(verifier).digest('base64url'), asked.get('code_challenge'))
  for (const shown of [asked.get('state'), asked.get('nonce'), asked.get('code_challenge')])
    assert.ok(!browser.cookie(both.accounts.server.url, /./)?.includes(shown ?? '-'))
})

const now = () => Math.floor(Date.now() / 1_000)
const FORGED: Readonly<Record<string, () => Forgery>> = {
  'wrong nonce': () => ({ claims: { nonce: 'another' } }),
  'no nonce': () => ({ claims: { nonce: undefined } }),
  'wrong issuer': () => ({ claims: { iss: 'https://evil.example' } }),
  'wrong audience': () => ({ claims: { aud: 'another client' } }),
  'audience of several, authorized for another': () => ({ claims: { aud: ['carillon', 'evil'], azp: 'evil' } }),
  'no subject': () => ({ claims: { sub: undefined } }),
  expired: () => ({ claims: { iat: now() - 2 * HOUR_S, exp: now() - HOUR_S } }),
  'not valid yet': () => ({ claims: { nbf: now() + HOUR_S } }),
  'signed by another key': () => ({ foreignKey: true }),
  'signed by a key that is not shown': () => ({ foreignKey: true, header: { kid: 'other' } }),
  'alg none': () => ({ header: { alg: 'none' }, signature: '' }),
  'alg none, of a signature': () => ({ header: { alg: 'none' } }),
  'alg HS256': () => ({
    header: { alg: 'HS256' },
    signature: createHmac('sha256', 'a secret of the client').update('x').digest('base64url'),
  }),
  'signature cut off': () => ({ signature: '' }),
  'no ID token': () => ({ answer: { status: 200, body: { access_token: 'x', token_type: 'Bearer' } } }),
  'user of another subject': () => ({ claims: { groups: undefined }, userinfo: { sub: 'subject-2', groups: ['admins'] } }),
  'a client that the provider refuses': () => ({ answer: { status: 401, body: { error: 'invalid_client' } } }),
}

test('an answer that does not hold signs nobody in, whatever is wrong with it', async (t) => {
  const both = await startBoth(t)
  for (const [what, forgery] of Object.entries(FORGED)) {
    const { browser, back } = await begin(both)
    both.issuer.forgery = forgery()
    const page = await browser.go(back())
    assert.equal(codeOf(page), '502 PROVIDER_ANSWER_INVALID', `${what}: ${page.text}`)
    assert.equal(isSignedIn(browser, both.accounts), false, what)
    const [entry] = (await both.accounts.store.audit.list({ namespace: '*', limit: 1 })).items
    assert.deepEqual(
      [entry?.action, entry?.via, entry?.outcome, entry?.actorId],
      ['session.begin', 'provider', 'PROVIDER_ANSWER_INVALID', null],
    )
    both.accounts.clock.standStill(1)
  }
  assert.deepEqual((await both.accounts.store.accounts.listUsers({ limit: 5 })).items, [])
})

test('metadata of another issuer are refused', async (t) => {
  const both = await startBoth(t)
  both.issuer.metadata = { issuer: 'https://evil.example' }
  const page = await new NavigatingBrowser().go(both.accounts.server.url + OIDC)
  assert.equal(codeOf(page), '502 PROVIDER_ANSWER_INVALID')
})

test('the issuer of the answer in the address is compared, too', async (t) => {
  const both = await startBoth(t)
  both.issuer.metadata = { authorization_response_iss_parameter_supported: true }
  const first = await begin(both)
  assert.equal(codeOf(await first.browser.go(first.back({ iss: 'https://evil.example' }))), '502 PROVIDER_ANSWER_INVALID')
  const second = await begin(both)
  assert.equal(codeOf(await second.browser.go(second.back())), '502 PROVIDER_ANSWER_INVALID')
  const third = await begin(both)
  assert.equal((await third.browser.go(third.back({ iss: both.issuer.url }))).url.pathname, '/')
})

test('who has not begun in this browser is not signed in: no cookie, or that of another sign-in', async (t) => {
  const both = await startBoth(t)
  const attacker = await begin(both)
  const victim = new NavigatingBrowser()
  assert.equal(codeOf(await victim.go(attacker.back())), '410 SIGN_IN_EXPIRED')
  const own = await begin(both, victim)
  assert.equal(codeOf(await victim.go(attacker.back())), '410 SIGN_IN_EXPIRED')
  assert.equal(isSignedIn(victim, both.accounts), false)
  const again = await begin(both, victim)
  for (const state of ['', 'x', `${'x'.repeat(43)}`]) assert.equal(codeOf(await victim.go(again.back({ state }))), '410 SIGN_IN_EXPIRED')
  assert.equal(codeOf(await victim.go(`${again.back()}&state=x`)), '410 SIGN_IN_EXPIRED')
  assert.ok(own)
  assert.deepEqual(both.issuer.redeemed, [], 'the provider was not asked')
  assert.deepEqual(
    (await both.accounts.store.audit.list({ namespace: '*', limit: 5 })).items,
    [],
    'what pages of others can send fills no log',
  )
})

test('an answer counts once, also at another gateway, and when the provider would take its code twice', async (t) => {
  const both = await startBoth(t)
  const { browser, back } = await begin(both)
  const cookies = new Map(browser.cookies.get(both.accounts.server.url))
  assert.equal((await browser.go(back())).url.pathname, '/')
  assert.equal(codeOf(await browser.go(back())), '410 SIGN_IN_EXPIRED')
  const copy = new NavigatingBrowser()
  copy.cookies.set(both.accounts.server.url, cookies)
  const replayed = await copy.go(back())
  assert.match(replayed.text, /SIGN_IN_EXPIRED<\/code> The sign-in is completed already/)
  assert.equal(isSignedIn(copy, both.accounts), false)
})

test('a code that was used at the provider is refused', async (t) => {
  const both = await startBoth(t)
  const { browser, back } = await begin(both)
  both.issuer.forgery = { answer: { status: 400, body: { error: 'invalid_grant', error_description: '<img src=x onerror=alert(1)>' } } }
  const page = await browser.go(back())
  assert.equal(codeOf(page), '410 SIGN_IN_EXPIRED')
  assert.ok(!page.text.includes('<img'))
})

test('a page of another site to return to is refused, at once', async (t) => {
  const { accounts, issuer } = await startBoth(t)
  const places = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/%09/..//evil.example/..//x',
  ]
  const more = [
    'javascript:alert(1)',
    'runs',
    '/..//evil.example',
    '/api/v1/session/oidc',
    '/a\r\nset-cookie: x=y',
    `/${'x'.repeat(1_000)}`,
    '/ü',
  ]
  for (const place of [...places, ...more]) {
    const page = await new NavigatingBrowser().go(`${accounts.server.url}${OIDC}?return=${encodeURIComponent(place)}`, {
      until: ({ origin }) => origin === issuer.url,
    })
    assert.equal(codeOf(page), '400 INVALID_REQUEST', place)
  }
  const twice = await new NavigatingBrowser().go(`${accounts.server.url}${OIDC}?return=/a&return=//evil.example`)
  assert.equal(codeOf(twice), '400 INVALID_REQUEST')
})

test('rotated keys count at once', async (t) => {
  const both = await startBoth(t)
  for (let n = 0; n < 3; n++) {
    const { browser, back } = await begin(both)
    both.issuer.rotate()
    assert.equal((await browser.go(back())).url.pathname, '/', `rotation ${n}`)
  }
})

test('a provider that is down keeps nobody from a password; it is tried again by the next one', async (t) => {
  const both = await startBoth(t)
  both.issuer.forgery = { answer: { status: 503, body: {} } }
  both.issuer.metadata = { token_endpoint: 'http://127.0.0.1:1/' }
  const { browser, back } = await begin(both)
  assert.equal(codeOf(await browser.go(back())), '503 PROVIDER_UNAVAILABLE')
  const down = await startTestAccounts(t, { provider: { ...PROVIDER_SETTINGS, issuer: 'http://127.0.0.1:1' } })
  const program = await down.browser().ask(`GET ${OIDC}`)
  assert.deepEqual([program.status, program.body.code, program.body.retry], [503, 'PROVIDER_UNAVAILABLE', true])
  await down.admin()
  assert.equal((await down.browser().ask('POST /api/v1/session', { name: 'ada', password: 'correct horse battery' })).status, 204)
  both.issuer.metadata = {}
  both.issuer.forgery = {}
  const again = await begin(both)
  assert.equal((await again.browser.go(again.back())).url.pathname, '/')
})

test('forged answers are slowed down by address', async (t) => {
  const both = await startBoth(t)
  both.issuer.forgery = { foreignKey: true }
  const codes: string[] = []
  for (let n = 0; n < 21; n++) {
    const { browser, back } = await begin(both)
    codes.push(codeOf(await browser.go(back())))
  }
  assert.deepEqual([new Set(codes.slice(0, 20)).size, codes[0], codes[20]], [1, '502 PROVIDER_ANSWER_INVALID', '429 RATE_LIMITED'])
})

test('an e-mail address gives a role only when it is verified', async (t) => {
  const roles = [{ value: 'olga@example.com', namespace: 'default', role: 'viewer', payloads: false }] as const
  const issuer = await FakeIssuer.start(t)
  const accounts = await startTestAccounts(t, { provider: { ...PROVIDER_SETTINGS, issuer: issuer.url, claim: 'email', roles } })
  const codes: string[] = []
  for (const claims of [{ email: 'olga@example.com' }, { email: 'olga@example.com.evil.example', email_verified: true }]) {
    const { browser, back } = await begin({ issuer, accounts })
    issuer.forgery = { claims, userinfo: { sub: 'subject-1' } }
    codes.push(codeOf(await browser.go(back())))
  }
  assert.deepEqual(codes, ['401 SIGN_IN_REFUSED', '401 SIGN_IN_REFUSED'])
  const { browser, back } = await begin({ issuer, accounts })
  issuer.forgery = { claims: { email: 'olga@example.com', email_verified: true } }
  assert.equal((await browser.go(back())).url.pathname, '/')
})

test('without a provider the routes say so', async (t) => {
  const accounts = await startTestAccounts(t)
  assert.equal((await accounts.browser().ask(`GET ${OIDC}`)).body.code, 'HTTP_ROUTE_NOT_FOUND')
  assert.equal((await accounts.browser().ask('GET /api/v1/session/ways')).body.oidc, undefined)
})

test('by https all cookies of a sign-in are Secure and of this host alone', async (t) => {
  const { accounts } = await startBoth(t, { origin: 'https://carillon.example.com' })
  const response = await fetch(accounts.server.url + OIDC, { redirect: 'manual' })
  assert.match(
    response.headers.get('set-cookie') ?? '',
    /^__Host-carillon-oidc=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  )
  const location = new URL(response.headers.get('location') ?? '')
  assert.equal(location.searchParams.get('redirect_uri'), 'https://carillon.example.com/api/v1/session/oidc/callback')
})
