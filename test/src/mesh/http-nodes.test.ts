import assert from 'node:assert/strict'
import { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { HttpResponse } from '@carillon/contracts'
import { HttpRequests, httpHandler, rangeOf, Secrets } from '@carillon/handlers'
import { workflow } from '@carillon/sdk'
import { systemClock } from '@carillon/wire/internal'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const TOKEN = 'a-token-of-this-test'

interface Asked {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers /orders/<id> with JSON, /moved with a redirect to it, /unavailable with 503 once, /late never. */
async function serve(cleanup: Cleanup): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method, url, headers } = request
    const isFirst = !asked.some((one) => one.url === url)
    asked.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
    if (url === '/late') return
    if (url === '/moved') return void response.writeHead(302, { location: '/orders/moved' }).end()
    if (url === '/unavailable' && isFirst) return void response.writeHead(500).end('not now')
    response.writeHead(201, { 'content-type': 'application/json', 'x-request-id': 'r-1' }).end(JSON.stringify({ state: 'up', url }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add('HTTP server', () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

for (const store of STORES)
  describe(`nodes that send HTTP requests, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    let server: Awaited<ReturnType<typeof serve>>
    before(async () => {
      mesh = await startMesh(cleanup, { store })
      server = await serve(cleanup)
    })

    /** An executor of the built-in handler, as `carillon executor --http` is one. */
    async function offersHttp(namespace: string, mayReach: 'public' | 'all'): Promise<void> {
      const requests = new HttpRequests({
        rangeOf: mayReach === 'all' ? () => undefined : rangeOf,
        secrets: new Secrets(new Map([['API_TOKEN', TOKEN]]), '--secret'),
        proxy: undefined,
        lookup: lookup as LookupFunction,
        clock: systemClock,
      })
      cleanup.add('HTTP requests', () => requests.close())
      const executor = await mesh.connect({ namespace, service: 'executor' })
      executor.handle(httpHandler, requests.run)
      await executor.start()
    }

    test('a request is what its expressions say; its response is read by what follows', async () => {
      const { client, namespace } = await offering(mesh, { noop: () => undefined })
      await offersHttp(namespace, 'all')
      const headers = { 'x-who': { value: 'payload.who' }, authorization: { secret: 'API_TOKEN', prefix: 'Bearer ' } } as const
      await client.workflows.put(
        workflow('order', { output: 'nodes.call.result' })
          .node('call', {
            http: {
              url: `'${server.url}/orders/' + payload.id`,
              ...{ method: 'PUT', headers, body: "{'total': payload.total}", expect: { status: 201, json: { state: 'up' } } },
            },
          })
          .node('moved', { http: { url: `${server.url}/moved` }, after: 'call' })
          .done(),
      )
      const run = await client.run('order', { id: 'A1', total: 12, who: 'ada' })
      const { status, headers: given, body } = (await run.result()) as HttpResponse
      assert.deepEqual([status, given['x-request-id'], body], [201, 'r-1', { state: 'up', url: '/orders/A1' }])
      const [put, ...others] = server.asked
      assert.deepEqual([put?.method, put?.url, put?.body], ['PUT', '/orders/A1', '{"total":12}'])
      assert.deepEqual([put?.headers['x-who'], put?.headers.authorization], ['ada', `Bearer ${TOKEN}`])
      assert.deepEqual(
        others.map(({ url }) => url),
        ['/moved', '/orders/moved'],
      )
      const tree = await client.runs.tree(run.id)
      assert.deepEqual(
        tree.nodes?.map(({ id, kind, state }) => `${id} ${kind} ${state}`),
        ['call http succeeded', 'moved http succeeded'],
      )
      const stored = JSON.stringify(await mesh.store.tasks.listWhole({ runId: run.id, limit: 10, maxBytes: 1_000_000 }))
      assert.ok(!stored.includes(TOKEN), 'the secret is stored')
    })

    test('without an executor the node waits, and says how to start one; then it goes on', async () => {
      const { client, namespace } = await offering(mesh, { noop: () => undefined })
      const { warnings } = await client.workflows.put(
        workflow('w')
          .node('call', { http: { url: `${server.url}/orders/1` } })
          .done(),
      )
      assert.match(warnings?.[0] ?? '', /carillon executor --http/)
      const run = await client.run('w', 1)
      const why = await eventually('the node waits', async () => {
        const { why: text } = await client.runs.why(run.id)
        return text.includes('no instance offers') ? text : undefined
      })
      assert.match(why, /node call waits: no instance offers handler `http`.*carillon executor --http/)
      await offersHttp(namespace, 'all')
      assert.equal((await run.ended()).state, 'succeeded')
    })

    test('attempts are those of the node; a status that is not expected and a late response fail it', async () => {
      const { client, namespace } = await offering(mesh, { noop: () => undefined })
      await offersHttp(namespace, 'all')
      const delayMs = { type: 'fixed', delayMs: 1 } as const
      const ended = async (node: object) => {
        await client.workflows.put({ name: 'w', workflow: { nodes: [{ id: 'call', ...node } as never] } })
        const { id } = await client.run('w', 1)
        await eventually('it has ended', async () => (await client.runs.get(id)).endedAt)
        const [task] = (await client.runs.tasks(id)).items
        return [task?.state, task?.reason, task?.attempt, task?.failure?.message ?? ''] as const
      }
      const [state, , attempt] = await ended({ http: { url: `${server.url}/unavailable` }, attempts: 3, backoff: delayMs })
      assert.deepEqual([state, attempt], ['succeeded', 2])
      const unexpected = await ended({ http: { url: `${server.url}/orders/1`, expect: { status: 204 } } })
      assert.deepEqual(unexpected.slice(0, 2), ['failed', 'handler-error'])
      assert.match(unexpected[3], /answered 201, not 204/)
      assert.deepEqual((await ended({ http: { url: `${server.url}/late` }, timeoutMs: 300 })).slice(0, 2), ['timed_out', 'attempt-timeout'])
    })

    test('an executor for public addresses refuses what is none', async () => {
      const { client, namespace } = await offering(mesh, { noop: () => undefined })
      await offersHttp(namespace, 'public')
      await client.workflows.put(
        workflow('w')
          .node('call', { http: { url: `${server.url}/private` } })
          .done(),
      )
      const run = await client.run('w', 1)
      const { state, failure } = await run.ended()
      assert.equal(state, 'failed')
      assert.match(failure?.message ?? '', /127\.0\.0\.1 is no public address/)
      assert.equal(
        server.asked.some(({ url }) => url === '/private'),
        false,
      )
    })
  })
