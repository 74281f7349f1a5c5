import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createGzip, gzipSync } from 'node:zlib'
import { eventually, within } from '@carillon/wire/testing'
import { httpHandler } from './http-definition.ts'
import { answerWith, meshWith, serve } from './testing-server.ts'

test('a body is kept up to maxBytes, also one without an end', async (t) => {
  let ended = 0
  const server = await serve(t, (_request, to) => {
    const more = () => {
      while (!to.destroyed && to.write('x'.repeat(10_000)));
    }
    to.on('drain', more).once('close', () => ended++)
    more()
  })
  const { run } = meshWith(t)
  const { body, truncated } = (await within(5_000, 'it ends', run({ url: server.url, maxBytes: 1_000 }))).result
  assert.deepEqual([body, truncated], ['x'.repeat(1_000), true])
  await eventually('the connection is closed', () => ended === 1)
  const small = await serve(t, answerWith(200, {}, 'x'.repeat(1_000)))
  assert.deepEqual((await run({ url: small.url, maxBytes: 1_000 })).result.truncated, false)
  const wanted = await run({ url: small.url, maxBytes: 10, expect: { bodyContains: 'y' } })
  assert.match(wanted.failure?.message ?? '', /does not contain "y" in the part that maxBytes allows/)
})

test('a small body that unpacks to a large one costs what maxBytes says', async (t) => {
  // 64 MiB of zeros.
  const zeros = Buffer.alloc(1024 * 1024)
  const gzip = createGzip({ level: 9 })
  const parts: Buffer[] = []
  gzip.on('data', (part: Buffer) => parts.push(part))
  for (let i = 0; i < 64; i++) if (!gzip.write(zeros)) await once(gzip, 'drain')
  gzip.end()
  await once(gzip, 'end')
  const bomb = Buffer.concat(parts)
  assert.ok(bomb.length < 70_000)
  const server = await serve(t, answerWith(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }, bomb))
  const { run } = meshWith(t)
  const before = process.memoryUsage().arrayBuffers
  const { body, truncated } = (await run({ url: server.url, maxBytes: 10_000 })).result
  assert.deepEqual([(body as string).length, truncated], [10_000, true])
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024)
})

test('a text that JSON makes larger still fits a result', async (t) => {
  const server = await serve(t, answerWith(200, {}, '\u0001'.repeat(131_072)))
  const { run } = meshWith(t)
  const { body, truncated } = (await run({ url: server.url, maxBytes: 131_072 })).result
  assert.ok(truncated && JSON.stringify(body).length < 256 * 1024 && (body as string).length > 10_000)
})

test('the time limit holds for a server that says nothing, that stops in its headers, and that stops in its body', async (t) => {
  const { run } = meshWith(t)
  for (const stop of [
    () => undefined,
    (to: { socket: { write(text: string): void } | null }) => to.socket?.write('HTTP/1.1 200 OK\r\nx-a: '),
    (to: { socket: { write(text: string): void } | null }) => to.socket?.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
  ]) {
    const server = await serve(t, (_request, to) => void stop(to))
    const ended = await within(5_000, 'it ends', run({ url: server.url, timeoutMs: 50 }, 2))
    assert.deepEqual(
      [ended.reason, ended.attempt, ended.failure?.message],
      ['handler-error', 2, `GET ${server.url}/: No whole response within 50 ms`],
    )
  }
})

test('headers are limited', async (t) => {
  const server = await serve(t, answerWith(200, { 'x-large': 'x'.repeat(40_000) }, ''))
  const { run } = meshWith(t)
  assert.match((await run({ url: server.url })).failure?.message ?? '', /Headers Overflow/)
})

test('a cancelled run ends its request', async (t) => {
  let closed = 0
  const server = await serve(t, (_request, to) => void to.once('close', () => closed++))
  const { mesh } = meshWith(t)
  const run = await mesh.start(httpHandler, { url: server.url })
  await eventually('it is asked', () => server.requests.length === 1)
  run.cancel()
  await run.ended()
  assert.equal(run.state, 'cancelled')
  await eventually('the connection is closed', () => closed === 1)
})

test('gzip of nothing is nothing', async (t) => {
  const server = await serve(t, answerWith(200, { 'content-encoding': 'gzip' }, gzipSync('')))
  const { run } = meshWith(t)
  assert.equal((await run({ url: server.url })).result.body, '')
})
