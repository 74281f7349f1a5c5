import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import type { CarillonError } from './errors.ts'
import { durationField, instantField, nameField, parseInput, parseInstant, problemsIn } from './fields.ts'
import { beatSchema, registerSchema } from './instance.ts'
import { jobInputSchema } from './job.ts'
import { setDataSchema } from './job-memory.ts'
import { parseBody } from './json-text.ts'
import { readLogMessage } from './log.ts'
import { startRunSchema } from './run.ts'

const DAY_MS = 86_400_000

function refusal(schema: z.ZodType, input: unknown): { code: string; field?: string; value?: string; hint?: string } {
  try {
    parseInput(schema, input)
  } catch (error) {
    return { ...(error as CarillonError).toBody() } as never
  }
  throw new Error(`was accepted: ${JSON.stringify(input)}`)
}

test('instants are strict RFC 3339', () => {
  assert.equal(parseInstant('2030-01-31T09:00:00Z'), Date.UTC(2030, 0, 31, 9))
  assert.equal(parseInstant('2030-01-31T09:00:00+05:30'), Date.UTC(2030, 0, 31, 3, 30))
  assert.equal(parseInstant('2030-01-31T09:00:00.123456789Z'), Date.UTC(2030, 0, 31, 9, 0, 0, 123))
  assert.equal(parseInstant('2028-02-29T00:00:00Z'), Date.UTC(2028, 1, 29))
  assert.equal(parseInstant('2030-12-31T23:59:59-23:59'), Date.UTC(2030, 11, 31, 23, 59, 59) + (23 * 60 + 59) * 60_000)
  for (const text of [
    '2030-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2030-04-31T00:00:00Z',
    '2030-13-01T00:00:00Z',
    '2030-00-10T00:00:00Z',
    '2030-01-00T00:00:00Z',
    '2030-01-01T24:00:00Z',
    '2030-01-01T23:60:00Z',
    '2030-12-31T23:59:60Z',
    '2030-01-01T00:00:00',
    '2030-01-01T00:00:00+0100',
    '2030-01-01T00:00:00+24:00',
    '2030-01-01 00:00:00Z',
    '2030-01-01',
    '2030-01-01T00:00Z',
    '2030-01-01T00:00:00Z\n',
    '1893456000000',
    'tomorrow',
    '',
    1893456000000,
    null,
    undefined,
    ['2030-01-31T09:00:00Z'],
  ])
    assert.equal(parseInstant(text), undefined, String(text))
})

test('an instant that is refused has a code of its own and a hint', () => {
  const { code, field, value, hint } = refusal(z.object({ at: instantField }), { at: '2030-02-30T00:00:00Z' })
  assert.deepEqual({ code, field, value }, { code: 'INVALID_DATE', field: 'at', value: '"2030-02-30T00:00:00Z"' })
  assert.match(hint ?? '', /RFC 3339/)
})

test('durations are whole milliseconds up to ten years', () => {
  const schema = z.object({ delayMs: durationField })
  for (const delayMs of [0, 1, 60 * DAY_MS, 3_650 * DAY_MS]) assert.deepEqual(parseInput(schema, { delayMs }), { delayMs })
  for (const delayMs of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 4_000 * DAY_MS, 2 ** 60, '5', null, undefined, [5]]) {
    const { code, field, value } = refusal(schema, { delayMs })
    assert.deepEqual({ code, field }, { code: 'INVALID_DELAY', field: 'delayMs' })
    assert.ok(value !== undefined)
  }
})

test('the first offending field is named with its path and value', () => {
  assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a.b' })), ['INVALID_NAME', 'name', '"a.b"'])
  assert.deepEqual(pick(refusal(jobInputSchema, {})), ['INVALID_NAME', 'name', 'undefined'])
  assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a', handler: '__proto__' })), ['INVALID_NAME', 'handler', '"__proto__"'])
  assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a', colour: 'red' })), ['INVALID_REQUEST', 'colour', '"red"'])
  assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a', timeoutMs: 0 })), ['INVALID_DELAY', 'timeoutMs', '0'])
  assert.deepEqual(pick(refusal(jobInputSchema, [])), ['INVALID_REQUEST', 'request', '[]'])
  assert.deepEqual(pick(refusal(jobInputSchema, null)), ['INVALID_REQUEST', 'request', 'null'])
  const backoff = { type: 'exponential', delayMs: 5_000, maxMs: 1_000 }
  assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a', backoff })), ['INVALID_REQUEST', 'backoff.maxMs', '1000'])
  assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a', backoff: { type: 'linear' } })), [
    'INVALID_REQUEST',
    'backoff.type',
    '"linear"',
  ])
})

