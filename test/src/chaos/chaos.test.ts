import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mongodb, STORES, sqlite, type TestStore } from '../support/stores.ts'
import { lineOf, type PlayOptions, play } from './play.ts'
import type { Scenario } from './scenario.ts'
import { brokerKill, brokerWipe } from './scenarios/broker.ts'
import { coordinatorKill } from './scenarios/coordinators.ts'
import { everythingKill } from './scenarios/everything.ts'
import { executorKill, executorStop } from './scenarios/executors.ts'

/** Always the same blows at about the same times; `npm run chaos` takes other seeds, more rounds, and more scenarios. */
const SHORT: Pick<PlayOptions, 'seed' | 'size'> = { seed: 1, size: 'short' }

function plays(scenario: Scenario, store: TestStore): void {
  test(`${scenario.about}, ${store.name}`, { skip: store.skip }, async (context) => {
    const outcome = await play(scenario, { ...SHORT, store, withoutGuard: false })
    context.diagnostic(lineOf(outcome))
    assert.deepEqual(outcome.faults, [])
    assert.ok(outcome.hits > 0, 'nothing was under way when it was hurt')
  })
}

function failsWithoutGuard(scenario: Scenario): void {
  test(`without its guard it fails: ${scenario.about}`, async (context) => {
    const outcome = await play(scenario, { ...SHORT, withoutGuard: true })
    context.diagnostic(lineOf(outcome))
    assert.notDeepEqual(outcome.faults, [])
  })
}

describe('chaos, in short', { concurrency: 2 }, () => {
  for (const store of STORES) plays(executorKill, store)
  plays(coordinatorKill, mongodb)
  plays(brokerKill, sqlite)
  plays(executorStop, sqlite)
  plays(brokerWipe, sqlite)
  plays(everythingKill, sqlite)
  failsWithoutGuard(executorKill)
})
