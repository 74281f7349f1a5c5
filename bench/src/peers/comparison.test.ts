import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fallenBelow, heldOf, ratiosOf, spreadsOf } from './comparison.ts'

const round = (singlePerS: number, startP50Ms: number) => ({ singlePerS, bulkPerS: 100, startP50Ms, startP99Ms: 5, peakMiB: 200 })

test('a spread has the median and the range of the rounds', () => {
  assert.deepEqual(spreadsOf([round(30, 1), round(10, 1), round(20, 1)]).singlePerS, { median: 20, least: 10, most: 30 })
  assert.equal(spreadsOf([round(10, 1), round(20, 1)]).singlePerS?.median, 15)
  assert.equal(spreadsOf([round(10, 1)]).fanOutPerS, undefined)
})

test('a ratio above 1 means that Carillon is better, for rates and for times', () => {
  const ratios = ratiosOf({ 'carillon-sqlite': [round(200, 2)], bullmq: [round(100, 4)] })
  assert.equal(ratios['carillon-sqlite/bullmq singlePerS'], 2)
  assert.equal(ratios['carillon-sqlite/bullmq startP50Ms'], 2)
  assert.equal(ratios['carillon-sqlite/bullmq fanOutPerS'], undefined)
})

test('a baseline holds no 99th percentile', () => {
  assert.deepEqual(heldOf({ 'a/b singlePerS': 1, 'a/b startP50Ms': 2, 'a/b startP99Ms': 3 }), { 'a/b singlePerS': 1, 'a/b startP50Ms': 2 })
})

test('the check names what is more than 15 % below its baseline and what was not measured, and nothing else', () => {
  const lines = fallenBelow({ kept: 2, fallen: 2, absent: 2 }, { kept: 1.7, fallen: 1.69, added: 0.1 })
  assert.equal(lines.length, 2)
  assert.match(lines[0] as string, /^fallen: 1\.69 is 16 % below the stored 2/)
  assert.match(lines[1] as string, /^absent was not measured/)
})
