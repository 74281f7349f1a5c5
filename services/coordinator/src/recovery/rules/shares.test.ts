import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARES } from '@carillon/store'
import { sharesOf } from './shares.ts'

const ids = Array.from({ length: 8 }, (_, i) => `coordinator-${i}a${i * 7}`)
const split = (live: readonly string[]) => new Map(live.map((id) => [id, sharesOf(id, live)]))

test('every share has one owner', () => {
  for (let count = 1; count <= ids.length; count++) {
    const all = [...split(ids.slice(0, count)).values()].flat()
    assert.deepEqual(
      all.sort((a, b) => a - b),
      Array.from({ length: SHARES }, (_, share) => share),
    )
  }
})

test('shares are split fairly', () => {
  for (let count = 2; count <= ids.length; count++)
    for (const shares of split(ids.slice(0, count)).values()) {
      assert.ok(shares.length > SHARES / count / 4, `${shares.length} of ${count}`)
      assert.ok(shares.length < (SHARES / count) * 2.2, `${shares.length} of ${count}`)
    }
})

test('when one leaves, only its shares move; when one comes, only to it', () => {
  const [before, after] = [split(ids), split(ids.slice(1))]
  for (const id of ids.slice(1)) assert.ok((before.get(id) ?? []).every((share) => after.get(id)?.includes(share)))
})

test('the order of the live ones does not matter, and who is not live owns nothing', () => {
  assert.deepEqual(sharesOf(ids[2] as string, ids), sharesOf(ids[2] as string, [...ids].reverse()))
  assert.deepEqual(sharesOf('other', ids), [])
})
