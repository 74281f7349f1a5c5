import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Beat } from '@carillon/contracts'
import { type Loads, sparkline, versionSkew, withBeat } from './loads.ts'

test('the newest beats are kept', () => {
  let loads: Loads = new Map()
  for (let running = 0; running < 100; running++) loads = withBeat(loads, 'a', { running } as Beat)
  assert.equal(loads.get('a')?.length, 60)
  assert.equal(loads.get('a')?.at(-1)?.running, 99)
})

test('a line stays within its box, whatever is reported', () => {
  assert.equal(sparkline([0, 0.5, 1], { width: 100, height: 22 }), '0,21 50,11 100,1')
  assert.equal(sparkline([2], { width: 100, height: 22 }), '0,1 100,1')
  assert.equal(sparkline([], { width: 100, height: 22 }), '')
})

test('services with several versions are named', () => {
  const instances = [
    ['shop', '2'],
    ['shop', '1'],
    ['bank', '1'],
  ].map(([service = '', version = '']) => ({ service, version }))
  assert.deepEqual([...versionSkew(instances)], [['shop', ['1', '2']]])
})
