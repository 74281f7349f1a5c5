import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from './errors.ts'
import { parseInput } from './fields.ts'
import { UnacceptableJson } from './json-text.ts'
import { reportSchema } from './messages.ts'
import { parseReport } from './parse-report.ts'

const ABSENT = Symbol()
const BASE = { type: 'finished', runId: '0123456789abcdef', taskId: '0123456789abcdef-1', attempt: 1, outcome: 'succeeded' }
/** Each field with values that are right and wrong. */
const VALUES = {
  type: [ABSENT, 'finished', 'started', 'released', 'other', 1],
  runId: [ABSENT, undefined, 'a', '', 'a.b', '__proto__', 5],
  taskId: [ABSENT, undefined, 'a', '', 'a b', 'x'.repeat(129), 5],
  attempt: [ABSENT, undefined, 0, 1, 1.5, -1, 2 ** 53, Number.NaN, '1'],
  outcome: [ABSENT, undefined, 'succeeded', 'failed', 'timed_out', 'cancelled', 'slept', 1],
  result: [ABSENT, undefined, null, { a: [1] }, 'text', new UnacceptableJson('INVALID_JSON', 'is not JSON', '{')],
  durationMs: [ABSENT, undefined, 0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, '1'],
  logLines: [ABSENT, undefined, 0, 7, -1, 1.5, 2 ** 53, '1'],
  error: [ABSENT, { message: 'no' }, 5],
  context: [ABSENT, { a: 1 }, JSON.parse('{"__proto__":1}')],
  session: [ABSENT, 'a', 5],
  unknown: [ABSENT, 1],
}

const outcomeOf = (parse: () => unknown) => {
  try {
    return parse()
  } catch (error) {
    return CarillonError.from(error).toBody()
  }
}

test('a report is accepted and refused as by the schema: every two fields with all their values', () => {
  const names = Object.keys(VALUES) as (keyof typeof VALUES)[]
  const given = (report: object, name: string, value: unknown) => {
    const { [name]: _, ...rest } = report as Record<string, unknown>
    return value === ABSENT ? rest : { ...rest, [name]: value }
  }
  for (const one of names)
    for (const other of names)
      for (const value of VALUES[one])
        for (const second of VALUES[other]) {
          const report = given(given(BASE, one, value), other, second)
          assert.deepEqual(
            outcomeOf(() => parseReport(report)),
            outcomeOf(() => parseInput(reportSchema, report, 'report')),
          )
        }
  for (const report of [null, 'a', 5, [], [BASE], {}, new UnacceptableJson('INVALID_JSON', 'is not JSON', '{')])
    assert.deepEqual(
      outcomeOf(() => parseReport(report)),
      outcomeOf(() => parseInput(reportSchema, report, 'report')),
    )
})