test('of a schedule that is wrong the part that was written is named, not the parts that were not', () => {
  const cases: [unknown, [string, string, string]][] = [
    [{ everyMs: -5 }, ['INVALID_DELAY', 'schedule.everyMs', '-5']],
    [{ everyMs: 5 }, ['INVALID_DELAY', 'schedule.everyMs', '5']],
    [{ everyMs: 5_000, jitterMs: -1 }, ['INVALID_DELAY', 'schedule.jitterMs', '-1']],
    [{ everyMs: 5_000, jitterMs: '1s' }, ['INVALID_DELAY', 'schedule.jitterMs', '"1s"']],
    [{ everyMs: 5_000, jitterMs: 5_001 }, ['INVALID_REQUEST', 'schedule.jitterMs', '5001']],
    [{ cron: '* * * * *', jitterMs: 86_400_001 }, ['INVALID_DELAY', 'schedule.jitterMs', '86400001']],
    [{ at: '2030-01-01T00:00:00Z', jitterMs: 5 }, ['INVALID_REQUEST', 'schedule.jitterMs', '5']],
    [{ at: '2030-02-30T00:00:00Z' }, ['INVALID_DATE', 'schedule.at', '"2030-02-30T00:00:00Z"']],
    [{ cron: 5 }, ['INVALID_REQUEST', 'schedule.cron', '5']],
    [{ cron: '* * * * *', timezone: 5 }, ['INVALID_REQUEST', 'schedule.timezone', '5']],
    [{ cron: '* * * * *', everyMs: 5_000 }, ['INVALID_REQUEST', 'schedule.everyMs', '5000']],
    [{ everyMs: 5_000, dstGap: 'skip' }, ['INVALID_REQUEST', 'schedule.dstGap', '"skip"']],
    [{ everyMs: 5_000, anchor: '24:00' }, ['INVALID_DATE', 'schedule.anchor', '"24:00"']],
    [{ cron: '0 9 * * *', dstOverlap: 'twice' }, ['INVALID_REQUEST', 'schedule.dstOverlap', '"twice"']],
    [{ cron: '0 9 * * *', startAt: '2030-02-30' }, ['INVALID_DATE', 'schedule.startAt', '"2030-02-30"']],
    [{ cron: '0 9 * * *', calendars: [] }, ['INVALID_REQUEST', 'schedule.calendars', '[]']],
    [{ cron: '0 9 * * *', calendars: [{ rule: 'not', calendar: 'x' }] }, ['INVALID_REQUEST', 'schedule.calendars.0.rule', '"not"']],
    [{ cron: '0 9 * * *', calendars: [{ rule: 'skip', calendar: 'a b' }] }, ['INVALID_NAME', 'schedule.calendars.0.calendar', '"a b"']],
    [{ afterMs: 99 }, ['INVALID_DELAY', 'schedule.afterMs', '99']],
    [{ afterMs: 1_000, jitterMs: 1_001 }, ['INVALID_REQUEST', 'schedule.jitterMs', '1001']],
    [{ at: [] }, ['INVALID_DATE', 'schedule.at', '[]']],
    [{ at: ['2030-01-01T00:00:00Z', 'soon'] }, ['INVALID_DATE', 'schedule.at', '["2030-01-01T00:00:00Z","soon"]']],
    [{ every: 5_000 }, ['INVALID_REQUEST', 'schedule.every', '5000']],
    ['* * * * *', ['INVALID_REQUEST', 'schedule', '"* * * * *"']],
    [5, ['INVALID_REQUEST', 'schedule', '5']],
  ]
  for (const [schedule, expected] of cases) assert.deepEqual(pick(refusal(jobInputSchema, { name: 'a', schedule })), expected)
})

