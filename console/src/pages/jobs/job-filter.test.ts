import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eligible, filteredJobs } from './job-filter.ts'

const JOBS = [
  { name: 'report', handler: 'report', state: 'active', description: 'Sums of the day' },
  { name: 'bill-eu', handler: 'bill', state: 'paused' },
  { name: 'launch', handler: 'hello', state: 'finished' },
] as const

test('jobs are found by name, handler, description and state', () => {
  const found = (text: string, state?: 'active' | 'paused' | 'finished') => filteredJobs(JOBS, { text, state }).map(({ name }) => name)
  assert.deepEqual(found(''), ['report', 'bill-eu', 'launch'])
  assert.deepEqual(found(' BILL '), ['bill-eu'])
  assert.deepEqual(found('sums'), ['report'])
  assert.deepEqual(found('', 'finished'), ['launch'])
  assert.deepEqual(found('report', 'paused'), [])
})

test('a bulk action says how many it does not concern', () => {
  const all = new Set(JOBS.map(({ name }) => name))
  assert.deepEqual(eligible(JOBS, all, 'pause'), { names: ['report'], others: 2 })
  assert.deepEqual(eligible(JOBS, all, 'resume'), { names: ['bill-eu'], others: 2 })
  assert.deepEqual(eligible(JOBS, new Set(['gone']), 'resume'), { names: [], others: 0 })
})
