import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DDSketch } from '@datadog/sketches-js'
import fc from 'fast-check'
import { addDistribution, binOf, type Counting, durationsOf, emptyDistribution, measure, quantile } from './histogram.ts'

function of(values: readonly number[]): Counting {
  const distribution = emptyDistribution()
  for (const ms of values) measure(distribution, ms)
  return distribution
}
const plain = (distribution: Counting) => JSON.parse(JSON.stringify(distribution))
const DURATION = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 86_400_000 }))

test('a percentile is within 2 % of the value that has this rank', () => {
  fc.assert(
    fc.property(fc.array(DURATION, { minLength: 1, maxLength: 300 }), fc.constantFrom(0, 0.5, 0.95, 0.99, 1), (values, share) => {
      const exact = values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] as number
      const found = quantile(of(values), share) as number
      assert.ok(Math.abs(found - exact) <= exact * 0.02 + 1e-9, `${found} for ${exact}`)
    }),
  )
})

test('percentiles are those of DDSketch with the same bins', () => {
  fc.assert(
    fc.property(fc.array(DURATION, { minLength: 1, maxLength: 300 }), fc.constantFrom(0.5, 0.95, 0.99), (values, share) => {
      const oracle = new DDSketch({ relativeAccuracy: 0.04 / 2.04 })
      for (const ms of values) oracle.accept(ms)
      const [found, wanted] = [quantile(of(values), share) as number, Math.min(oracle.getValueAtQuantile(share), Math.max(...values))]
      assert.ok(Math.abs(found - wanted) <= wanted * 1e-9, `${found} for ${wanted}`)
    }),
  )
})

test('two halves added up are the whole, in any order', () => {
  fc.assert(
    fc.property(fc.array(DURATION), fc.array(DURATION), (one, other) => {
      const [forth, back] = [of(one), of(other)]
      addDistribution(forth, of(other))
      addDistribution(back, of(one))
      assert.deepEqual([plain(forth), plain(back)], [plain(of([...one, ...other])), plain(of([...one, ...other]))])
    }),
  )
})

test('bins are fixed, a day takes fewer than 470, and nothing measured has no percentile', () => {
  assert.deepEqual([0, 1, 2, 10, 1_000].map(binOf), [-1, 0, 18, 59, 177])
  assert.ok(binOf(86_400_000) < 470)
  assert.deepEqual(durationsOf(emptyDistribution()), { count: 0 })
  assert.deepEqual(durationsOf(of([0, 0, 1])), { count: 3, mean: 0.3, p50: 0, p95: 0, max: 1 })
})
