import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LineCounts } from './line-counts.ts'

const run = (runId: string, namespace = 'default') => ({ namespace, runId })

it('names the runs that grew, once', () => {
  const counts = new LineCounts({ maxRuns: 10 })
  counts.add(run('a'), 60)
  counts.add(run('a'), 60)
  counts.add(run('a', 'other'), 99)
  counts.add(run('b'), 100)
  assert.deepEqual(counts.takeGrown(100), [run('b'), run('a')])
  assert.deepEqual(counts.takeGrown(100), [])
  counts.add(run('a', 'other'), 1)
  assert.deepEqual(counts.takeGrown(100), [run('a', 'other')])
})

it('forgets the run that was quiet the longest when there are too many', () => {
  const counts = new LineCounts({ maxRuns: 2 })
  counts.add(run('a'), 1)
  counts.add(run('b'), 1)
  counts.add(run('a'), 1)
  counts.add(run('c'), 1)
  assert.deepEqual(counts.takeGrown(1), [run('c'), run('a')])
})
