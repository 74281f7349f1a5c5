import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentMap } from './recent-map.ts'

test('the newest keys are kept, those that were deleted leave room', () => {
  const map = new RecentMap<number>({ max: 3 })
  for (const [i, key] of ['a', 'b', 'c'].entries()) map.set(key, i)
  map.set('a', 10)
  assert.deepEqual([map.get('a'), map.size], [10, 3])
  map.set('d', 3)
  assert.deepEqual([map.get('a'), map.get('b'), map.get('d'), map.size], [undefined, 1, 3, 3])
  map.delete('c')
  map.delete('absent')
  assert.deepEqual([map.get('c'), map.size], [undefined, 2])
  // Its place comes after that of b.
  for (const key of ['e', 'f']) map.set(key, 0)
  assert.deepEqual(
    ['b', 'c', 'd', 'e', 'f'].map((key) => map.get(key) !== undefined),
    [false, false, true, true, true],
  )
})

test('a key is kept until as many others have been added, or it is deleted', () => {
  const map = new RecentMap<number>({ max: 50 })
  const model = new Map<string, { value: number; addedAt: number }>()
  let [seed, added] = [7, 0]
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    const key = `k${seed % 70}`
    const isKept = (name: string) => added - (model.get(name)?.addedAt ?? Number.NEGATIVE_INFINITY) < 50
    if (seed % 3 === 0) {
      map.delete(key)
      model.delete(key)
    } else {
      map.set(key, i)
      model.set(key, { value: i, addedAt: isKept(key) ? (model.get(key)?.addedAt as number) : ++added })
    }
    const name = `k${i % 70}`
    assert.equal(map.get(name), isKept(name) ? model.get(name)?.value : undefined, `${name} after ${i}`)
    assert.ok(map.size <= 50)
  }
})
