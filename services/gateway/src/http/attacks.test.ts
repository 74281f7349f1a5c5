/** What people try who mean no good, against a server of the same code as a gateway's. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { eventually } from '@carillon/runtime/testing'
import { startTestServer } from '../testing/test-server.ts'
import type { Route } from './http-controller.ts'
import { REQUEST_TIMES } from './http-server.ts'

const THING = '/api/v1/namespaces/default/things/one'
const echo = (method: Route['method'] = 'POST', handle?: Route['handle']): Route => ({
  method,
  path: '/api/v1/namespaces/{namespace}/things/{name}',
  allowed: 'viewer',
  handle: handle ?? ((request) => Promise.resolve({ body: { params: request.params, query: request.query, given: request.body ?? null } })),
})
const MIB = 1024 * 1024

/** An open connection, which ends with the test. */
function open(t: TestContext, port: number): Socket & { text: string } {
  const socket = Object.assign(connect(port, '127.0.0.1'), { text: '' })
  socket.on('data', (data) => {
    socket.text += data.toString()
  })
  socket.on('error', () => undefined)
  t.after(() => void socket.destroy())
  return socket
}

test('100 MB are refused before they are read, with a length and without', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const head = `POST ${THING} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  const before = process.memoryUsage().rss
  const named = open(t, server.port)
  // Not a byte of the body is sent.
  named.write(`${head}Content-Length: ${100 * MIB}\r\n\r\n`)
  await eventually('a refusal', () => named.text.includes('REQUEST_TOO_LARGE'))
  assert.match(named.text, /^HTTP\/1.1 413/)
  const chunked = open(t, server.port)
  chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
  const chunk = Buffer.concat([Buffer.from(`${(64 * 1024).toString(16)}\r\n`), Buffer.alloc(64 * 1024, 32), Buffer.from('\r\n')])
  let sent = 0
  while (sent < 100 * MIB && !chunked.text.includes('413') && !chunked.destroyed) {
    if (!chunked.write(chunk))
      await Promise.race([
        new Promise((resolve) => chunked.once('drain', resolve)),
        new Promise((resolve) => chunked.once('close', resolve)),
        new Promise((resolve) => chunked.once('data', resolve)),
      ])
    sent += chunk.length
  }
  await eventually('a refusal', () => chunked.text.includes('REQUEST_TOO_LARGE') || chunked.destroyed)
  assert.ok(sent < 20 * MIB, `${sent} bytes were taken`)
  assert.ok(process.memoryUsage().rss - before < 60 * MIB)
})

test('more connections than are allowed are closed, and those that are open still work', async (t) => {
  const server = await startTestServer(t, { maxConnections: 50, routes: [echo('GET')] })
  const first = open(t, server.port)
  await new Promise((resolve) => first.once('connect', resolve))
  const idle = Array.from({ length: 300 }, () => open(t, server.port))
  await eventually('the rest are closed', () => idle.filter(({ destroyed, closed }) => destroyed || closed).length >= 250)
  first.write(`GET ${THING} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await eventually('an answer', () => first.text.startsWith('HTTP/1.1 200'))
  for (const socket of [first, ...idle]) socket.destroy()
})

test('what two servers may read differently is refused', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const head = `POST ${THING} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  const smuggled = [
    `${head}Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}`,
    `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    `${head}Content-Length: -1\r\n\r\n{}`,
    `${head}Content-Length : 2\r\n\r\n{}`,
    `POST ${THING} HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n`,
    `POST ${THING} HTTP/1.1\r\n\r\n`,
    `${'x'.repeat(100)}\r\n\r\n`,
  ]
  for (const bytes of smuggled) {
    const answer = await server.send(bytes)
    assert.match(answer, /^HTTP\/1.1 400/, bytes.slice(-60))
    assert.doesNotMatch(answer, /node_modules|HPE_/)
  }
  const large = await server.send(`${head}X: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.match(large, /^HTTP\/1.1 431[\s\S]*REQUEST_TOO_LARGE/)
  const long = await server.send(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  assert.match(long, /^HTTP\/1.1 (431|414|404)/)
})

test('nothing of a request becomes a header or a line of its own', async (t) => {
  const failing = echo('GET', () => Promise.reject(new Error('no')))
  const server = await startTestServer(t, { level: 'debug', routes: [failing] })
  const name = 'one%0d%0aSet-Cookie:%20a=b%0a%7B%22level%22:60,%22msg%22:%22forged%22%7D'
  const answer = await server.send(
    `GET /api/v1/namespaces/default/things/${name} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a%0d%0ab\r\nUser-Agent: x\\n{"forged":1}\r\nConnection: close\r\n\r\n`,
  )
  const [head = ''] = answer.split('\r\n\r\n')
  assert.doesNotMatch(head, /set-cookie/i)
  for (const lines of server.logged) {
    assert.equal(lines.trim().split('\n').length, 1, lines)
    assert.notEqual(JSON.parse(lines).msg, 'forged')
  }
})

test('names that every object has mean nothing, in a path, a query and a body', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  const path = '/api/v1/namespaces/__proto__/things/constructor?__proto__[polluted]=1&constructor.prototype.polluted=1'
  const answered = await server.fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  assert.equal(answered.status, 200)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('a request that comes a byte at a time is ended, in its headers and in its body', async (t) => {
  const times = { headersMs: 400, wholeMs: 800, checkEveryMs: 50 }
  const server = await startTestServer(t, { routes: [echo()], times })
  const head = `POST ${THING} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  let count = 0
  const slow: [string, () => string][] = [
    [head, () => `X-${count++}: a\r\n`],
    [`${head}Content-Length: 100000\r\n\r\n`, () => ' '],
    [`${head}Transfer-Encoding: chunked\r\n\r\n`, () => '1\r\n \r\n'],
  ]
  const sockets = slow.map(([begin, next]) => {
    const socket = open(t, server.port)
    socket.write(begin)
    const dripping = setInterval(() => void socket.write(next()), 20)
    t.after(() => clearInterval(dripping))
    return socket
  })
  await eventually('the connections are closed', () => sockets.every(({ closed, destroyed }) => closed || destroyed))
  for (const { text } of sockets) assert.match(text, /^HTTP\/1.1 408[\s\S]*REQUEST_TOO_SLOW/)
  assert.deepEqual([REQUEST_TIMES.headersMs, REQUEST_TIMES.wholeMs], [10_000, 30_000])
})

