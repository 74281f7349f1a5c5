import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { instantField, nameField, parseInput, runIdField, taskIdField } from './fields.ts'
import { beatSchema, presenceSchema, registerSchema } from './instance.ts'
import { jobInputSchema } from './job.ts'
import { parseJson } from './json.ts'
import { ENDED_STATES, REASONS, type Reason, RUN_STATES } from './lifecycle.ts'
import { logMessageSchema } from './log.ts'
import {
  claimSchema,
  controlSchema,
  mapSchema,
  type RejectedEvent,
  type RunEndedEvent,
  reportSchema,
  type WorkMessage,
} from './messages.ts'
import { failureSchema, progressSchema, startRunSchema } from './run.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/v1')

/** What only we write has no schema in the product; here is what it promises to whoever reads it. */
const work = z.object({
  runId: runIdField,
  taskId: taskIdField,
  handler: nameField,
  job: nameField.optional(),
  attempt: z.int().min(1),
  payload: z.unknown(),
  timeoutMs: z.int().optional(),
  slot: instantField.optional(),
  index: z.int().optional(),
  total: z.int().optional(),
  task: nameField.optional(),
  item: z.json().optional(),
  alone: z.literal(true).optional(),
})
const runEnded = z.object({
  runId: runIdField,
  job: nameField.optional(),
  handler: nameField,
  state: z.enum(ENDED_STATES),
  reason: z.enum(Object.keys(REASONS) as [Reason, ...Reason[]]),
  attempt: z.int().min(1),
  at: instantField,
  result: z.unknown().optional(),
  resultOmitted: z.literal(true).optional(),
  failure: failureSchema.optional(),
})
const live = z.object({
  runId: runIdField,
  handler: nameField,
  state: z.enum(RUN_STATES),
  attempt: z.int(),
  progress: progressSchema.optional(),
})
const rejected = z.object({ subject: z.string(), code: z.string(), message: z.string(), body: z.string(), at: instantField })

/** By the first words of the file's name. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  work,
  report: reportSchema,
  'event-run': runEnded,
  'event-message': rejected,
  live,
  log: logMessageSchema,
  control: controlSchema,
  beat: beatSchema,
  register: registerSchema,
  presence: presenceSchema,
  claim: claimSchema,
  map: mapSchema,
  start: startRunSchema,
  job: jobInputSchema,
}
const files = readdirSync(FOLDER).sort()
const schemaOf = (file: string) => Object.entries(SCHEMAS).find(([name]) => file.startsWith(name))?.[1] as z.ZodType
const read = (file: string) => parseJson(readFileSync(join(FOLDER, file), 'utf8'))

test('every message of version 1 parses, and keeps every field', () => {
  for (const file of files) {
    const given = read(file)
    const parsed = parseInput(schemaOf(file), given) as object
    const kept = Object.fromEntries(Object.keys(given as object).map((key) => [key, (parsed as Record<string, unknown>)[key]]))
    if (!file.startsWith('live')) assert.deepEqual(kept, given, file)
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
  for (const file of files) {
    const later = { ...(read(file) as object), fromTheFuture: { deep: [1] } }
    const strict = /^(start|job|claim|map)/.test(file)
    if (strict) assert.throws(() => parseInput(schemaOf(file), later), { code: 'INVALID_REQUEST' }, file)
    else parseInput(schemaOf(file), later)
  }
})

test('the types of what we write are those of the fixtures', () => {
  const types: [WorkMessage, RunEndedEvent, RejectedEvent] = [
    parseInput(work, read('work.json')) as WorkMessage,
    parseInput(runEnded, read('event-run-ended.json')) as RunEndedEvent,
    parseInput(rejected, read('event-message-rejected.json')),
  ]
  assert.equal(types[0].attempt, 2)
})
