import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { opensAt, roomOf, type Starts, withStarts } from './window.ts'

const [rates, steps] = [
  fc.record({ count: fc.integer({ min: 1, max: 300 }), periodMs: fc.integer({ min: 100, max: 100_000 }), by: fc.constant('job' as const) }),
  fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 100 })), { minLength: 1, maxLength: 100 }),
]

test('no period, wherever it begins, has more starts than the rate allows, and when it opens one may start', () => {
  fc.assert(
    fc.property(rates, steps, (rate, arrivals) => {
      let starts: Starts = []
      let now = 1_767_225_600_000
      const times: number[] = []
      for (const [afterMs, wanted] of arrivals) {
        now += afterMs
        const count = Math.min(wanted, roomOf(starts, rate, now))
        starts = withStarts(starts, rate, { now, count })
        for (let i = 0; i < count; i++) times.push(now)
        assert.ok(starts.length <= 62, `${starts.length} intervals are kept`)
        const open = opensAt(starts, rate, now)
        assert.equal(open === undefined, roomOf(starts, rate, now) > 0)
        if (open !== undefined) assert.ok(open > now && roomOf(starts, rate, open) > 0 && roomOf(starts, rate, open - 1) === 0)
      }
      for (const [i, time] of times.entries()) {
        const within = times.slice(i).filter((other) => other < time + rate.periodMs).length
        assert.ok(within <= rate.count, `${within} within ${rate.periodMs} ms, ${rate.count} may start`)
      }
    }),
    { numRuns: 300 },
  )
})

test('a clock that is set back for an hour stops nothing for an hour', () => {
  const rate = { count: 1, periodMs: 1_000, by: 'job' } as const
  const now = 1_767_225_600_000
  assert.equal(roomOf(withStarts([], rate, { now: now + 3_600_000, count: 1 }), rate, now), 1)
})
