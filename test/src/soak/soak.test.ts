import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { Cleanup } from '../support/cleanup.ts'
import { STORES } from '../support/stores.ts'
import { KEEP_PER_JOB, type Sample, soak } from './soak.ts'

for (const store of STORES) {
  describe(`soak, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })

    test('what was started goes again, but for the newest of each job, and no key starts a second run', async () => {
      const samples: Sample[] = []
      const { end, startedTwice } = await soak(cleanup, {
        store,
        seconds: 8,
        runsPerSecond: 60,
        keptMs: 2_000,
        sampleMs: 1_000,
        onSample: (sample) => samples.push(sample),
      })
      assert.ok(samples.some(({ tasks }) => tasks > 0) && samples.some(({ steps }) => steps > 0), 'there was something to remove')
      assert.deepEqual({ ...end, logs: 0, bytes: 0 }, { runs: end.runs, tasks: 0, steps: 0, tombstones: 0, logs: 0, bytes: 0 })
      assert.ok(end.runs <= 2 * KEEP_PER_JOB, `${end.runs} runs are left`)
      assert.deepEqual(startedTwice, [])
    })
  })
}
