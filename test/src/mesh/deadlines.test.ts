import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TaskContext } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`deadlines, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store })
    })

    test('of runs with deadlines of some milliseconds those that have run succeed, and those that are expired have not run', async () => {
      const ran = new Set<string>()
      const { client } = await offering(mesh, { brief: (ctx: TaskContext) => void ran.add(ctx.runId) })
      const deadlines = Array.from({ length: 60 }, (_, i) => 1 + (i % 20) * 3)
      const requests = deadlines.map((deadlineMs, i) => ({
        handler: 'brief',
        deadlineMs,
        ...(i % 3 === 0 ? { route: 'random' as const } : {}),
      }))
      const ids = (await Promise.all(requests.map(({ handler, ...options }) => client.run(handler, null, options)))).map(({ id }) => id)
      const ended = await eventually('all have ended', async () => {
        const runs = await Promise.all(ids.map((id) => client.runs.get(id)))
        return runs.every(({ state }) => state === 'succeeded' || state === 'expired') ? runs : undefined
      })
      const succeeded = ended.filter(({ state }) => state === 'succeeded').map(({ runId }) => runId)
      assert.deepEqual([...ran].sort(), succeeded.sort())
    })
  })
}
