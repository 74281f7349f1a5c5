import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS, CarillonError, DEFAULT_BACKOFF, type JobView, jobInputSchema, LIMITS } from '@carillon/contracts'
import { keepingTerminal } from '../output/testing-terminal.ts'
import { readNamedText } from './jobs-file-source.ts'
import { callsOf, isPut, planApply, type Step } from './plan-apply.ts'
import { countsText, printSteps } from './print-steps.ts'
import { readJobsFile } from './read-jobs-file.ts'
import { jobsText } from './write-jobs-file.ts'
import { writtenOf } from './written-job.ts'

const AT = '2030-01-01T00:00:00.000Z'
const view = (job: Partial<JobView> & { name: string }): JobView => ({
  handler: job.name,
  state: 'active',
  mode: 'single',
  attempts: 1,
  backoff: DEFAULT_BACKOFF,
  misfire: 'once',
  revision: 1,
  payload: null,
  nextAt: AT,
  createdAt: AT,
  updatedAt: AT,
  ...job,
})
const read = (text: string) => readJobsFile(text, 'jobs.yaml')
const written = (text: string) => read(text).map((job) => job.written)

function refusal(text: string): { code: string; message: string; field: string | undefined; hint: string | undefined } {
  try {
    read(text)
  } catch (error) {
    assert.ok(CarillonError.is(error), String((error as Error).stack))
    return { code: error.code, message: error.message, field: error.details.field, hint: error.details.hint }
  }
  return assert.fail(`accepted: ${text.slice(0, 80)}`)
}

test('a view has every field that a person writes, so that a file can have it', () => {
  const shown = Object.keys(CALLS.jobsGet.answer.shape)
  assert.deepEqual(
    Object.keys(jobInputSchema.shape).filter((field) => !shown.includes(field)),
    [],
  )
})

test('of a stored job only what was written is exported, and read again it is the same', () => {
  const jobs = [
    view({ name: 'plain' }),
    view({ name: 'nightly', handler: 'report', schedule: { cron: '0 9 * * *', timezone: 'UTC' }, state: 'paused', data: { a: 1 } }),
    view({ name: 'far', schedule: { cron: '@daily', timezone: 'Europe/Paris', dstGap: 'skip' }, misfire: 'skip', attempts: 3 }),
    view({ name: 'grown', backoff: { type: 'exponential', delayMs: 50, factor: 2, maxMs: 300_000 }, mode: 'map' }),
    view({ name: 'hourly', backoff: { type: 'cron', cron: '0 * * * *', timezone: 'UTC' }, nonRetryable: ['TypeError'] }),
    view({ name: 'listed', backoff: { type: 'list', delaysMs: [1_000, 5_000], jitter: 0.2 } }),
    view({ name: 'parts', mode: 'shards', shards: 2, items: ['yes', { '<<': 1, __proto__x: null }], tolerate: '5%' }),
    view({
      ...{ name: 'calm', concurrencyKey: 'payload.tenant', rate: { count: 5, periodMs: 1_000, by: 'job' } },
      debounce: { periodMs: 5_000, payload: 'last', maxWaitMs: 9_000 },
    }),
    view({ name: 'limited', throttle: { periodMs: 60_000, payload: 'last' } }),
    view({ name: 'packed', batch: { count: 100, periodMs: 2_000 } }),
    view({ name: 'counted', mode: 'shards', shards: 8, maxParallel: 2, description: 'a: b # "c"\n- d' }),
    view({ name: 'loaded', payload: { text: 'no', number: '012', deep: [[{ a: 1e21 }]], 'ключ: x': '\u0007 \n' } }),
  ]
  const exported = jobs.map(writtenOf)
  assert.deepEqual(exported.slice(0, 10), [
    { name: 'plain' },
    { name: 'nightly', handler: 'report', schedule: { cron: '0 9 * * *' }, paused: true },
    { name: 'far', schedule: { cron: '@daily', timezone: 'Europe/Paris', dstGap: 'skip' }, misfire: 'skip', attempts: 3 },
    { name: 'grown', backoff: { type: 'exponential', delayMs: 50 }, mode: 'map' },
    { name: 'hourly', backoff: { type: 'cron', cron: '0 * * * *' }, nonRetryable: ['TypeError'] },
    { name: 'listed', backoff: { type: 'list', delaysMs: [1_000, 5_000], jitter: 0.2 } },
    { name: 'parts', items: ['yes', { '<<': 1, __proto__x: null }], tolerate: '5%' },
    {
      ...{ name: 'calm', concurrencyKey: 'payload.tenant', rate: { count: 5, periodMs: 1_000 } },
      debounce: { periodMs: 5_000, maxWaitMs: 9_000 },
    },
    { name: 'limited', throttle: { periodMs: 60_000, payload: 'last' } },
    { name: 'packed', batch: { count: 100, periodMs: 2_000 } },
  ])
  for (const text of [jobsText(exported), JSON.stringify(exported), JSON.stringify(exported, null, '\t')]) {
    assert.deepEqual(written(text), exported)
    assert.ok(planApply(read(text), jobs, { prune: true }).every(({ action }) => action === 'unchanged'))
  }
  assert.equal(jobsText(exported), jobsText(written(jobsText(exported))))
})

