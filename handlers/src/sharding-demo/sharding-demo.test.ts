import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testMesh } from '@carillon/sdk/testing'
import { countShare, shardingDemo } from './sharding-demo.ts'

const mesh = () => testMesh().handle(shardingDemo, countShare)

test('alone it counts everything', async () => {
  const run = await mesh().run(shardingDemo, { numbers: 1_000_000 })
  assert.deepEqual(run.result, { shard: 0, of: 1, counted: 1_000_000, sum: 500_000_500_000 })
  assert.equal(run.progress.at(-1)?.percent, 100)
  assert.deepEqual((await mesh().run(shardingDemo, null)).result, { shard: 0, of: 1, counted: 1_000, sum: 500_500 })
})

test('shards count every number once, however many there are', async () => {
  for (const shards of [2, 3, 7]) {
    const run = await mesh().run(shardingDemo, { numbers: 5 }, { shards })
    const results = run.tasks.map(({ result }) => result as { counted: number; sum: number })
    const total = (field: 'counted' | 'sum') => results.reduce((sum, result) => sum + result[field], 0)
    assert.deepEqual([results.length, total('counted'), total('sum')], [shards, 5, 15])
  }
})

test('a payload that is wrong is refused by its field', async () => {
  for (const [numbers, expected] of [
    [0, /numbers: .*>=1/],
    [1e9, /numbers: .*<=10000000/],
    ['7', /numbers: .*expected number/],
  ] as const) {
    const run = await mesh().run('sharding-demo', { numbers })
    assert.deepEqual([run.state, run.reason], ['failed', 'invalid-payload'])
    assert.match(run.failure?.message ?? '', expected)
  }
})
