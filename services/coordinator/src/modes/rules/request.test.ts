import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInput, startRunSchema } from '@carillon/contracts'
import { aJob } from '@carillon/store/testing'
import { planOf, toleratedOf } from './request.ts'

const asked = (fields: object) => parseInput(startRunSchema, { job: 'export', ...fields })
const sharded = aJob('export', { mode: 'shards', plan: { shards: 8, maxParallel: 2 } })

test('shards and items make a run of many tasks; what is left open comes from the job', () => {
  assert.deepEqual(planOf(asked({})), { mode: 'single', plan: null, items: null, graph: null })
  assert.deepEqual(planOf(asked({ shards: 3, tolerate: '5%' })), {
    mode: 'shards',
    plan: { shards: 3, tolerate: '5%' },
    items: null,
    graph: null,
  })
  assert.deepEqual(planOf(asked({ items: [1, 'b', null] })), { mode: 'shards', plan: { shards: 3 }, items: '[1,"b",null]', graph: null })
  assert.deepEqual(planOf(asked({ mode: 'broadcast', maxParallel: 2 })), {
    mode: 'broadcast',
    plan: { maxParallel: 2 },
    items: null,
    graph: null,
  })
  assert.deepEqual(planOf(asked({}), { job: sharded }), { mode: 'shards', plan: { shards: 8, maxParallel: 2 }, items: null, graph: null })
  assert.deepEqual(planOf(asked({ maxParallel: 5, tolerate: 1 }), { job: sharded }), {
    mode: 'shards',
    plan: { shards: 8, maxParallel: 5, tolerate: 1 },
    items: null,
    graph: null,
  })
  assert.deepEqual(planOf(asked({ shards: 4 }), { job: sharded }), {
    mode: 'shards',
    plan: { shards: 4, maxParallel: 2 },
    items: null,
    graph: null,
  })
  assert.deepEqual(planOf(asked({ mode: 'single' }), { job: sharded }), { mode: 'single', plan: null, items: null, graph: null })
  assert.deepEqual(planOf(asked({ mode: 'broadcast' }), { job: sharded }), { mode: 'broadcast', plan: {}, items: null, graph: null })
})

test('fields that contradict each other are refused by name', () => {
  for (const [fields, field] of [
    [{ shards: 3, items: [1] }, 'items'],
    [{ shards: 3, mode: 'broadcast' }, 'mode'],
    [{ maxParallel: 3 }, 'maxParallel'],
    [{ tolerate: 3 }, 'tolerate'],
  ] as const)
    assert.throws(
      () => planOf(asked(fields)),
      (error: { code: string; details: { field: string; hint: string } }) =>
        error.code === 'INVALID_REQUEST' && error.details.field === field,
    )
})

test('numbers of shards, lists and tolerances out of range are refused, with what would be right', () => {
  for (const [field, value] of [
    ['shards', 0],
    ['shards', -1],
    ['shards', 1.5],
    ['shards', 10_001],
    ['shards', '3'],
    ['items', []],
    ['items', 'abc'],
    ['maxParallel', 0],
    ['tolerate', -1],
    ['tolerate', 1.5],
    ['tolerate', '101%'],
    ['tolerate', '5'],
    ['tolerate', 'half'],
  ] as const)
    assert.throws(
      () => asked({ [field]: value }),
      (error: { code: string; details: { field: string; hint: string } }) =>
        error.code === 'INVALID_REQUEST' && error.details.field === field && /Use|Give/.test(error.details.hint),
      `${field} ${value}`,
    )
})

test('a share of tasks that may fail is rounded down', () => {
  assert.deepEqual(
    ([undefined, 0, 7, '5%', '0.1%', '100%'] as const).map((tolerate) => toleratedOf(tolerate, 999)),
    [0, 0, 7, 49, 0, 999],
  )
})
