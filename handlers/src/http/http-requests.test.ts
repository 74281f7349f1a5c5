import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { HttpRequest } from '@carillon/contracts'
import { httpHandler } from './http-definition.ts'
import { answerWith, bodyOf, meshWith, serve } from './testing-server.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

test('method, headers and body arrive; status, some headers and the body come back', async (t) => {
  const bodies: string[] = []
  const server = await serve(t, async (request, to) => {
    bodies.push(await bodyOf(request))
    to.writeHead(201, { ...JSON_TYPE, etag: '"1"', 'x-powered-by': 'test' }).end('{"id":7}')
  })
  const { run } = meshWith(t)
  const posted = await run({ url: `${server.url}/orders?q=1`, method: 'POST', headers: { 'X-Tenant': 'acme' }, body: { cents: 900 } })
  const { durationMs, headers, ...rest } = posted.result
  assert.deepEqual(rest, { status: 201, body: { id: 7 }, truncated: false })
  assert.deepEqual(headers, { 'content-type': 'application/json', etag: '"1"' })
  assert.ok(durationMs >= 0)
  assert.equal((await run({ url: server.url, method: 'PUT', body: 'as it is', headers: { 'content-type': 'text/x' } })).state, 'succeeded')
  const [first, second] = server.requests
  assert.deepEqual(
    [first?.method, first?.url, first?.headers['x-tenant'], first?.headers['content-type']],
    ['POST', '/orders?q=1', 'acme', 'application/json'],
  )
  assert.match(first?.headers['user-agent'] ?? '', /^carillon\//)
  assert.deepEqual([second?.headers['content-type'], bodies], ['text/x', ['{"cents":900}', 'as it is']])
  assert.deepEqual(
    posted.logs.map(({ message }) => message),
    [`POST ${server.url}/orders answered 201`],
  )
})

test('bodies are unpacked, decoded by their charset, and are JSON only where they are', async (t) => {
  const pack = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
  const { run } = meshWith(t)
  for (const [encoding, packed] of Object.entries(pack)) {
    const server = await serve(t, answerWith(200, { ...JSON_TYPE, 'content-encoding': encoding }, packed('{"n":1}')))
    assert.deepEqual((await run({ url: server.url })).result.body, { n: 1 }, encoding)
    assert.equal((await run({ url: server.url, method: 'HEAD' })).result.body, '')
  }
  const latin = await serve(t, answerWith(200, { 'content-type': 'text/plain; charset=iso-8859-1' }, Buffer.from('é', 'latin1')))
  assert.equal((await run({ url: latin.url })).result.body, 'é')
  for (const text of ['{"n":', '{"n":12345678901234567890}', '['.repeat(70) + ']'.repeat(70)]) {
    const server = await serve(t, answerWith(200, JSON_TYPE, text))
    assert.equal((await run({ url: server.url })).result.body, text)
  }
  const none = await serve(t, answerWith(204, { 'content-encoding': 'gzip' }, ''))
  assert.equal((await run({ url: none.url })).result.status, 204)
  const odd = await serve(t, answerWith(200, { 'content-encoding': 'zstd' }, 'x'))
  assert.match((await run({ url: odd.url })).failure?.message ?? '', /packed as zstd/)
  const broken = await serve(t, answerWith(200, { 'content-encoding': 'gzip' }, 'no gzip'))
  assert.match((await run({ url: broken.url })).failure?.message ?? '', /incorrect header check/)
})

test('what is expected decides', async (t) => {
  const body = '{"state":"done","items":[{"id":1}],"list":["a"]}'
  const server = await serve(t, (request, to) => void to.writeHead(Number(request.url?.slice(1)), JSON_TYPE).end(body))
  const { run } = meshWith(t)
  const expecting = async (status: number, expect: HttpRequest['expect']) => {
    const ended = await run({ url: `${server.url}/${status}`, expect, redirects: 0 })
    return ended.state === 'succeeded' ? 'succeeded' : ended.failure?.message.slice(0, 160).replace(server.url, '')
  }
  assert.equal(await expecting(200, {}), 'succeeded')
  assert.equal(await expecting(404, { status: 404 }), 'succeeded')
  assert.equal(await expecting(302, { status: ['2xx', 302] }), 'succeeded')
  assert.equal(await expecting(301, { status: '3xx' }), 'succeeded')
  assert.equal(await expecting(201, { status: 200 }), `GET /201 answered 201, not 200: ${body}`)
  assert.equal(
    await expecting(302, { status: ['2xx', '404'].map((one) => (one === '404' ? 404 : '2xx')) }),
    `GET /302 answered 302, not 2xx or 404: ${body}`,
  )
  assert.equal(await expecting(200, { bodyContains: 'done', json: { state: 'done', 'items.0.id': 1, list: ['a'] } }), 'succeeded')
  assert.equal(await expecting(200, { bodyContains: 'failed' }), 'The body of GET /200 does not contain "failed"')
  assert.equal(await expecting(200, { json: { state: 'open' } }), 'state in the body of GET /200 is "done", not "open"')
  assert.equal(await expecting(200, { json: { 'items.1.id': 1 } }), 'items.1.id in the body of GET /200 is undefined, not 1')
  assert.equal(
    await expecting(200, { json: { 'constructor.name': 'Object' } }),
    'constructor.name in the body of GET /200 is undefined, not "Object"',
  )
})

test('what is retried, and when', async (t) => {
  const date = new Date(Date.now() + 7_200_000).toUTCString()
  const answers: Record<string, [number, Record<string, string>]> = {
    '/seconds': [429, { 'retry-after': '120' }],
    '/date': [503, { 'retry-after': date }],
    '/year': [503, { 'retry-after': '31536000' }],
    '/no-pause': [429, {}],
    '/odd-pause': [503, { 'retry-after': 'soon' }],
    '/error': [500, { 'retry-after': '120' }],
    '/missing': [404, {}],
    '/timeout': [408, {}],
  }
  const server = await serve(
    t,
    (request, to) => void to.writeHead(...(answers[request.url ?? ''] as [number, Record<string, string>])).end(),
  )
  const { mesh } = meshWith(t)
  const pausesOf = async (path: string) => {
    const started = mesh.clock.now()
    const run = await mesh.start(httpHandler, { url: server.url + path }, { attempts: 2, backoff: { type: 'fixed', delayMs: 1_000 } })
    await run.ended()
    return [run.reason, run.attempt, Math.round((mesh.clock.now() - started) / 1_000 / 10) * 10]
  }
  assert.deepEqual(await pausesOf('/seconds'), ['handler-error', 2, 120])
  assert.deepEqual(await pausesOf('/date'), ['handler-error', 2, 7_200])
  assert.deepEqual(await pausesOf('/year'), ['handler-error', 2, 86_400])
  for (const path of ['/no-pause', '/odd-pause', '/error', '/timeout'])
    assert.deepEqual(await pausesOf(path), ['handler-error', 2, 0], path)
  assert.deepEqual(await pausesOf('/missing'), ['non-retryable', 1, 0])
})

test('a server that is away is tried again', async (t) => {
  const { run } = meshWith(t)
  const ended = await run({ url: 'http://127.0.0.1:9/' }, 2)
  assert.deepEqual([ended.state, ended.reason, ended.attempt], ['failed', 'handler-error', 2])
  assert.match(ended.failure?.message ?? '', /^GET http:\/\/127\.0\.0\.1:9\/: .*ECONNREFUSED/)
})

test('a redirect keeps method and body, or becomes GET, as its status says', async (t) => {
  const seen: string[] = []
  const server = await serve(t, async (request, to) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type'] ?? '-'} ${await bodyOf(request)}`)
    const [, status] = /^\/from-(\d+)/.exec(request.url ?? '') ?? []
    if (status === undefined) to.end('arrived')
    else to.writeHead(Number(status), { location: '/to' }).end()
  })
  const { run } = meshWith(t)
  for (const status of [301, 302, 303, 307, 308]) {
    assert.equal((await run({ url: `${server.url}/from-${status}`, method: 'POST', body: { n: 1 } })).result.body, 'arrived')
    const [first, second] = seen.splice(0)
    assert.equal(first, `POST /from-${status} application/json {"n":1}`)
    assert.equal(second, status < 307 ? 'GET /to - ' : 'POST /to application/json {"n":1}')
  }
  await run({ url: `${server.url}/from-303`, method: 'HEAD' })
  assert.deepEqual(seen, ['HEAD /from-303 - ', 'HEAD /to - '])
})

