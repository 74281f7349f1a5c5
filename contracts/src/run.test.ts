import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from './errors.ts'
import { parseInput } from './fields.ts'
import { UnacceptableJson } from './json-text.ts'
import { parseStartRun, startRunSchema } from './run.ts'

const ABSENT = Symbol()
const NAMES = [ABSENT, undefined, 'a', '', 'a.b', '__proto__', 5]
const VALUES = {
  job: NAMES,
  handler: NAMES,
  id: [ABSENT, undefined, '0123456789abcdef', 'short', 'ABCDEFGHIJKLMNOPQR', 5],
  payload: [ABSENT, undefined, null, { a: 1 }, new UnacceptableJson('INVALID_JSON', 'is not JSON', '{')],
  delayMs: [ABSENT, 5, -1],
  other: [ABSENT, 1],
}

/** Every request that can be made of these values. */
function combined([[name, values] = ['', []], ...rest]: [string, readonly unknown[]][]): object[] {
  if (name === '') return [{}]
  return combined(rest).flatMap((request) => values.map((value) => (value === ABSENT ? request : { [name]: value, ...request })))
}

const outcomeOf = (parse: () => unknown) => {
  try {
    return parse()
  } catch (error) {
    return CarillonError.from(error).toBody()
  }
}

test('a plain request is accepted and refused as by the schema', () => {
  const requests: unknown[] = [
    null,
    'a',
    [],
    {},
    new UnacceptableJson('INVALID_JSON', 'is not JSON', '{'),
    ...combined(Object.entries(VALUES)),
  ]
  for (const request of requests) {
    const bySchema = outcomeOf(() => parseInput(startRunSchema, request, 'run'))
    assert.deepEqual(
      outcomeOf(() => parseStartRun(request)),
      bySchema,
    )
  }
})
