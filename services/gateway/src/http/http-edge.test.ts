import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { startTestServer } from '../testing/test-server.ts'
import { type Access, principalOf, type Route } from './http-controller.ts'

const echo = (method: Route['method'] = 'POST'): Route => ({
  method,
  path: '/api/v1/namespaces/{namespace}/things/{name}',
  allowed: 'viewer',
  handle: (request) => Promise.resolve({ body: { params: request.params, given: request.body ?? null, id: request.id } }),
})
const THING = '/api/v1/namespaces/default/things/one'
const JSON_TYPE = { 'content-type': 'application/json' }

async function problem(response: Response): Promise<Record<string, unknown>> {
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
  const body = (await response.json()) as Record<string, unknown>
  assert.equal(body['status'], response.status)
  assert.doesNotMatch(JSON.stringify(body), /node_modules|\bat .*:\d+:\d+/)
  return body
}

test('an unknown path and a method that a path does not have are problems with codes', async (t) => {
  const server = await startTestServer(t, { routes: [echo('POST')] })
  for (const path of ['/api', '/api/v1/nothing', '/hooks/', '/missing.js']) {
    const { code, detail } = await problem(await server.fetch(path))
    assert.equal(code, 'HTTP_ROUTE_NOT_FOUND')
    assert.match(String(detail), new RegExp(path))
  }
  const refused = await server.fetch(THING, { method: 'PUT' })
  assert.equal(refused.headers.get('allow'), 'POST')
  assert.equal((await problem(refused))['code'], 'HTTP_METHOD_NOT_ALLOWED')
  assert.equal((await server.fetch('/nothing', { method: 'POST' })).status, 404)
  // A header that renames the method is read by nobody.
  assert.equal((await server.fetch(THING, { method: 'GET', headers: { 'x-http-method-override': 'POST' } })).status, 405)
})

test('bodies that cannot be read are refused with what is wrong', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const post = (body: string, headers: Record<string, string> = JSON_TYPE) => server.fetch(THING, { method: 'POST', body, headers })
  assert.deepEqual((await (await post('{"a":1}')).json()).given, { a: 1 })
  const refusals: [string, number, string, Record<string, string>?][] = [
    ['{"a":', 400, 'INVALID_JSON'],
    ['9007199254740993', 400, 'INTEGER_TOO_LARGE'],
    ['{}', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-type': 'text/plain' }],
    ['a=1', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['{}', 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-type': 'application/jsonp' }],
  ]
  for (const [body, status, code, headers] of refusals) {
    const refused = await post(body, headers)
    assert.deepEqual([refused.status, (await problem(refused))['code']], [status, code], body.slice(0, 20))
  }
})

test('with a token, what curl sends without being told a type is JSON', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: 'Bearer car_x' }
  const answered = await server.fetch(THING, { method: 'POST', body: '{"payload":{"day":1}}', headers })
  assert.deepEqual((await answered.json()).given, { payload: { day: 1 } })
})

test('a request has an id: its own if that is harmless, in the answer and in the log', async (t) => {
  const broken: Route = { ...echo('GET'), handle: () => Promise.reject(new Error('at /secret/path: the pool is empty')) }
  const server = await startTestServer(t, { routes: [broken] })
  for (const [given, isTaken] of [
    ['day-1', true],
    ['x'.repeat(65), false],
    ['a b', false],
    ['a;b', false],
    ['ä', false],
  ] as const) {
    const answered = await server.fetch(THING, { headers: { 'x-request-id': given } })
    const id = answered.headers.get('x-request-id') ?? ''
    assert.equal(id === given, isTaken, given)
    assert.match(id, /^[A-Za-z0-9-]{1,64}$/)
    const { code, detail } = await problem(answered)
    assert.equal(code, 'INTERNAL')
    assert.match(String(detail), new RegExp(id))
    assert.doesNotMatch(String(detail), /secret/)
    assert.match(server.logged.at(-1) ?? '', new RegExp(`"requestId":"${id}".*the pool is empty`))
  }
})

test('every answer has the headers that keep a browser from running what it was not meant to', async (t) => {
  const server = await startTestServer(t, { routes: [echo('GET')] })
  for (const path of [THING, '/', '/api/nothing', '/runs']) {
    const { headers } = await server.fetch(path)
    assert.match(headers.get('content-security-policy') ?? '', /script-src 'self'; style-src 'self';.*frame-ancestors 'none'/, path)
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('access-control-allow-origin'), null)
    assert.equal(headers.get('strict-transport-security'), null)
  }
  const encrypted = await startTestServer(t, { origin: 'https://carillon.example.com' })
  assert.match((await encrypted.fetch('/')).headers.get('strict-transport-security') ?? '', /max-age/)
})