test('redirects without an end', async (t) => {
  const server = await serve(t, answerWith(302, { location: '/again' }, ''))
  const { run } = meshWith(t)
  const ended = await run({ url: server.url }, 3)
  assert.deepEqual([ended.reason, ended.attempt, server.requests.length], ['non-retryable', 1, 6])
  assert.match(ended.failure?.message ?? '', /was redirected more than 5 times/)
  assert.match((await run({ url: server.url, redirects: 1 })).failure?.message ?? '', /more than 1 times/)
})

test('a payload that is wrong is refused by its field, without a retry', async (t) => {
  const { mesh } = meshWith(t)
  const url = 'http://example.org'
  for (const [payload, message] of [
    [null, /expected object/],
    [{}, /^url: /],
    [{ url: 'example.org' }, /^url: /],
    [{ url: 'ftp://example.org' }, /^url: must be an http or https URL/],
    [{ url: 'file:///etc/passwd' }, /^url: /],
    [{ url: 'http://ada:secret@example.org' }, /^url: has a login: use a header with a secret/],
    [{ url, method: 'get' }, /^method: /],
    [{ url, body: 'x' }, /^body: GET and HEAD have no body/],
    [{ url, headers: { ['__proto__']: 'x' } }, /^headers\.__proto__: Use another name/],
    [{ url, expect: { json: { ['__proto__']: 'x' } } }, /^expect\.json\.__proto__: Use another name/],
    [{ url, headers: { 'a b': 'x' } }, /^headers\.a b: is no name of a header/],
    [{ url, headers: { Host: 'other' } }, /^headers\.Host: is set by the executor itself/],
    [{ url, headers: { 'proxy-authorization': 'x' } }, /^headers\.proxy-authorization: is set by the executor/],
    [{ url, headers: { a: 'x\r\nb: y' } }, /^headers\.a: must be text without line ends/],
    [{ url, headers: { a: { secret: 'A', value: 'x' } } }, /^headers\.a: /],
    [{ url, timeoutMs: 0 }, /^timeoutMs: /],
    [{ url, maxBytes: 1e9 }, /^maxBytes: .*131072/],
    [{ url, redirects: 6 }, /^redirects: .*5/],
    [{ url, expect: { status: [] } }, /^expect\.status: /],
    [{ url, expect: { status: '6xx' } }, /^expect\.status: must be a status such as 200, a class/],
    [{ url, expect: { status: 99 } }, /^expect\.status: /],
    [{ url, expect: { state: 'x' } }, /"state"/],
  ] as const) {
    const run = await mesh.run('http', payload, { attempts: 3 })
    assert.deepEqual([run.state, run.reason, run.attempt], ['failed', 'invalid-payload', 1], JSON.stringify(payload))
    assert.match(run.failure?.message ?? '', message)
  }
  const twice = await mesh.run('http', { url, headers: { a: '1', A: '2' } })
  assert.match(twice.failure?.message ?? '', /^headers is wrong: "A"\. It is given twice/)
})
