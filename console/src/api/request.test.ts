import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ApiProblem } from './problem.ts'
import { request } from './request.ts'

/** @returns the URL of a gateway that answers with `answer` */
async function gateway(t: TestContext, answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`
}

const isUnreachable = (error: unknown) => error instanceof ApiProblem && error.code === 'UNREACHABLE' && error.body.retry === true

test('an answer that breaks off is as one that did not arrive', async (t) => {
  const url = await gateway(t, (response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"a":', () => response.destroy())
  })
  await assert.rejects(request(url), isUnreachable)
})

test('who does not answer is given up: a read soon, a change after the longest of them', async (t) => {
  const url = await gateway(t, () => undefined)
  const deadlines: number[] = []
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    deadlines.push(ms)
    return AbortSignal.abort(new DOMException('no answer in time', 'TimeoutError'))
  })
  await assert.rejects(request(url), isUnreachable)
  await assert.rejects(request(url, { method: 'POST', body: {} }), isUnreachable)
  assert.deepEqual(deadlines, [30_000, 130_000])
})

test('a request that its caller has aborted says so', async (t) => {
  const url = await gateway(t, () => undefined)
  const caller = new AbortController()
  const requested = request(url, { signal: caller.signal })
  caller.abort(new Error('the page was left'))
  await assert.rejects(requested, /the page was left/)
})
