import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { LIMITS } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))

for (const store of STORES) {
  describe(`items of one batch, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store })
    })

    test('the result of one task is judged alone, up to the limit', async () => {
      const results: unknown[] = [
        nested(LIMITS.jsonDepth),
        nested(LIMITS.jsonDepth - 1),
        nested(LIMITS.jsonDepth + 1),
        new Map(),
        { ns: 2 ** 60 },
      ]
      const { client } = await offering(mesh, { give: ({ payload }) => results[payload as number] ?? payload })
      const started = await client.runMany(Array.from({ length: 60 }, (_, payload) => ({ handler: 'give', payload })))
      const ends = await Promise.all(started.map(async (outcome) => (outcome.ok ? outcome.run.ended() : outcome.error)))
      const failed = ends.flatMap((end, i) => ('state' in end && end.state === 'succeeded' ? [] : [[i, 'reason' in end && end.reason]]))
      assert.deepEqual(
        failed,
        [2, 3, 4].map((i) => [i, 'invalid-result']),
      )
    })

    test('the payload of one start is judged alone, up to the limit', async () => {
      const { client } = await offering(mesh, { take: () => 1 })
      const payloads = [1, nested(62), nested(LIMITS.jsonDepth), nested(LIMITS.jsonDepth + 1), { seen: new Set() }, { ns: 2 ** 60 }, 2]
      const outcomes = await client.runMany(payloads.map((payload) => ({ handler: 'take', payload })))
      const codes = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))
      assert.deepEqual(codes, ['ok', 'ok', 'ok', 'JSON_TOO_DEEP', 'INVALID_JSON', 'INTEGER_TOO_LARGE', 'ok'])
      const parts = await client.run('take', null, { items: [nested(LIMITS.jsonDepth), 2] })
      assert.equal((await parts.ended()).state, 'succeeded')
      await assert.rejects(client.jobs.put({ name: 'maps', payload: { tags: new Map() } as never }), { message: /^payload.tags is a Map/ })
      assert.deepEqual(
        (await client.jobs.put({ name: 'deep', payload: nested(LIMITS.jsonDepth) as never })).payload,
        nested(LIMITS.jsonDepth),
      )
    })

    test('a log call fails nothing, and no line is lost beside it', async () => {
      const { client } = await offering(mesh, {
        talk: ({ log }) => {
          for (let n = 1; n < 100; n++) log.info(`line ${n}`)
          log.info('odd', { ns: Date.now() * 1e6, deep: nested(61), map: new Map() })
          log.info(Object.create(null))
        },
      })
      const run = await client.run('talk')
      assert.equal((await run.ended()).state, 'succeeded')
      const lines = await eventually('all lines', async () => {
        const { items } = await client.logs.query({ runId: run.id, limit: 500 })
        return items.length === 101 ? items : undefined
      })
      assert.match(String(lines[99]?.fields?.['ns']), /^\d{19}$/)
    })
  })
}
