import assert from 'node:assert/strict'
import type { DeadLetterHead, DeadLetterRecord } from '../letter-records.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aLetter, START_AT } from './records.ts'

const LARGE = JSON.stringify(['x'.repeat(100_000)])

function headOf({ payload: _, redrivenWith: _with, request: _request, failed: _failed, ...head }: DeadLetterRecord): DeadLetterHead {
  const { stack: _stack, ...error } = head.error ?? { name: '', message: '' }
  return { ...head, error: head.error && error }
}

export const DEAD_LETTER_CASES: ConformanceCase[] = [
  {
    name: 'dead letters: each is kept once, read whole, and replaced and removed only at the revision that is expected',
    async run({ deadLetters }) {
      const letter = aLetter(1, { payload: LARGE, redrivenWith: LARGE })
      assert.deepEqual(await deadLetters.insert([letter, aLetter(2)]), ['created', 'created'])
      assert.deepEqual(await deadLetters.insert([aLetter(1), aLetter(3)]), ['duplicate', 'created'])
      assert.deepEqual(await deadLetters.get([letter.id, 'nobody']), [letter, undefined])
      const changed = { ...letter, redrivenAs: 'other', redrivenWith: null, isRedriven: 1, by: 'ada', revision: 2 }
      assert.equal(await deadLetters.replace(changed, { revision: 2 }), 'refused')
      assert.equal(await deadLetters.replace(changed, { revision: 1 }), 'applied')
      assert.equal(await deadLetters.replace(changed, { revision: 1 }), 'refused')
      assert.deepEqual(await deadLetters.get([letter.id]), [changed])
      assert.equal(await deadLetters.remove(letter.id, { revision: 1 }), 'refused')
      assert.equal(await deadLetters.remove(letter.id, { revision: 2 }), 'applied')
      assert.equal(await deadLetters.remove(letter.id, { revision: 2 }), 'refused')
      assert.equal(await deadLetters.replace(changed, { revision: 2 }), 'refused')
      assert.deepEqual(await deadLetters.get([letter.id]), [undefined])
    },
  },
  {
    name: 'dead letters: lists are newest first, of one scene or of all, without what is large',
    async run({ deadLetters }) {
      const letters = range(9).map((n) => aLetter(n, { scene: n % 3 ? 'pay' : 'ship', at: START_AT + Math.floor(n / 2), payload: LARGE }))
      await deadLetters.insert([...letters, aLetter(50, { namespace: 'other' })])
      const inOrder = letters.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).map(headOf)
      const pages = (scene?: string) => allOf((cursor) => deadLetters.list({ namespace: 'default', scene, cursor, limit: 2 }))
      assert.deepEqual(await pages(), inOrder)
      assert.deepEqual(
        await pages('ship'),
        inOrder.filter(({ scene }) => scene === 'ship'),
      )
      assert.deepEqual(await pages('nothing'), [])
      await assert.rejects(deadLetters.list({ namespace: 'default', cursor: 'x', limit: 1 }), { code: 'INVALID_REQUEST' })
    },
  },
  {
    name: 'dead letters: the oldest are removed, of any namespace',
    async run({ deadLetters }) {
      await deadLetters.insert(
        range(6).map((n) => aLetter(n, { namespace: n % 2 ? 'other' : 'default', at: START_AT + n, payload: LARGE })),
      )
      assert.equal(await deadLetters.removeOlder({ before: START_AT + 4, limit: 3 }), 3)
      assert.equal(await deadLetters.removeOlder({ before: START_AT + 4, limit: 3 }), 1)
      const left = await deadLetters.get(range(6).map((n) => aLetter(n).id))
      assert.deepEqual(
        left.map((letter) => letter !== undefined),
        [false, false, false, false, true, true],
      )
    },
  },
]
