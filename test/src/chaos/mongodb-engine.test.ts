import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SKIP_WITHOUT_OWN_ENGINE } from '../support/stores.ts'
import { lineOf, play } from './play.ts'
import { scenarioCalled } from './scenarios.ts'

const storeKill = scenarioCalled('store-kill')

test(storeKill.about, { skip: SKIP_WITHOUT_OWN_ENGINE }, async (context) => {
  const outcome = await play(storeKill, { seed: 1, size: 'short', withoutGuard: false })
  context.diagnostic(lineOf(outcome))
  assert.deepEqual(outcome.faults, [])
  assert.ok(outcome.hits > 0, 'nothing was under way when it was hurt')
})
