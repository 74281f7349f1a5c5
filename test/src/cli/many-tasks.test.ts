import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JobView, RunTree, RunView, TaskView } from '@carillon/contracts'
import { connect, type MapContext, NonRetryableError } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { sharedCliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

describe('fan-out runs, by the command line', { concurrency: true }, () => {
  const cleanup = new Cleanup({ after })
  let url: string
  let carillon: ReturnType<typeof sharedCliFor>
  before(async () => {
    url = (await startUp(cleanup)).url
    carillon = sharedCliFor(cleanup, url)
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
    const run = (await carillon(['run', 'slow', '{"ms":2500}', '--shards', '12', '--max-parallel', '3', '-d', '--json'])).json<RunView>()
    await eventually('some run', async () => {
      const tree = (await carillon(['runs', 'tree', run.runId, '--json'])).json<RunTree>()
      return (tree.stages[0]?.counts.running ?? 0) > 0
    })
    assert.match((await carillon(['runs', 'tree', run.runId])).stdout, /└─ shards {2}12: /)
    const { code, stdout } = await carillon(['runs', 'watch', run.runId])
    assert.equal(code, 0)
    assert.match(stdout, /12 succeeded/)
    assert.match(stdout, /slow: succeeded, 100 %/)
    assert.match((await carillon(['runs', 'tree', 'nobody-knows-this'])).stderr, /^error /)
  })

  test('runs steps shows what is done; retry goes on there, or from a step', async () => {
    const mesh = await connect({ servers: url, service: 'payments' })
    cleanup.add('payments', () => mesh.stop())
    let isBroken = true
    mesh.steps('pay', [
      { name: 'reserve', run: () => ({ id: 7 }) },
      {
        name: 'charge',
        run() {
          if (isBroken) throw new Error('no funds')
          return 'charged'
        },
      },
    ])
    await mesh.start()
    const run = await mesh.client.run('pay')
    await run.ended()
    const steps = async () => (await carillon(['runs', 'steps', run.id])).stdout
    assert.match(await steps(), /^STEP +NAME +STATE.*\n1 +reserve +done +.*\{"id":7\}\n2 +charge +failed +.*no funds\n$/)
    isBroken = false
    assert.equal((await carillon(['runs', 'retry', run.id, '--wait'])).code, 0)
    assert.match(await steps(), /2 +charge +done +.*"charged"/)
    const wrong = await carillon(['runs', 'retry', run.id, '--from-step', 'mail'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /has not come to a step "mail"[\s\S]*reserve, charge/)
    assert.equal((await carillon(['runs', 'retry', run.id, '--from-step', 'charge', '--wait'])).code, 0)
    assert.match((await carillon(['runs', 'steps', 'nobody-knows-this-run'])).stderr, /RUN_NOT_FOUND/)
  })

  test('retry --failed runs those again that failed', async () => {
    const { code, stdout, stderr } = await carillon(['run', 'flaky', '--shards', '3'])
    assert.equal(code, 1)
    assert.match(`${stdout}${stderr}`, /3 of 3 tasks failed/)
    const [run] = (await carillon(['runs', 'list', '--json'])).json<RunView[]>().filter(({ handler }) => handler === 'flaky')
    assert.equal((await carillon(['runs', 'retry', run?.runId ?? '', '--failed', '--wait'])).code, 1, 'it fails twice')
    assert.equal((await carillon(['runs', 'retry', run?.runId ?? '', '--failed', '--wait'])).code, 0)
  })

  test('a map-reduce: its tasks have names, its tree has stages; its failed tasks alone are run again', async () => {
    const mesh = await connect({ servers: url, service: 'adder', signals: false })
    cleanup.add('mesh', () => mesh.stop())
    const sum = async (numbers: AsyncIterable<number>) => {
      let sum = 0
      for await (const number of numbers) sum += number
      return sum
    }
    let isBroken = true
    mesh.mapReduce('sum', {
      root: (ctx: MapContext<unknown, { number: number }>) => ctx.map('number', [1, 2, 3, 4]),
      tasks: {
        number(ctx) {
          if (isBroken && ctx.item === 3) throw new NonRetryableError('three is broken')
          return ctx.item
        },
      },
      reduce: (ctx) => sum(ctx.results<number>()),
      merge: (ctx) => sum(ctx.results<number>()),
    })
    await mesh.start()
    const job = await carillon(['jobs', 'put', 'sum', '--mode', 'map-reduce', '--shards', '2'])
    assert.match(job.stdout, /mode +map-reduce, 2 reduce tasks/)
    assert.match((await carillon(['run', 'sum'])).stdout, /1 of 4 tasks failed/)
    const [run] = (await carillon(['runs', 'list', '--job', 'sum', '--json'])).json<RunView[]>()
    const runId = run?.runId ?? ''
    assert.match((await carillon(['runs', 'tree', runId])).stdout, /failed {3}number a-000002 attempt 1: three is broken/)
    const refused = await carillon(['runs', 'retry', runId])
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, new RegExp(`carillon runs retry ${runId}.* --failed`))
    isBroken = false
    const retried = await carillon(['runs', 'retry', runId, '--failed', '--wait'])
    assert.deepEqual([retried.code, retried.stdout.trimEnd().split('\n').at(-1)], [0, '10'])
    const stages = /├─ root {4}1: .*\n├─ number {2}4: .*\n├─ reduce {2}2: .*\n└─ merge {3}1: 1 succeeded/
    assert.match((await carillon(['runs', 'tree', runId])).stdout, stages)
    assert.match((await carillon(['runs', 'tasks', runId])).stdout, new RegExp(`${runId}-b00001 +reduce +succeeded`))
    assert.equal((await carillon(['run', 'sum', '--mode', 'map', '-q'])).stdout, '{"tasks":{"succeeded":4}}\n')
  })

  test('modes that exclude each other are refused by the names of their options', async () => {
    for (const [args, text] of [
      [['--broadcast', '--mode', 'map'], '--broadcast and --mode map exclude each other'],
      [['--broadcast', '--shards', '2'], '--broadcast and --shards exclude each other'],
      [['--mode', 'map', '--shards', '2'], '--mode map and --shards exclude each other'],
      [['--mode', 'map-reduce', '--items', '[1]'], '--mode map-reduce and --items exclude each other'],
      [['--shards', '2', '--items', '[1]'], '--shards and --items exclude each other'],
      [['--mode', 'shards'], 'Use single, broadcast, map or map-reduce.'],
    ] as const)
      for (const command of [
        ['run', 'hello'],
        ['jobs', 'put', 'never'],
      ]) {
        const { code, stderr } = await carillon([...command, ...args])
        assert.equal(code, 2, stderr)
        assert.ok(stderr.includes(text), stderr)
      }
  })

  test('wrong numbers and lists are refused by the name of their option', async () => {
    for (const [args, field] of [
      [['--shards', '0'], '--shards'],
      [['--shards', '10001'], '--shards'],
      [['--items', '{"a":1}'], '--items'],
      [['--items', 'nonsense'], '--items'],
      [['--shards', '2', '--tolerate', 'half'], '--tolerate'],
    ] as const) {
      const { code, stderr } = await carillon(['run', 'hello', ...args])
      assert.equal(code, 2, stderr)
      assert.ok(stderr.includes(field), stderr)
    }
  })
})