test('a run names either a job or a handler, and one time at most', () => {
  assert.equal(refusal(startRunSchema, {}).field, 'job')
  assert.equal(refusal(startRunSchema, { job: 'a', handler: 'b' }).field, 'job')
  assert.equal(refusal(startRunSchema, { job: 'a', delayMs: 1, at: '2030-01-01T00:00:00Z' }).field, 'at')
  assert.equal(refusal(startRunSchema, { job: 'a', id: 'SHORT' }).field, 'id')
  assert.equal(refusal(startRunSchema, { job: 'a', key: '' }).field, 'key')
  assert.deepEqual(pick(refusal(startRunSchema, { job: 'a', delayMs: Number.NaN })), ['INVALID_DELAY', 'delayMs', 'NaN'])
})

test('a body that is not JSON is no object without fields', () => {
  for (const text of ['not json', '{"half":', ''.padEnd(30, '9')]) {
    const { code } = refusal(beatSchema, parseBody(Buffer.from(text)))
    assert.equal(code, text.startsWith('9') ? 'INTEGER_TOO_LARGE' : 'INVALID_JSON', text)
  }
})

test('a member called __proto__ is kept where any JSON is, and refused where names are', () => {
  const own = JSON.parse('{"__proto__":{"a":1},"b":2}')
  const caller = { taskId: '01kb9f4c2s0000q1w2e3r4t5y6', attempt: 1, instance: 'i-1' }
  assert.equal(JSON.stringify(parseInput(setDataSchema, { ...caller, data: own }).data), '{"__proto__":{"a":1},"b":2}')
  for (const data of [null, [], 'a', undefined, parseBody(Buffer.from('{'))])
    assert.equal(refusal(setDataSchema, { ...caller, data }).field, 'data')
  const line = { seq: 1, at: '2030-01-01T00:00:00Z', level: 'info', message: 'm', fields: own }
  const { lines } = readLogMessage({ runId: 'r', ...caller, lines: [line] })
  assert.equal(JSON.stringify(lines[0]?.fields), '{"__proto__":{"a":1},"b":2}')
  const register = { instance: 'i-1', service: 's', handlers: [{ name: 'h', inputSchema: own }] }
  assert.equal(JSON.stringify(parseInput(registerSchema, register).handlers[0]?.inputSchema), '{"__proto__":{"a":1},"b":2}')
  const labels = JSON.parse('{"zone":"a","__proto__":"b"}')
  for (const [schema, input] of [
    [jobInputSchema, { name: 'a', labels }],
    [startRunSchema, { handler: 'a', labels }],
    [registerSchema, { ...register, labels }],
  ] as const)
    assert.deepEqual(pick(refusal(schema, input)), ['INVALID_REQUEST', 'labels.__proto__', '"b"'])
})

function pick({ code, field, value }: { code: string; field?: string; value?: string }): unknown[] {
  return [code, field, value]
}

test('all problems of a value are found, each field by itself', () => {
  const schema = z.strictObject({
    name: z.string(),
    list: z.array(
      z.union([z.strictObject({ id: nameField, a: z.int() }), z.strictObject({ id: nameField, b: z.int(), c: z.int() })], {
        error: 'Give a, or b and c.',
      }),
    ),
  })
  const value = {
    name: 5,
    list: [{ id: 'x', a: 'y', d: 1 }, { id: 'x y', b: 1, c: 2 }, { id: 'x' }, { id: 'x', b: 1 }, { a: 1 }],
    e: 1,
    f: 2,
  }
  assert.deepEqual(
    problemsIn(schema, value).map(({ code, details }) => [code, details.field]),
    [
      ['INVALID_REQUEST', 'name'],
      ['INVALID_REQUEST', 'list.0.a'],
      ['INVALID_REQUEST', 'list.0.d'],
      ['INVALID_NAME', 'list.1.id'],
      ['INVALID_REQUEST', 'list.2.a'],
      ['INVALID_REQUEST', 'list.3'],
      ['INVALID_NAME', 'list.4.id'],
      ['INVALID_REQUEST', 'e'],
      ['INVALID_REQUEST', 'f'],
    ],
  )
  assert.deepEqual(problemsIn(schema, { name: 'x', list: [] }), [])
})
