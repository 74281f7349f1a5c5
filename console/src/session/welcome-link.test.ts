import assert from 'node:assert/strict'
import { test } from 'node:test'
import { welcomeSecret } from './welcome-link.ts'

test('the secret is read of the fragment of a welcome link only', () => {
  assert.equal(welcomeSecret('#/welcome?secret=a_b-1'), 'a_b-1')
  assert.equal(welcomeSecret('#/other?secret=a'), undefined)
  assert.equal(welcomeSecret('#/welcome'), undefined)
  assert.equal(welcomeSecret(''), undefined)
})
