import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, LIMITS, parseBody, writeJson } from '@carillon/contracts'
import { aRun } from '@carillon/store/testing'
import fc from 'fast-check'
import type { Decision } from './decision.ts'
import { decideReport } from './life.ts'
import { readReports } from './read-reports.ts'

const RESULT = { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const
const run = aRun(1)

/** What an executor writes of a result; undefined where it refuses. */
function written(result: unknown): string | undefined {
  try {
    return writeJson(result, RESULT)
  } catch (error) {
    assert.ok(CarillonError.is(error), String(error))
    return undefined
  }
}

function endOf(report: unknown): Decision['set'] {
  assert.ok(report && typeof report === 'object' && 'report' in report)
  return (decideReport(run, report.report as never, { policy: run, instance: 'i', now: 1 }) as Decision).set
}

const deep = fc.integer({ min: LIMITS.jsonDepth - 4, max: LIMITS.jsonDepth + 4 }).map((levels) => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value }
  return value
})
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
})
const numbers = fc.oneof(fc.maxSafeInteger(), fc.double(), fc.bigInt().map(Number)).map((n) => ({ n }))

test('what an executor writes is kept letter for letter, whatever travels beside it', () => {
  const values = fc.array(
    fc.oneof(
      anything,
      deep,
      numbers,
      fc.json().map((text) => JSON.parse(text) as unknown),
    ),
    { minLength: 1, maxLength: 5 },
  )
  const foreign = fc.constantFrom(
    'NaN',
    '1'.repeat(20),
    '['.repeat(90) + ']'.repeat(90),
    '{"a":1e999}',
    '{"a":[}',
    '{"a":1]}',
    '{"a"}',
    '[1,,2]',
  )
  fc.assert(
    fc.property(values, fc.option(foreign), (given, other) => {
      const texts = given.map(written).filter((text) => text !== undefined)
      const results = other === null ? texts : [...texts, other]
      const reports = results.map(
        (text) => `{"runId":"${run.id}","taskId":"${run.id}","attempt":1,"type":"finished","outcome":"succeeded","result":${text}}`,
      )
      const items = readReports(parseBody(Buffer.from(reports.length === 1 ? String(reports[0]) : `[${reports.join(',')}]`)))
      assert.equal(items.length, results.length)
      for (const [i, text] of texts.entries()) {
        const { state, result } = endOf(items[i])
        assert.deepEqual([state, JSON.parse(result ?? '')], ['succeeded', JSON.parse(text)])
      }
      if (other !== null) assert.equal(endOf(items.at(-1)).reason, 'invalid-result')
    }),
  )
})

test('a sleep that cannot be read ends its task: it would not be reported again', () => {
  const head = `"runId":"${run.id}","taskId":"${run.id}","attempt":1,"type":"slept"`
  for (const delay of ['1e300', '-1', '1e999', 'NaN']) {
    const [item] = readReports(parseBody(Buffer.from(`{${head},"delayMs":${delay}}`)))
    assert.ok(item && 'ends' in item, delay)
    assert.deepEqual(
      item.ends.map(({ taskId, type, reason }) => [taskId, type, reason]),
      [[run.id, 'finished', 'invalid-result']],
      delay,
    )
  }
})
