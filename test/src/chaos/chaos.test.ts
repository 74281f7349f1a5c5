import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mongodb, STORES, sqlite, type TestStore } from '../support/stores.ts'
import { lineOf, type PlayOptions, play } from './play.ts'
import { scenarioCalled } from './scenarios.ts'

/** Always the same blows at about the same times; `npm run chaos` takes other seeds, more rounds, and more scenarios. */
const SHORT: Pick<PlayOptions, 'seed' | 'size'> = { seed: 1, size: 'short' }

function plays(name: string, store: TestStore): void {
  const scenario = scenarioCalled(name)
  test(`${scenario.about}, ${store.name}`, { skip: store.skip }, async (context) => {
    const outcome = await play(scenario, { ...SHORT, store, withoutGuard: false })
    context.diagnostic(lineOf(outcome))
    assert.deepEqual(outcome.faults, [])
    assert.ok(outcome.hits > 0, 'nothing was under way when it was hurt')
  })
}

function failsWithoutGuard(name: string): void {
  const scenario = scenarioCalled(name)
  test(`without its guard it fails: ${scenario.about}`, async (context) => {
    const outcome = await play(scenario, { ...SHORT, withoutGuard: true })
    context.diagnostic(lineOf(outcome))
    assert.notDeepEqual(outcome.faults, [])
  })
}

describe('chaos, in short', { concurrency: 3 }, () => {
  for (const store of STORES) plays('executor-kill', store)
  plays('coordinator-kill', mongodb)
  for (const name of ['broker-kill', 'executor-stop', 'broker-wipe', 'everything-kill']) plays(name, sqlite)
  failsWithoutGuard('executor-kill')
})
