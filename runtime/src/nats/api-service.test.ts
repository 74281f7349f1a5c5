import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type ErrorBody, LIMITS } from '@carillon/contracts'
import { refusalText } from './api-service.ts'

const refusalOf = (error: CarillonError): ErrorBody => (JSON.parse(refusalText(error)) as { error: ErrorBody }).error

test('an error that does not fit into a message says less, so that it arrives', () => {
  const problem = { field: 'workflow.nodes.0.after', value: 'x', problem: 'there is no such node', hint: 'y'.repeat(200) }
  const few = new CarillonError('INVALID_WORKFLOW', 'wrong', { field: 'f', value: 'v', problems: [problem, problem] })
  assert.deepEqual(refusalOf(few), few.toBody())
  const problems = Array.from({ length: 10_000 }, () => problem)
  const many = new CarillonError('INVALID_WORKFLOW', 'w'.repeat(LIMITS.messageBytes), { field: 'workflow', value: 'v', problems })
  assert.ok(Buffer.byteLength(refusalText(many)) < LIMITS.messageBytes)
  const { code, field, hint, retry, message, problems: kept } = refusalOf(many)
  assert.deepEqual([code, field, hint, retry, kept], ['INVALID_WORKFLOW', 'workflow', many.details.hint, false, undefined])
  assert.match(message, /^w+$/)
})
