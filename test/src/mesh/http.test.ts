/** The HTTP API of a gateway, over a whole mesh. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`HTTP, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    const namespace = freshNamespace()
    let client: Client
    let base = ''

    const ask = async (line: string, body?: unknown, headers: Record<string, string> = {}) => {
      const [method = '', path = ''] = line.split(' ')
      const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
      const response = await fetch(base + path, { method, ...init, headers: { 'content-type': 'application/json', ...headers } })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
    }

    before(async () => {
      mesh = await startMesh(cleanup, { store, gateways: 1 })
      ;({ client } = await mesh.connect({ namespace }))
      base = `${mesh.httpUrls[0]}/api/v1/namespaces/${namespace}`
    })

    test('a job is put, read, listed, started and removed', async () => {
      const put = await ask('PUT /jobs/report', { payload: { day: 1 } })
      assert.equal(put.status, 200)
      const { stats, ...job } = (await ask('GET /jobs/report')).body
      assert.deepEqual([job, stats.succeeded], [put.body, 0])
      assert.deepEqual(
        (await ask('GET /jobs?limit=5')).body.items.map(({ name }: { name: string }) => name),
        ['report'],
      )
      const started = await ask('POST /jobs/report/runs', { key: 'day-1' })
      const { runId } = started.body
      assert.deepEqual((await ask(`GET /runs/${runId}`)).body, await client.runs.get(runId))
      assert.equal((await ask('DELETE /jobs/report?keepRuns=true')).status, 200)
      assert.equal((await ask('GET /jobs/report')).body.code, 'JOB_NOT_FOUND')
    })

    test('wrong input names the field', async () => {
      const refusals: [string, string, unknown, number, string, string][] = [
        ['PUT', '/jobs/report', { shard: 3 }, 400, 'INVALID_REQUEST', 'shard'],
        ['PUT', '/jobs/report', { name: 'other' }, 400, 'INVALID_REQUEST', 'name'],
        ['PUT', '/jobs/report', '{"__proto__":{"handler":"x"}}', 400, 'INVALID_REQUEST', '__proto__'],
        ['PUT', '/jobs/report', '[]', 400, 'INVALID_REQUEST', 'request'],
        ['PUT', '/jobs/report', '"text"', 400, 'INVALID_REQUEST', 'request'],
        ['PUT', '/jobs/report', { schedule: { cron: '99 * * * *', timezone: 'UTC' } }, 400, 'INVALID_CRON', 'schedule.cron'],
        ['POST', '/jobs/report/runs', `{"payload":${'['.repeat(70)}${']'.repeat(70)}}`, 400, 'JSON_TOO_DEEP', 'request'],
        ['POST', '/jobs/report/runs', '{"payload":{"id":9007199254740993}}', 400, 'INTEGER_TOO_LARGE', 'request.payload.id'],
        ['GET', '/jobs?limit=many', undefined, 400, 'INVALID_REQUEST', 'limit'],
        ['GET', '/jobs?limit=1&limit=2', undefined, 400, 'INVALID_REQUEST', 'limit'],
        ['GET', '/jobs?__proto__=1', undefined, 400, 'INVALID_REQUEST', 'query'],
        ['GET', '/jobs?constructor=1', undefined, 400, 'INVALID_REQUEST', 'query'],
        [
          'GET',
          `/jobs?${'a=1&'.repeat(200)}${Array.from({ length: 200 }, (_, i) => `b${i}=1`).join('&')}`,
          undefined,
          400,
          'INVALID_REQUEST',
          'query',
        ],
        ['GET', '/jobs/no%20name', undefined, 400, 'INVALID_NAME', 'name'],
        ['GET', '/runs/abcdef0123456789abcd', undefined, 404, 'RUN_NOT_FOUND', 'runId'],
      ]
      for (const [method, path, body, status, code, field] of refusals) {
        const refused = await ask(`${method} ${path}`, body)
        const said = [refused.status, refused.body.code, refused.body.field]
        assert.deepEqual(said, [status, code, field], `${method} ${path.slice(0, 40)} ${JSON.stringify(refused.body).slice(0, 300)}`)
        assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/)
      }
    })
  })
}
