import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobInputSchema } from './job.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { convertJobDurations, JOB_DURATIONS, jobInMilliseconds, NODE_DURATIONS, type WrittenDurations } from './written-durations.ts'

interface Json {
  readonly properties?: Readonly<Record<string, Json>>
  readonly items?: Json
  readonly anyOf?: readonly Json[]
  readonly oneOf?: readonly Json[]
}

/** The paths of all fields of a schema whose unit is in their name. */
function inSchema({ properties = {}, items, anyOf = [], oneOf = [] }: Json, path = ''): string[] {
  const here = Object.entries(properties).flatMap(([name, inner]) => [
    ...(name.endsWith('Ms') ? [`${path}${name}`] : []),
    ...inSchema(inner, `${path}${name}.`),
  ])
  return [...here, ...(items ? inSchema(items, path) : []), ...[...anyOf, ...oneOf].flatMap((one) => inSchema(one, path))]
}

function inTable({ fields, lists = [], within = {} }: WrittenDurations, path = ''): string[] {
  const inner = Object.entries(within).flatMap(([name, written]) => inTable(written, `${path}${name}.`))
  return [...[...fields, ...lists].map((name) => `${path}${name}Ms`), ...inner]
}

test('every duration of a job and of its nodes may be written as text', () => {
  const expected = [...new Set(inSchema(jsonSchemaOf(jobInputSchema, 'input') as Json))]
  const found = [...inTable(JOB_DURATIONS), ...inTable(NODE_DURATIONS, 'workflow.nodes.')]
  assert.deepEqual(found.toSorted(), expected.toSorted())
})

test('durations as text are milliseconds, wherever they stand; other members stay as they are', () => {
  const undo = { handler: 'refund', timeout: '2d', backoff: { type: 'fixed', delay: '10m' } }
  const job = {
    ...{ name: 'x', timeout: '30s', backoff: { type: 'list', delays: ['1s', '1h30m'], jitter: 0.1 }, payload: { timeout: 'mine' } },
    ...{ schedule: { every: '10m', jitter: '5s' }, rate: { count: 5, period: '1m' }, debounce: { period: '1s', maxWait: '1m' } },
    workflow: { nodes: [{ id: 'a', handler: 'h', compensate: undo }, { id: 'b', wait: { approval: { timeout: '2d' } } }, null] },
  }
  assert.deepEqual(jobInMilliseconds(job), {
    ...{ name: 'x', timeoutMs: 30_000, backoff: { type: 'list', delaysMs: [1_000, 5_400_000], jitter: 0.1 }, payload: { timeout: 'mine' } },
    ...{
      schedule: { everyMs: 600_000, jitterMs: 5_000 },
      rate: { count: 5, periodMs: 60_000 },
      debounce: { periodMs: 1_000, maxWaitMs: 60_000 },
    },
    workflow: {
      nodes: [
        { id: 'a', handler: 'h', compensate: { handler: 'refund', timeoutMs: 172_800_000, backoff: { type: 'fixed', delayMs: 600_000 } } },
        { id: 'b', wait: { approval: { timeoutMs: 172_800_000 } } },
        null,
      ],
    },
  })
})

test('what is no duration, or is given twice, is named with its place', () => {
  const { problems } = convertJobDurations({
    ...{ timeout: 'soon', backoff: { delays: ['1s', 'x'], max: 5 }, schedule: { every: '1m', everyMs: 1 } },
    workflow: { nodes: [{ id: 'a', compensate: { handler: 'b', timeout: 'later' } }] },
  })
  assert.deepEqual(
    problems.map(({ field }) => field),
    ['timeout', 'backoff.delays', 'backoff.max', 'schedule.every', 'workflow.nodes.0.compensate.timeout'],
  )
  assert.throws(() => jobInMilliseconds({ rate: { period: 'x' } }), { code: 'INVALID_DELAY', message: 'rate.period is wrong: "x"' })
})
