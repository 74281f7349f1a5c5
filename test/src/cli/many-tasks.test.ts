import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JobView, RunTree, RunView, TaskView } from '@carillon/contracts'
import { cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { eventually } from '../support/eventually.ts'

describe('runs with many tasks, by the command line', { concurrency: true }, () => {
  const cleanup = new Cleanup({ after })
  let carillon: ReturnType<typeof cliFor>
  before(async () => {
    carillon = cliFor(cleanup, (await startUp(cleanup)).url)
  })

  test('run --shards waits for all of them; tasks shows each', async () => {
    const { code, stdout } = await carillon(['run', 'report', '--shards', '4', '--max-parallel', '2'])
    assert.equal(code, 0)
    assert.equal(stdout.trimEnd().split('\n').at(-1), '{"tasks":{"succeeded":4}}')
    const [run] = (await carillon(['runs', 'list', '--json'])).json<RunView[]>().filter(({ handler }) => handler === 'report')
    const tasks = (await carillon(['runs', 'tasks', run?.runId ?? '', '--json'])).json<TaskView[]>()
    assert.deepEqual(
      tasks.map(({ index, state }) => [index, state]),
      [0, 1, 2, 3].map((index) => [index, 'succeeded']),
    )
    assert.match((await carillon(['runs', 'tasks', run?.runId ?? '', '--state', 'failed'])).stdout, /No task of this run is failed/)
  })

  test('a job with items from a file; its plan is shown', async () => {
    const file = join(cleanup.folder(), 'items.json')
    writeFileSync(file, '[{"name":"Ada"},{"name":"Bob"}]')
    const job = (
      await carillon(['jobs', 'put', 'greet', '--handler', 'hello', '--items', `@${file}`, '--tolerate', '5%', '--json'])
    ).json<JobView>()
    assert.deepEqual([job.mode, job.shards, job.tolerate], ['shards', 2, '5%'])
    assert.match((await carillon(['jobs', 'get', 'greet'])).stdout, /mode +2 shards, 5% may fail/)
    assert.equal((await carillon(['run', 'greet'])).code, 0)
  })

  test('tree and watch: at a glance, and live until the end', async () => {
    const run = (await carillon(['run', 'slow', '{"ms":1500}', '--shards', '12', '--max-parallel', '6', '-d', '--json'])).json<RunView>()
    await eventually('some run', async () => {
      const tree = (await carillon(['runs', 'tree', run.runId, '--json'])).json<RunTree>()
      return tree.stages[0]?.counts.running === 6
    })
    assert.match((await carillon(['runs', 'tree', run.runId])).stdout, /└─ shards {2}12: /)
    const { code, stdout } = await carillon(['runs', 'watch', run.runId])
    assert.equal(code, 0)
    assert.match(stdout, /12 succeeded/)
    assert.match(stdout, /slow: succeeded, 100 %/)
    assert.match((await carillon(['runs', 'tree', 'nobody-knows-this'])).stderr, /^error /)
  })

  test('retry --failed runs those again that failed', async () => {
    const { code, stdout, stderr } = await carillon(['run', 'flaky', '--shards', '3'])
    assert.equal(code, 1)
    assert.match(`${stdout}${stderr}`, /3 of 3 tasks failed/)
    const [run] = (await carillon(['runs', 'list', '--json'])).json<RunView[]>().filter(({ handler }) => handler === 'flaky')
    assert.equal((await carillon(['runs', 'retry', run?.runId ?? '', '--failed', '--wait'])).code, 1, 'it fails twice')
    assert.equal((await carillon(['runs', 'retry', run?.runId ?? '', '--failed', '--wait'])).code, 0)
  })

  test('wrong numbers and lists are refused by the name of their option', async () => {
    for (const [args, field] of [
      [['--shards', '0'], '--shards'],
      [['--shards', '10001'], '--shards'],
      [['--items', '{"a":1}'], '--items'],
      [['--items', 'nonsense'], 'payload'],
      [['--shards', '2', '--tolerate', 'half'], '--tolerate'],
    ] as const) {
      const { code, stderr } = await carillon(['run', 'hello', ...args])
      assert.equal(code, 2, stderr)
      assert.ok(stderr.includes(field), stderr)
    }
  })
})
