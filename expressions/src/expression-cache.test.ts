import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExpressionCache } from './expression-cache.ts'
import { EXPRESSION_LIMITS } from './limits.ts'

const field = { field: 'filter', kind: 'boolean', variables: { payload: 'any' } } as const

test('a text is compiled once', () => {
  const cache = new ExpressionCache(field)
  const first = cache.get('payload.total > 100')
  assert.equal(cache.get('payload.total > 100'), first)
  assert.notEqual(cache.get('payload.total > 101'), first)
  assert.deepEqual(first.evaluate({ payload: { total: 101 } }), { ok: true, value: true })
})

test('the number of expressions is bounded', () => {
  const cache = new ExpressionCache(field)
  for (let n = 0; n < EXPRESSION_LIMITS.cachedExpressions + 100; n++) cache.get(`payload.n == ${n}`)
  assert.equal(cache.size, EXPRESSION_LIMITS.cachedExpressions)
})

test('so are their bytes', () => {
  const cache = new ExpressionCache(field)
  for (let n = 0; n < 400; n++) cache.get(`payload.n == '${'a'.repeat(1_000)}${n}'`)
  assert.ok(cache.size > 200 && cache.size <= EXPRESSION_LIMITS.cachedTextBytes / 1_000, `${cache.size}`)
})

test('what is wrong is not kept', () => {
  const cache = new ExpressionCache(field)
  assert.throws(() => cache.get('payload.total >'), { code: 'INVALID_EXPRESSION' })
  assert.equal(cache.size, 0)
})
