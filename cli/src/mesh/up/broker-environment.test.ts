import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { brokerEnvironment } from './broker-environment.ts'

describe('the environment of the nats-server of carillon up', () => {
  for (const [processors, threads] of [
    [1, '1'],
    [2, '1'],
    [3, '1'],
    [8, '4'],
  ] as const) {
    it(`has threads for ${threads} of ${processors} processors`, () => {
      assert.deepEqual(brokerEnvironment({ PATH: '/bin' }, processors), { GOMAXPROCS: threads, PATH: '/bin' })
    })
  }

  it('keeps the threads that somebody has chosen', () => {
    assert.deepEqual(brokerEnvironment({ GOMAXPROCS: '3' }, 2), { GOMAXPROCS: '3' })
  })
})