test('several documents, anchors and comments; a file may be empty', () => {
  const text = '# all\n- &a\n  name: a\n  schedule: &s {everyMs: 1000}\n---\n- {name: b, schedule: *s}\n'
  assert.match(refusal(text).message, /^jobs\.yaml:6: the alias \*s has no anchor before it/)
  assert.deepEqual(
    written('- name: a\n  schedule: &s {everyMs: 1000}\n- {name: b, schedule: *s} # the same\n---\n---\n- name: c').map(({ name }) => name),
    ['a', 'b', 'c'],
  )
  assert.deepEqual([...written(''), ...written('# nothing\n'), ...written('[]')], [])
})

test('durations may be text', () => {
  const node = { id: 'a', handler: 'h', timeout: '1m' }
  const job = {
    name: 'a',
    schedule: { every: '10m' },
    timeout: '30s',
    backoff: { type: 'fixed', delay: '1h30m' },
    workflow: { nodes: [node] },
  }
  const [read] = written(JSON.stringify([job]))
  assert.deepEqual([read?.schedule, read?.timeoutMs, read?.backoff], [{ everyMs: 600_000 }, 30_000, { type: 'fixed', delayMs: 5_400_000 }])
  assert.deepEqual(read?.workflow?.nodes, [{ id: 'a', handler: 'h', timeoutMs: 60_000 }])
  assert.equal(refusal('- name: a\n  timeout: soon\n').field, 'timeout')
})

const STORED = [
  view({ name: 'same', schedule: { everyMs: 1000 }, state: 'paused' }),
  view({ name: 'other', schedule: { cron: '0 9 * * *', timezone: 'UTC' }, timeoutMs: 1, payload: { a: { b: 1 }, c: 2 } }),
  view({ name: 'stopped' }),
  view({ name: 'gone' }),
  view({ name: 'announced', mode: 'map-reduce' }),
]
const FILE = `
- {name: same, schedule: {everyMs: 1000}}
- {name: other, attempts: 3, payload: {a: {b: 2}, c: 2}, schedule: {cron: 0 10 * * *, timezone: UTC}}
- {name: stopped, paused: true}
- {name: announced}
- {name: fresh, paused: true, schedule: {everyMs: 1000}}`

test('what differs, field by field; what an operator has paused stays paused', () => {
  const steps = planApply(read(FILE), STORED, { prune: false })
  const shown = steps.map(({ name, action, ...step }) => [name, action, ...('fields' in step ? step.fields : [])])
  assert.deepEqual(shown, [
    ['same', 'unchanged'],
    [
      'other',
      'change',
      { field: 'schedule.cron', from: '0 9 * * *', to: '0 10 * * *' },
      { field: 'payload.a.b', from: 1, to: 2 },
      { field: 'attempts', from: undefined, to: 3 },
      { field: 'timeoutMs', from: 1, to: undefined },
    ],
    ['stopped', 'change', { field: 'paused', from: undefined, to: true }],
    ['announced', 'unchanged'],
    ['fresh', 'create', { field: 'schedule.everyMs', from: undefined, to: 1000 }, { field: 'paused', from: undefined, to: true }],
  ])
  assert.deepEqual(planApply(read(FILE), STORED, { prune: true }).at(-1), { action: 'remove', name: 'gone' })
})

