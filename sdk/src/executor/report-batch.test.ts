import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '@carillon/contracts'
import { batchEnd } from './report-batch.ts'

const queue = (count: number, text: string) => Array.from({ length: count }, () => ({ text, onStored: undefined }))

test('a message ends at the limit of reports', () => {
  assert.equal(batchEnd(queue(3, 'x'), 0, LIMITS.messageBytes), 3)
  assert.equal(batchEnd(queue(1_000, 'x'), 0, LIMITS.messageBytes), 200)
  assert.equal(batchEnd(queue(1_000, 'x'), 900, LIMITS.messageBytes), 1_000)
})

test('a message ends at the limit of bytes, also with letters of many bytes, and is never empty', () => {
  const text = '漢'.repeat(100_000)
  assert.equal(batchEnd(queue(10, text), 0, LIMITS.messageBytes), 3)
  assert.equal(batchEnd(queue(10, 'x'.repeat(2_000_000)), 4, LIMITS.messageBytes), 5)
})