test('on a loopback address only its own names are answered', async (t) => {
  const server = await startTestServer(t, { origin: 'https://carillon.example.com', routes: [echo('GET')] })
  const ask = (host: string) => server.send(`GET ${THING} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  for (const host of ['localhost:8420', '127.0.0.1', '[::1]:80', 'Carillon.example.com'])
    assert.match(await ask(host), /^HTTP\/1.1 200/, host)
  for (const host of ['evil.example.com', 'localhost.evil.example', '127.0.0.1.nip.io'])
    assert.match(await ask(host), /^HTTP\/1.1 421[\s\S]*HOST_UNKNOWN/, host)
})

test('pages of other origins may call where a setting names them', async (t) => {
  const server = await startTestServer(t, { corsOrigins: ['https://tools.example.com'], routes: [echo('GET')] })
  const allowed = async (origin: string) => (await server.fetch(THING, { headers: { origin } })).headers.get('access-control-allow-origin')
  assert.equal(await allowed('https://tools.example.com'), 'https://tools.example.com')
  assert.notEqual(await allowed('https://evil.example.com'), 'https://evil.example.com')
})

test('large answers are compressed', async (t) => {
  const large: Route = { ...echo('GET'), handle: () => Promise.resolve({ body: { text: 'x'.repeat(10_000) } }) }
  const server = await startTestServer(t, { routes: [large] })
  const answered = await server.fetch(THING, { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(answered.headers.get('content-encoding'), 'gzip')
  assert.equal((await answered.json()).text.length, 10_000)
})

test('the access is checked before a body is read, and says who asks', async (t) => {
  const checked: string[] = []
  const access: Access = {
    check: (request, route) => {
      checked.push(`${route.allowed} ${(request.params as Record<string, string>)['namespace']}`)
      if (request.headers.authorization === undefined) throw new CarillonError('INVALID_REQUEST', 'no')
      return Promise.resolve({
        kind: 'token',
        id: 't1',
        name: 'deploy',
        roleIn: () => 'viewer',
        approvesIn: () => [],
        seesPayloads: () => false,
      })
    },
  }
  const route: Route = { ...echo(), handle: (request) => Promise.resolve({ body: principalOf(request).name }) }
  const server = await startTestServer(t, { access, routes: [route] })
  const refused = await server.fetch(THING, { method: 'POST', body: '{', headers: JSON_TYPE })
  assert.equal((await problem(refused))['detail'], 'no')
  const answered = await server.fetch(THING, { method: 'POST', headers: { authorization: 'Bearer x' } })
  assert.equal(await answered.text(), 'deploy')
  assert.deepEqual(checked, ['viewer default', 'viewer default'])
})

test('who asks is the address of the connection, whatever a header says of it', async (t) => {
  const route: Route = { ...echo(), method: 'GET', allowed: 'anyone', handle: (request) => Promise.resolve({ body: { ip: request.ip } }) }
  const access: Access = { check: () => Promise.resolve(undefined) }
  const server = await startTestServer(t, { anonymousRequestsPerSecond: 1, access, routes: [route] })
  const ask = async (i: number) => {
    const from = `10.0.0.${i}`
    const headers = { 'x-forwarded-for': from, 'x-real-ip': from, forwarded: `for=${from}`, 'true-client-ip': from }
    const answer = await server.fetch(THING, { headers })
    return answer.status === 200 ? (await answer.json()).ip : answer.status
  }
  const answers: unknown[] = []
  for (let i = 0; i < 12; i++) answers.push(await ask(i))
  assert.deepEqual([...new Set(answers)], ['127.0.0.1', 429])
})

test('a client that sends too much is refused for some seconds, and another one is not', async (t) => {
  const access: Access = {
    check: (request) => {
      const id = request.headers.authorization
      if (id === undefined) throw new CarillonError('INVALID_REQUEST', 'not signed in')
      return Promise.resolve({ kind: 'token', id, name: id, roleIn: () => 'viewer', approvesIn: () => [], seesPayloads: () => false })
    },
  }
  const server = await startTestServer(t, { access, requestsPerSecond: 1, anonymousRequestsPerSecond: 1, routes: [echo('GET')] })
  const statusOf = async (headers: Record<string, string>) => (await server.fetch(THING, { headers })).status
  for (let i = 0; i < 10; i++) assert.equal(await statusOf({ authorization: 'one' }), 200)
  const refused = await server.fetch(THING, { headers: { authorization: 'one' } })
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  assert.equal(refused.headers.get('ratelimit-remaining'), '0')
  assert.deepEqual([(await problem(refused))['code'], await statusOf({ authorization: 'two' })], ['RATE_LIMITED', 200])
  for (let i = 0; i < 10; i++) assert.equal(await statusOf({}), 400)
  assert.equal(await statusOf({}), 429)
})

test('who has a network of IPv6 is one client, whichever of its addresses is used', async (t) => {
  const open: Route = { ...echo('GET'), allowed: 'anyone' }
  const access: Access = { check: async () => undefined }
  const server = await startTestServer(t, { access, anonymousRequestsPerSecond: 1, proxies: ['127.0.0.1'], routes: [open] })
  const statusFrom = async (address: string) => (await server.fetch(THING, { headers: { 'x-forwarded-for': address } })).status
  for (let i = 0; i < 10; i++) assert.equal(await statusFrom(`2001:db8:0:1::${i}`), 200)
  assert.deepEqual(
    [await statusFrom('2001:db8:0:1:ffff::1'), await statusFrom('2001:db8:0:2::1'), await statusFrom('::ffff:192.0.2.1')],
    [429, 200, 200],
  )
  for (let i = 0; i < 9; i++) assert.equal(await statusFrom('192.0.2.1'), 200)
  assert.equal(await statusFrom('192.0.2.1'), 429)
})
