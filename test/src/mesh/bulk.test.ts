import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { aRun, runId } from '@carillon/store/testing'
import { eventually } from '@carillon/wire/testing'
import { startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** More than one answer does, which takes 2 s at most: SQLite changes more in that time than a MongoDB engine. */
const RUNS = { sqlite: 25_000, mongodb: 4_000 } as const

/** The newest of them, which are cancelled. */
const CANCELLED = 1_000

for (const store of STORES) {
  describe(`many runs at once, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    const total = RUNS[store.name]
    const ids = Array.from({ length: total }, (_, n) => runId(n))

    test('a request goes on when the coordinator that works on it is killed, and does nothing twice', async () => {
      const mesh = await startMesh(cleanup, { store, coordinators: 0 })
      const [mortal] = [1, 2].map(() => startCli(cleanup, ['coordinator', '--nats', mesh.broker.url, '--store', mesh.storeUrl]))
      const namespace = freshNamespace()
      const { client } = await mesh.connect({ namespace })
      await eventually('a coordinator answers', () => client.runs.count().catch(() => undefined))
      const at = Date.now() - 60_000
      const failed = { state: 'failed', reason: 'handler-error', queuedAt: null, endedAt: at } as const
      await mesh.store.runs.insert(
        ids.map((_, n) => aRun(n, { ...failed, namespace, createdAt: n < CANCELLED ? at : at - 60_000, handler: 'nobody', target: null })),
      )
      let parts = 0
      let killed: Promise<unknown> | undefined
      const changed = await client.runs.change(
        'retry',
        { filter: { state: 'failed' } },
        {
          onProgress: () => {
            parts++
            killed ??= mortal?.kill9()
          },
        },
      )
      assert.ok(parts > 1, 'it was killed between two parts')
      await killed
      const left = changed.skipped.reduce((sum, { count }) => sum + count, 0)
      assert.equal(changed.matched, changed.done + left)
      const runs = await mesh.store.runs.heads(ids)
      assert.deepEqual(new Set(runs.map((run) => run?.attempt)), new Set([2]), 'each was retried once')
      assert.deepEqual(new Set(runs.map((run) => run?.state)), new Set(['queued']))
      const since = new Date(at - 1_000).toISOString()
      const cancelled = await client.runs.change('cancel', { filter: { handler: 'nobody', state: 'queued', since } })
      assert.equal(cancelled.done, CANCELLED)
      assert.equal((await client.runs.count({ state: 'cancelled', since })).count, CANCELLED)
      const rest = await client.runs.change('cancel', { filter: { handler: 'nobody' } }, { dryRun: true })
      assert.deepEqual(
        [rest.matched, rest.eligible, rest.skipped.map(({ code, count }) => [code, count])],
        [total, total - CANCELLED, [['RUN_ENDED', CANCELLED]]],
      )
    })
  })
}
