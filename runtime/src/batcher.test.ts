import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Batcher } from './batcher.ts'
import { settle } from './testing/index.ts'

function gated(options: { maxItems: number; maxInFlight: number }) {
  const batches: { items: readonly number[]; end: (error?: Error) => void }[] = []
  const batcher = new Batcher<number, string>({
    bytesOf: () => 1,
    ...options,
    run: (items) =>
      new Promise((resolve, reject) =>
        batches.push({ items, end: (error) => (error ? reject(error) : resolve(items.map((item) => `${item}!`))) }),
      ),
  })
  const sizes = () => batches.map(({ items }) => items.length)
  return { batcher, batches, sizes }
}

test('what arrives in one turn is one batch, each item with its own outcome', async () => {
  const { batcher, batches, sizes } = gated({ maxItems: 100, maxInFlight: 4 })
  const outcomes = [1, 2, 3].map((item) => batcher.add(item))
  assert.deepEqual(sizes(), [])
  await settle()
  outcomes.push(batcher.add(4))
  await settle()
  assert.deepEqual(
    batches.map(({ items }) => items),
    [[1, 2, 3], [4]],
  )
  for (const { end } of batches) end()
  assert.deepEqual(await Promise.all(outcomes), ['1!', '2!', '3!', '4!'])
})

test('a batch has at most so many items, and at most so many are under way; the rest is the next one', async () => {
  const { batcher, batches, sizes } = gated({ maxItems: 10, maxInFlight: 2 })
  const all = batcher.addAll(Array.from({ length: 35 }, (_, i) => i))
  await settle()
  assert.deepEqual(sizes(), [10, 10])
  const more = batcher.add(100)
  await settle()
  assert.deepEqual(sizes(), [10, 10])
  batches[1]?.end()
  await settle()
  assert.deepEqual(sizes(), [10, 10, 10])
  for (let i = 0; i < batches.length; i++) {
    batches[i]?.end()
    await settle()
  }
  assert.deepEqual(sizes(), [10, 10, 10, 6])
  assert.equal((await all)[34], '34!')
  assert.equal(await more, '100!')
})

test('a failure fails every item of its batch, and no other', async () => {
  const { batcher, batches } = gated({ maxItems: 2, maxInFlight: 2 })
  const outcomes = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
  await settle()
  batches[0]?.end(new Error('disk full'))
  batches[1]?.end()
  const [first, second, third] = await outcomes
  assert.equal((first as PromiseRejectedResult).reason.message, 'disk full')
  assert.equal(second?.status, 'rejected')
  assert.deepEqual(third, { status: 'fulfilled', value: '3!' })
  const after = batcher.add(9)
  await settle()
  batches[2]?.end()
  assert.equal(await after, '9!')
})

test('a run that throws before it promises anything fails its batch alone', async () => {
  const batcher = new Batcher<number, number>({
    maxItems: 1,
    maxInFlight: 1,
    bytesOf: () => 1,
    run: (items) => {
      if (items[0] === 1) throw new Error('at once')
      return Promise.resolve(items)
    },
  })
  const [first, second] = await Promise.allSettled([batcher.add(1), batcher.add(2)])
  assert.equal(first.status, 'rejected')
  assert.deepEqual(second, { status: 'fulfilled', value: 2 })
})

test('an item that fails for good costs itself alone', async () => {
  const batcher = new Batcher<number, string>({
    maxItems: 100,
    maxInFlight: 1,
    bytesOf: () => 1,
    run: async (items) => {
      if (items.includes(7)) throw new TypeError('seven')
      return items.map((item) => `${item}!`)
    },
  })
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => batcher.add(i)))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    Array.from({ length: 10 }, (_, i) => (i === 7 ? 'rejected' : 'fulfilled')),
  )
})

test('a batch has a limit in bytes; what is small overtakes what is large, and each large item comes in its turn', async () => {
  const MIB = 1024 * 1024
  const batches: string[][] = []
  const batcher = new Batcher<[string, number], void>({
    maxItems: 100,
    maxInFlight: 1,
    bytesOf: ([, bytes]) => bytes,
    run: async (items) => {
      batches.push(items.map(([name]) => name))
      return items.map(() => undefined)
    },
  })
  const items: [string, number][] = [
    ['a', MIB],
    ['b', 5 * MIB],
    ['c', MIB],
    ['d', MIB],
    ['small', 100],
  ]
  await Promise.all(items.map((item) => batcher.add(item)))
  assert.deepEqual(batches, [['a', 'c', 'small'], ['b'], ['d']])
})

test('between two batches the event loop turns', async () => {
  const turns: number[] = []
  let turn = 0
  const count = () => {
    turn++
    if (turns.length < 3) setImmediate(count)
  }
  const batcher = new Batcher<number, number>({
    maxItems: 1,
    maxInFlight: 1,
    bytesOf: () => 1,
    run: async (items) => {
      turns.push(turn)
      return items
    },
  })
  setImmediate(count)
  await batcher.addAll([1, 2, 3])
  assert.equal(new Set(turns).size, 3)
})

test('each caller has a share of each batch: one item does not wait behind thousands', async () => {
  const { batcher, batches } = gated({ maxItems: 10, maxInFlight: 1 })
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
  const all = [batcher.addAll(range(100, 25)), batcher.addAll(range(200, 5)), batcher.addAll([1])]
  for (let i = 0; i < 4; i++) {
    await settle()
    batches[i]?.end()
  }
  await Promise.all(all)
  assert.deepEqual(
    batches.map(({ items }) => items),
    [[...range(100, 3), ...range(200, 3), 1, ...range(103, 3)], [...range(106, 5), 203, 204, ...range(111, 3)], range(114, 10), [124]],
  )
})
