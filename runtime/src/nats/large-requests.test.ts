import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '../testing/index.ts'
import { LargeRequests } from './large-requests.ts'

const MIB = 1024 * 1024

test('large requests are served one after another; one that fails holds up no other', async () => {
  const large = new LargeRequests()
  const served: number[] = []
  const ends: ((error?: Error) => void)[] = []
  const serve = (name: number) => () => {
    served.push(name)
    return new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve())))
  }
  const outcomes = Promise.allSettled([1, 2, 3].map((name) => large.inTurn(MIB, serve(name))))
  await settle()
  assert.deepEqual(served, [1])
  ends[0]?.(new Error('away'))
  await settle()
  assert.deepEqual(served, [1, 2])
  ends[1]?.()
  await settle()
  ends[2]?.()
  assert.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
})

test('there is room for so many bytes, and for one request in any case', async () => {
  const large = new LargeRequests()
  assert.equal(large.hasRoom(1_000 * MIB), true)
  let end: () => void = () => undefined
  const served = large.inTurn(60 * MIB, () => new Promise<void>((resolve) => (end = resolve)))
  await settle()
  assert.equal(large.hasRoom(MIB), true)
  assert.equal(large.hasRoom(5 * MIB), false)
  end()
  await served
  assert.equal(large.hasRoom(5 * MIB), true)
})