test('the diff is printed, and coloured on a terminal', () => {
  const steps = planApply(read(FILE), STORED, { prune: true })
  const { terminal, stdout } = keepingTerminal()
  printSteps(terminal, steps)
  assert.equal(
    stdout.join(''),
    `~ other
    ~ schedule.cron: "0 9 * * *" → "0 10 * * *"
    ~ payload.a.b: 1 → 2
    + attempts: 3
    - timeoutMs: 1
~ stopped
    + paused: true
+ fresh
    + schedule.everyMs: 1000
    + paused: true
- gone  (not in the file)
`,
  )
  assert.equal(countsText(steps, 'planned'), '1 to be created, 2 to be changed, 1 to be removed, 2 unchanged')
  assert.equal(countsText(steps, 'done'), '1 created, 2 changed, 1 removed, 2 unchanged')
  const coloured = keepingTerminal({ tty: true })
  printSteps(coloured.terminal, steps)
  assert.ok(coloured.stdout.includes('\u001b[31m- gone  (not in the file)\u001b[39m\n'), coloured.stdout.join(''))
})

test('a job that is to be paused has no schedule until it is paused', () => {
  const callsFor = (name: string, stored = STORED) =>
    callsOf(
      planApply(read(FILE), stored, { prune: false }).find((step) => step.name === name && isPut(step)) as Extract<Step, { job: unknown }>,
    )
  const schedule = { everyMs: 1000 }
  assert.deepEqual(callsFor('stopped'), [{ pause: 'stopped' }])
  assert.deepEqual(callsFor('fresh'), [{ put: { name: 'fresh' } }, { pause: 'fresh' }, { put: { name: 'fresh', schedule } }])
  assert.deepEqual(callsFor('fresh', [view({ name: 'fresh' })]), [{ pause: 'fresh' }, { put: { name: 'fresh', schedule } }])
  assert.deepEqual(callsFor('fresh', [view({ name: 'fresh', state: 'paused' })]), [{ put: { name: 'fresh', schedule } }])
})

const bombs = (levels: number) =>
  ['- name: a', '  payload:', '    l0: &l0 [x, x, x, x, x, x, x, x, x, x]']
    .concat(Array.from({ length: levels }, (_, i) => `    l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`))
    .join('\n')

