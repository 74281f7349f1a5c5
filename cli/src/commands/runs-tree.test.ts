import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunTree, RunView } from '@carillon/contracts'
import { OneRunClient } from '../following/testing-client.ts'
import { keepingTerminal } from '../output/testing-terminal.ts'
import { watchRun } from './runs-tree.ts'

const RUN: RunView = {
  runId: '01m7yybeay0000x3p1yp1qmpb2',
  handler: 'hello',
  mode: 'single',
  state: 'queued',
  trigger: 'call',
  attempt: 1,
  attempts: 1,
  createdAt: '2030-01-01T00:00:00.000Z',
}
const ENDED: Partial<RunView> = { state: 'succeeded', reason: 'completed', startedAt: RUN.createdAt, endedAt: '2030-01-01T00:00:02.500Z' }
const TREE: RunTree = {
  runId: RUN.runId,
  handler: 'hello',
  mode: 'shards',
  state: 'failed',
  percent: 100,
  stages: [{ name: 'shards', total: 2, counts: { succeeded: 1, failed: 1 } }],
  failed: [],
  slowest: [],
}
const interrupt = { signal: new AbortController().signal }

describe('runs watch', () => {
  it('shows a single run as it changes, until its end', async () => {
    const client = new OneRunClient({ ...RUN, state: 'delayed', reason: 'delay', dueAt: '2030-01-01T00:00:05.000Z' })
    const { terminal, stdout } = keepingTerminal()
    const watching = watchRun({ client, terminal, interrupt }, RUN.runId)
    setImmediate(() => client.change({ state: 'running', instance: 'demo-1', progress: { percent: 40, note: 'half' } }))
    const look = setInterval(() => stdout.join('').includes('40 % half') && client.change(ENDED), 1)
    assert.equal((await watching)?.state, 'succeeded')
    clearInterval(look)
    assert.match(stdout.join(''), /^delayed: due .*\nrunning: on demo-1\n40 % half\nsucceeded: took 2\.5 s\n$/)
    assert.equal(client.listeners, 0)
  })

  it('shows the end of a run that has ended', async () => {
    const client = new OneRunClient({ ...RUN, ...ENDED })
    const { terminal, stdout } = keepingTerminal()
    await watchRun({ client, terminal, interrupt }, RUN.runId)
    assert.deepEqual(stdout, ['succeeded: took 2.5 s\n'])
  })

  it('shows the whole of a fan-out run, also when that is known only later', async () => {
    for (const first of ['shards', 'single'] as const) {
      const client = new OneRunClient({ ...RUN, mode: first })
      client.tree = TREE
      const { terminal, stdout } = keepingTerminal()
      const watching = watchRun({ client, terminal, interrupt }, RUN.runId)
      setImmediate(() => client.change({ mode: 'map' }))
      assert.equal((await watching)?.state, 'failed')
      assert.match(stdout.join(''), /1 succeeded, 1 failed/)
      assert.equal(client.listeners, 0)
    }
  })

  it('is one object for programs', async () => {
    const client = new OneRunClient({ ...RUN, ...ENDED })
    const { terminal, stdout } = keepingTerminal({ json: true })
    await watchRun({ client, terminal, interrupt }, RUN.runId)
    assert.deepEqual(JSON.parse(stdout.join('')), client.run)
  })

  it('waits for a mesh that is away while a fan-out run goes on', async () => {
    const client = new OneRunClient({ ...RUN, mode: 'shards' })
    client.tree = { ...TREE, state: 'running', percent: 50 }
    const { terminal, stdout } = keepingTerminal()
    const seen = () => stdout.join('')
    const watching = watchRun({ client, terminal, interrupt }, RUN.runId)
    const look = setInterval(() => {
      if (/^50 %/m.test(seen())) client.isAway = true
      if (/the mesh does not answer just now: No coordinator answers/.test(seen())) Object.assign(client, { isAway: false, tree: TREE })
    }, 1)
    assert.equal((await watching)?.state, 'failed')
    clearInterval(look)
    assert.match(seen(), /^50 % .*\nthe mesh does not answer just now: .*\n100 % /)
  })
})
