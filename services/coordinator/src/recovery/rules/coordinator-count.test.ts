import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, DEATHS_COUNT_MS, missingCoordinators } from './coordinator-count.ts'

const at = (kind: Change['kind'], atMs: number): Change => ({ kind, atMs })

test('a death counts until someone takes the place, or it is an hour old', () => {
  const cases: [Change[], number][] = [
    [[], 0],
    [[at('died', 10)], 1],
    [[at('died', 10), at('appeared', 12)], 0],
    [[at('appeared', 5), at('died', 10)], 1],
    [[at('died', 10), at('died', 11), at('appeared', 12)], 1],
    [[at('appeared', 12), at('died', 10)], 0],
    [[at('appeared', 1), at('appeared', 2), at('died', 3)], 1],
  ]
  for (const [changes, missing] of cases) assert.equal(missingCoordinators(changes, 20), missing, JSON.stringify(changes))
  assert.equal(missingCoordinators([at('died', 10)], 10 + DEATHS_COUNT_MS), 0)
})
