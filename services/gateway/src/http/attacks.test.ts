/** What people try who mean no good, against a server of the same code as a gateway's. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { eventually } from '@carillon/runtime/testing'
import { startTestServer } from '../testing/test-server.ts'
import type { Route } from './http-controller.ts'

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

test('a small body that unpacks to 100 MB is refused', async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const post = async (body: Buffer) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    return (await server.fetch(THING, { method: 'POST', body: gzipSync(body), headers })).status
  }
  assert.equal(await post(Buffer.from('{}')), 200)
  assert.equal(await post(Buffer.alloc(100 * MIB, ' ')), 413)
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

test('a request that never ends is ended', { timeout: 60_000 }, async (t) => {
  const server = await startTestServer(t, { routes: [echo()] })
  const slow = open(t, server.port)
  slow.write(`POST ${THING} HTTP/1.1\r\nHost: localhost\r\n`)
  let count = 0
  const dripping = setInterval(() => void slow.write(`X-${count++}: a\r\n`), 500)
  t.after(() => clearInterval(dripping))
  await eventually('the connection is closed', () => slow.closed || slow.destroyed, { withinMs: 20_000 })
  assert.match(slow.text, /^HTTP\/1.1 408[\s\S]*REQUEST_TOO_SLOW/)
})
