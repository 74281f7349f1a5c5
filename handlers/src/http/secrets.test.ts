import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { Secrets } from './secrets.ts'
import { answerWith, meshWith, namesOf, serve } from './testing-server.ts'

const TOKEN = 'k3y/"of+the=house'
const BEARER = `Bearer abcdefgh-${'x'.repeat(20)}`
const secrets = new Secrets(
  new Map([
    ['API_TOKEN', TOKEN],
    ['LOGIN', BEARER],
  ]),
  '--secret',
)
const headers = { 'X-Api-Key': { secret: 'API_TOKEN' }, authorization: { secret: 'LOGIN' } }
const traces = [
  TOKEN,
  TOKEN.slice(0, 12),
  encodeURIComponent(TOKEN),
  Buffer.from(TOKEN).toString('base64').slice(0, 12),
  BEARER,
  BEARER.slice(7, 20),
]

test('a secret travels in a header, with what stands in front of it', async (t) => {
  const server = await serve(t, answerWith(200, {}, ''))
  const { run } = meshWith(t, { secrets })
  await run({ url: server.url, headers: { ...headers, 'x-other': { secret: 'API_TOKEN', prefix: 'Key ' } } })
  const sent = server.requests[0]?.headers
  assert.deepEqual([sent?.['x-api-key'], sent?.authorization, sent?.['x-other']], [TOKEN, BEARER, `Key ${TOKEN}`])
})

test('a secret is in no result, log line or error, however the server repeats it', async (t) => {
  const text = `${TOKEN} ${encodeURIComponent(TOKEN)} ${Buffer.from(TOKEN).toString('base64')} ${BEARER} ${BEARER.slice(7)}`
  const echoes = {
    text: [{ etag: TOKEN, 'x-request-id': BEARER.slice(7) }, text],
    json: [{ 'content-type': 'application/json' }, JSON.stringify({ [TOKEN]: [text], n: 1 })],
    escaped: [{ 'content-type': 'application/json' }, JSON.stringify({ text }).replaceAll('k', '\\u006b')],
  } as const
  const { run } = meshWith(t, { secrets })
  for (const [name, [echoed, body]] of Object.entries(echoes))
    for (const status of [200, 400, 500]) {
      const server = await serve(t, answerWith(status, echoed, body))
      const ended = await run({
        url: server.url,
        headers,
        expect: status === 400 ? { status: 400, json: { text: 'x', '***': 'x' } } : {},
      })
      const shown = JSON.stringify([ended.view, ended.logs, status === 200 ? ended.result : ended.failure])
      for (const trace of traces) assert.ok(!shown.includes(JSON.stringify(trace).slice(1, -1)), `${name} ${status}: ${trace} in ${shown}`)
    }
  const moved = await serve(
    t,
    (request, to) => void to.writeHead(request.url === '/' ? 302 : 500, { location: `/${encodeURIComponent(TOKEN)}` }).end(),
  )
  const ended = await run({ url: moved.url, headers })
  assert.match(JSON.stringify(ended.logs), /\/\*\*\* answered 500/)
  for (const trace of traces) assert.ok(!JSON.stringify([ended.view, ended.logs, ended.failure]).includes(trace))
})

test('a body that is cut within a secret does not show its beginning', async (t) => {
  const server = await serve(t, answerWith(200, {}, `token=${TOKEN}`))
  const { run } = meshWith(t, { secrets })
  for (const letters of [4, 8, TOKEN.length - 1])
    assert.equal((await run({ url: server.url, maxBytes: 6 + letters })).result.body, 'token=***', `${letters} letters`)
})

test('another origin gets no secret and no login; the same origin does', async (t) => {
  const other = await serve(t, answerWith(200, {}, ''))
  const moved = await serve(t, (request, to) => {
    const location = request.url === '/' ? '/same' : `http://other.example:${other.port}/`
    to.writeHead(307, { location }).end()
  })
  const { run } = meshWith(t, { secrets, lookup: namesOf({ 'other.example': [['127.0.0.1']] }) })
  await run({
    url: moved.url,
    headers: { 'x-api-key': { secret: 'API_TOKEN' }, Authorization: 'Basic abc', cookie: 'a=1', 'x-kind': 'kept' },
  })
  const namesIn = (request: { headers: object } | undefined) =>
    ['x-api-key', 'authorization', 'cookie', 'x-kind'].filter((name) => name in (request?.headers ?? {}))
  assert.deepEqual(moved.requests.map(namesIn), [
    ['x-api-key', 'authorization', 'cookie', 'x-kind'],
    ['x-api-key', 'authorization', 'cookie', 'x-kind'],
  ])
  assert.deepEqual(other.requests.map(namesIn), [['x-kind']])
})

test('a secret that there is not is refused by its name', async (t) => {
  const { run } = meshWith(t, { secrets })
  const ended = await run({ url: 'http://127.0.0.1/', headers: { authorization: { secret: 'PATH' } } }, 3)
  assert.deepEqual([ended.reason, ended.attempt], ['non-retryable', 1])
  assert.equal(ended.failure?.message, 'headers.authorization.secret is wrong: "PATH". This executor has: API_TOKEN, LOGIN.')
  const none = await meshWith(t).run({ url: 'http://127.0.0.1/', headers: { authorization: { secret: 'API_TOKEN' } } })
  assert.match(none.failure?.message ?? '', /This executor has no secrets \(--secret\)\./)
})

test('values that cannot be secrets are refused when the executor starts, by name alone', () => {
  for (const [value, hint] of [
    [undefined, /Set the variable NAME, or NAME_FILE/],
    ['', /Set the variable NAME/],
    ['tiny-42', /at least 8 letters/],
    ['two\nlines-of-it', /or a line end/],
    ['pässwörter', /other than those of ASCII/],
  ] as const)
    assert.throws(
      () => new Secrets(new Map([['NAME', value]]), '--secret'),
      (error) => {
        assert.ok(CarillonError.is(error))
        assert.deepEqual([error.code, error.details.field, error.details.value], ['INVALID_REQUEST', '--secret', '"NAME"'])
        assert.match(error.details.hint ?? '', hint)
        return value === undefined || value === '' || !JSON.stringify(error.toBody()).includes(value)
      },
    )
})
