import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startOnce } from './start-run.ts'

it('a run with the id of this command is its own, also when only the repeated request was answered', async () => {
  const answer = (runId: string) => ({ call: async () => ({ runId, created: false }) as never })
  assert.deepEqual(await startOnce(answer('ours'), { job: 'a' }, 'ours'), { runId: 'ours', created: true })
  assert.deepEqual(await startOnce(answer('theirs'), { job: 'a', key: 'k' }, 'ours'), { runId: 'theirs', created: false })
})