const BAD: readonly [what: string, text: string, message: RegExp, field: string][] = [
  [
    'a name twice',
    '- name: a\n- name: b\n-\n  name: a',
    /^jobs\.yaml:4: job "a" is in the file twice: in line 1 and in line 4; nothing/,
    'name',
  ],
  ['an unknown field', '- name: a\n  shedule: {everyMs: 1000}', /^jobs\.yaml:2: job "a": shedule is wrong/, 'shedule'],
  [
    'an unknown field within',
    '- name: a\n  schedule:\n    everyMs: 1000\n    colour: red',
    /^jobs\.yaml:4: job "a": schedule\.colour/,
    'schedule.colour',
  ],
  ['a wrong value', '- name: ok\n- name: a\n  attempts:\n    0', /^jobs\.yaml:3: job "a": attempts is wrong: 0/, 'attempts'],
  [
    'two wrong entries',
    '- name: a b\n- name: c\n- {name: c, x: 1}\n- 7',
    /^jobs\.yaml:1: job "a b": .* \(wrong, too: lines 3, 4\)/,
    'name',
  ],
  ['shards and items', '- name: a\n  shards: 2\n  items: [1]', /^jobs\.yaml:3: job "a": items is wrong/, 'items'],
  ['a mode and shards', '- name: a\n  shards: 2\n  mode: map', /^jobs\.yaml:3: job "a": mode is wrong/, 'mode'],
  ['tasks at once of a single run', '- name: a\n  maxParallel: 2', /^jobs\.yaml:2: job "a": maxParallel is wrong/, 'maxParallel'],
  ['paused: false', '- name: a\n  paused: false', /^jobs\.yaml:2: job "a": paused is wrong: false/, 'paused'],
  ['not a list', '# jobs\njobs:\n  - name: a', /^jobs\.yaml:2: what is here is no list/, 'file'],
  ['a text', 'nightly', /^jobs\.yaml:1: what is here is no list/, 'file'],
  ['an entry without fields', '- name: a\n- nightly', /^jobs\.yaml:2: job is wrong: "nightly"/, 'job'],
  ['a tag', '- name: a\n  payload: !secret x', /^jobs\.yaml:2: the tag !secret is not accepted/, 'file'],
  ['a tag of YAML 1.1', '- name: a\n  payload: !!timestamp 2030-01-01', /^jobs\.yaml:2: the tag tag:yaml\.org,2002:timestamp/, 'file'],
  ['a merge key', '- &a {name: a}\n- <<: *a\n  name: b', /^jobs\.yaml:2: merge keys/, 'file'],
  ['a field twice', '- name: a\n  attempts: 1\n  attempts: 2', /^jobs\.yaml:3: field "attempts" is there twice/, 'file'],
  ['a list as a key', '- name: a\n  payload: {[a]: 1}', /^jobs\.yaml:2: With stringKeys/, 'file'],
  ['a text without an end', '- name: "a', /^jobs\.yaml:1: Missing closing/, 'file'],
  ['tabs', '- name: a\n\tattempts: 1', /^jobs\.yaml:2: Unexpected scalar/, 'file'],
  ['anchors that explode', bombs(9), /^jobs\.yaml: Excessive alias count/, 'file'],
  [
    'anchors below the limit that make too much',
    bombs(1).replaceAll('x,', `${'x'.repeat(10_000)},`),
    /^jobs\.yaml:2: job "a": payload has/,
    'payload',
  ],
  ['an anchor in itself', '- name: a\n  payload: &p [*p]', /^jobs\.yaml:2: job "a": payload is part of itself/, 'payload'],
  [
    'an integer that cannot be kept',
    '- name: a\n  payload: {id: 12345678901234567890}',
    /^jobs\.yaml:2: job "a": payload\.id is 1234/,
    'payload.id',
  ],
  ['not a number', '- name: a\n  payload: .nan', /^jobs\.yaml:2: job "a": payload is NaN/, 'payload'],
  ['too many levels in a row', '['.repeat(4_000_000), /^jobs\.yaml:1: the nesting is deeper than 64 levels/, 'file'],
  ['too many levels of lists', '- '.repeat(2_000_000), /^jobs\.yaml:1: the nesting/, 'file'],
  ['too many levels of objects', `- name: a\n  payload: ${'{a: '.repeat(66)}1${'}'.repeat(66)}`, /^jobs\.yaml:2: the nesting/, 'file'],
]
for (const [what, text, message, field] of BAD)
  test(`refused: ${what}`, () => {
    const problem = refusal(text)
    assert.match(problem.message, message)
    assert.match(problem.message, /nothing is applied/)
    assert.equal(problem.field, field)
    assert.ok(problem.hint)
  })

test('payloads of the full depth are read', () => {
  const deep = (levels: number) => `- name: a\n  payload: ${'['.repeat(levels)}1${']'.repeat(levels)}`
  assert.equal(read(deep(LIMITS.jsonDepth)).length, 1)
  assert.equal(refusal(deep(LIMITS.jsonDepth + 1)).field, 'payload')
})

test('the line of a field, also of one that is not there', () => {
  const [, job] = read('- name: a\n\n- schedule:\n    cron: x\n  name: b\n  items:\n    - 1\n    - 2')
  assert.deepEqual([job?.lineOf('schedule.cron'), job?.lineOf('schedule.timezone'), job?.lineOf('items.1'), job?.lineOf()], [4, 3, 8, 3])
})

test('a file of more than 4 MiB is refused before it is read to its end', async () => {
  let chunks = 0
  async function* endless() {
    for (;;) {
      chunks++
      yield Buffer.alloc(1024 * 1024, 32)
    }
  }
  const sources = { stdin: endless(), file: endless }
  await assert.rejects(readNamedText('jobs.yaml', '--file', sources), {
    code: 'INVALID_REQUEST',
    message: '--file has more than 4194304 bytes',
  })
  assert.equal(chunks, 5)
})
