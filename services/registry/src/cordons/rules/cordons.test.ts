import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cordons } from './cordons.ts'

const cordon = (note: string) => ({ at: '2026-01-01T00:00:00Z', note })

test('what this registry removed is not restored by an older update, but by a newer one', () => {
  const cordons = new Cordons()
  cordons.follow('n.a', 5, cordon('first'))
  cordons.drop('n.a')
  cordons.follow('n.a', 5, cordon('first'))
  assert.deepEqual([cordons.get('n.a'), cordons.list()], [undefined, []])
  cordons.follow('n.a', 6, undefined)
  cordons.follow('n.a', 7, cordon('again'))
  cordons.follow('n.a', 6, undefined)
  assert.deepEqual(cordons.list(), [['n.a', cordon('again')]])
})

test('the bucket replaces what is known', () => {
  const cordons = new Cordons()
  cordons.follow('n.a', 5, cordon('old'))
  cordons.reset(new Map([['n.b', { cordon: cordon('new'), revision: 3 }]]))
  assert.deepEqual(cordons.list(), [['n.b', cordon('new')]])
})
