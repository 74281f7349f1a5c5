import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type * as z from 'zod'
import { auditEventSchema } from './audit.ts'
import { calendarInputSchema } from './calendar.ts'
import { deadLetterSchema } from './dead-letter.ts'
import { parseInput } from './fields.ts'
import { beatSchema, presenceSchema, registerSchema } from './instance.ts'
import { jobInputSchema } from './job.ts'
import { parseJson } from './json.ts'
import { logMessageSchema } from './log.ts'
import {
  assignmentAnswerSchema,
  assignmentSchema,
  claimSchema,
  controlSchema,
  hungSchema,
  liveRunSchema,
  liveTaskSchema,
  mapSchema,
  rejectedSchema,
  reportSchema,
  runEndedSchema,
  workSchema,
} from './messages.ts'
import { startRunSchema } from './run.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/v1')

/** By the first words of the file's name. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  work: workSchema,
  'assignment-answer': assignmentAnswerSchema,
  assignment: assignmentSchema,
  report: reportSchema,
  'event-run': runEndedSchema,
  'event-message': rejectedSchema,
  'event-audit': auditEventSchema,
  'event-dead-letter': deadLetterSchema,
  'live-task': liveTaskSchema,
  live: liveRunSchema,
  log: logMessageSchema,
  control: controlSchema,
  beat: beatSchema,
  hung: hungSchema,
  register: registerSchema,
  presence: presenceSchema,
  claim: claimSchema,
  map: mapSchema,
  start: startRunSchema,
  job: jobInputSchema,
  calendar: calendarInputSchema,
}
const files = readdirSync(FOLDER).sort()
const schemaOf = (file: string) => Object.entries(SCHEMAS).find(([name]) => file.startsWith(name))?.[1] as z.ZodType
const read = (file: string) => parseJson(readFileSync(join(FOLDER, file), 'utf8'))

test('every message of version 1 parses, and keeps every field', () => {
  const kept = (parsed: unknown, given: unknown) =>
    Object.fromEntries(Object.keys(given as object).map((key) => [key, (parsed as Record<string, unknown>)[key]]))
  for (const file of files) {
    const given = read(file)
    const parsed = parseInput(schemaOf(file), given)
    if (file.startsWith('live')) continue
    if (Array.isArray(given))
      assert.deepEqual(
        (parsed as unknown[]).map((one, i) => kept(one, given[i])),
        given,
        file,
      )
    else assert.deepEqual(kept(parsed, given), given, file)
  }
})

test('every message has a fixture', () => {
  for (const name of Object.keys(SCHEMAS))
    assert.ok(
      files.some((file) => file.startsWith(name)),
      name,
    )
  for (const type of ['started', 'progress', 'finished', 'failed', 'died']) assert.ok(files.includes(`report-${type}.json`), type)
})

test('records with fields of a later version are read, commands with them are refused', () => {
  const extended = (given: unknown) => ({ ...(given as object), fromTheFuture: { deep: [1] } })
  for (const file of files) {
    const given = read(file)
    const later = Array.isArray(given) ? given.map(extended) : extended(given)
    const strict = /^(start|job|calendar|claim|map|register)/.test(file)
    if (strict) assert.throws(() => parseInput(schemaOf(file), later), { code: 'INVALID_REQUEST' }, file)
    else parseInput(schemaOf(file), later)
  }
})
