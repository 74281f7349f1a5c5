import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type ErrorCode } from '@carillon/contracts'
import { inIsolation, mayPass } from './isolate.ts'

const fault = () => new CarillonError('INTERNAL', 'cannot be stored')
const run = (bad: ReadonlySet<number>, calls: number[] = []) => {
  return async (items: readonly number[]) => {
    calls.push(items.length)
    if (items.some((item) => bad.has(item))) throw fault()
    return items.map((item) => item * 2)
  }
}
const failed = (_: number, { code }: CarillonError) => code
const items = Array.from({ length: 100 }, (_, i) => i)

test('where nothing fails it is one call', async () => {
  const calls: number[] = []
  const outcomes = await inIsolation(items, run(new Set(), calls), failed)
  assert.deepEqual([outcomes.at(-1), calls], [198, [100]])
  assert.deepEqual(await inIsolation([], run(new Set()), failed), [])
})

test('what fails for good is found, and costs no other', async () => {
  const bad = new Set([0, 41, 42, 99])
  const calls: number[] = []
  const outcomes = await inIsolation(items, run(bad, calls), failed)
  assert.deepEqual(
    outcomes,
    items.map((item) => (bad.has(item) ? 'INTERNAL' : item * 2)),
  )
  assert.ok(calls.length < 60, `${calls.length} calls`)
})

test('what may pass fails as a whole: it has to be tried again', async () => {
  const away = async () => {
    throw new CarillonError('STORE_UNAVAILABLE', 'away')
  }
  await assert.rejects(inIsolation(items, away, failed), { code: 'STORE_UNAVAILABLE' })
})

test('faults of ours and wrong input stay; what is away may come back', () => {
  const codes: [ErrorCode, boolean][] = [
    ['INTERNAL', false],
    ['INVALID_REQUEST', false],
    ['STORE_UNAVAILABLE', true],
    ['STORE_FULL', true],
    ['STORE_READ_ONLY', true],
    ['NATS_UNAVAILABLE', true],
    ['QUEUE_FULL', true],
  ]
  for (const [code, expected] of codes) assert.equal(mayPass(new CarillonError(code, '')), expected, code)
  for (const error of [new TypeError(''), new RangeError(''), new SyntaxError('')]) assert.equal(mayPass(error), false)
  for (const error of [new Error('timeout'), 'text', undefined]) assert.equal(mayPass(error), true)
})