test('a small body that becomes 100 MB is refused when it has become 1 MiB', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const params = { [constants.BROTLI_PARAM_QUALITY]: 1 }
  const spaces = Buffer.alloc(100 * MIB, 32)
  const bomb = { gzip: gzipSync(spaces, { level: 1 }), br: brotliCompressSync(spaces, { params }) }
  const before = process.memoryUsage().rss
  const send = (encoding: string, body: Buffer) =>
    server.fetch(THING, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    })
  for (const [encoding, body] of Object.entries(bomb)) {
    const refused = await send(encoding, body)
    assert.deepEqual([refused.status, (await refused.json()).code], [413, 'REQUEST_TOO_LARGE'], encoding)
  }
  assert.ok(process.memoryUsage().rss - before < 60 * MIB)
  const small = await send('gzip', gzipSync('{"a":1}'))
  assert.deepEqual((await small.json()).given, { a: 1 })
  for (const [encoding, body] of [
    ['gzip', Buffer.from('{"a":1}')],
    ['gzip, gzip', gzipSync(gzipSync('{"a":1}'))],
    ['zzz', Buffer.from('{}')],
  ] as const) {
    const refused = await send(encoding, body)
    assert.ok([400, 415].includes(refused.status), `${encoding}: ${refused.status}`)
    assert.match(refused.headers.get('content-type') ?? '', /problem\+json/)
  }
})

test('reading changes nothing, and no method or header stands for another one', async (t) => {
  const changed: string[] = []
  const change = (method: Route['method']) =>
    echo(method, (request) => {
      changed.push(`${method} ${JSON.stringify(request.body ?? null)}`)
      return Promise.resolve({ body: {} })
    })
  const server = await startTestServer(t, { routes: [change('POST'), change('DELETE')] })
  const overrides = { 'x-http-method-override': 'DELETE', 'x-method-override': 'POST', 'x-original-url': THING, 'x-rewrite-url': THING }
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PATCH', 'PUT'])
    assert.ok((await server.fetch(`${THING}?_method=DELETE`, { method, headers: overrides })).status >= 400, method)
  for (const line of [`TRACE ${THING}`, `GET http://elsewhere.example${THING}`, `POST\t${THING}`, `post ${THING}`])
    assert.doesNotMatch(await server.send(`${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 2/, line)
  assert.deepEqual(changed, [])
  await server.fetch(THING, { method: 'POST', headers: overrides })
  assert.deepEqual(changed, ['POST null'])
})

test('no answer is kept by what lies between, and none is taken for a page', async (t) => {
  const evil = '<img src=x onerror=alert(1)>'
  const server = await startTestServer(t, { routes: [echo('GET')] })
  for (const path of [
    `${THING}?a=${encodeURIComponent(evil)}`,
    `/api/v1/${encodeURIComponent(evil)}`,
    '/api/v1/%',
    `/hooks/${encodeURIComponent(evil)}/x`,
  ]) {
    const answer = await server.fetch(path)
    assert.equal(answer.headers.get('cache-control'), 'no-store', path)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', path)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/(problem\+)?json/, path)
  }
})

test('what a terminal or a reader of lines would obey is shown as text, in answers and in the log', async (t) => {
  const server = await startTestServer(t, { level: 'debug', routes: [echo('GET')] })
  const evil = encodeURIComponent('\u001b]0;x\u0007\u2028{"msg":"forged"}\u202e\u009b2J')
  const answer = await server.send(
    `GET /api/v1/${evil}?${evil} HTTP/1.1\r\nHost: ${evil}\r\nX-Request-Id: ${evil}\r\nUser-Agent: \u001b[31m\r\nConnection: close\r\n\r\n`,
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  const obeyed = /[\u001b\u0007\u009b\u2028\u202e]/
  assert.doesNotMatch(answer, obeyed)
  for (const line of server.logged) assert.doesNotMatch(line, obeyed)
})

test('parameters that are many, deep or there twice are refused by the route that reads them, and hold nothing up', async (t) => {
  const server = await startTestServer(t, { routes: [echo('GET')] })
  const many = Array.from({ length: 3_000 }, (_, i) => `a${i}=${i}`).join('&')
  for (const query of [many.slice(0, 12_000), `${'a[b]'.repeat(1_000)}=1`, 'a=1&a=2', '%', `a=${'%'.repeat(5_000)}`, '&'.repeat(10_000)])
    assert.ok((await server.fetch(`${THING}?${query}`)).status < 500, query.slice(0, 20))
  assert.ok((await server.fetch(`/api/v1/namespaces/${'%2e'.repeat(3_000)}`)).status >= 400)
  assert.ok((await server.fetch(`/${'a/'.repeat(6_000)}`)).status < 500)
})
