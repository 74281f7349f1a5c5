import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Beat, beatSchema, LIMITS } from '@carillon/contracts'
import { compileExpression, PLACES } from '@carillon/expressions'
import type { Routing } from '@carillon/store'
import { loadOf } from './load.ts'
import { type Candidate, matches as matchesNeeds, whyNoneMatches as whyNone } from './match.ts'
import { routingOf } from './request.ts'

const whereOf = (text: string) => compileExpression(text, { field: 'where', ...PLACES.where })
const NEW = { program: null, refusedBy: null }
const matches = (candidate: Candidate, routing: Routing, where: Parameters<typeof matchesNeeds>[2]) =>
  matchesNeeds(candidate, { routing, life: NEW }, where)
const whyNoneMatches = (candidates: readonly Candidate[], routing: Routing, where: Parameters<typeof whyNone>[2]) =>
  whyNone(candidates, { routing, life: NEW }, where)
const instance = (name: string, fields: Partial<Candidate> = {}): Candidate => ({
  instance: name,
  session: name,
  handler: { name: 'hello' },
  labels: {},
  load: { capacity: 4, cpu: 0.5, running: 1 },
  isHung: false,
  isCordoned: false,
  ...fields,
})

test('all labels must match, and the expression must be true of labels and load', () => {
  const gpu = instance('i-1', { labels: { gpu: 'true', zone: 'a' } })
  assert.equal(matches(gpu, { labels: { gpu: 'true', zone: 'a' } }, undefined), true)
  assert.equal(matches(gpu, { labels: { gpu: 'true', zone: 'b' } }, undefined), false)
  assert.equal(matches(gpu, { labels: { constructor: 'x' } }, undefined), false)
  assert.equal(matches(gpu, {}, whereOf("load.cpu < 0.8 && labels.zone == 'a'")), true)
  assert.equal(matches(gpu, {}, whereOf('load.capacity - load.running >= 4')), false)
  assert.equal(matches(gpu, {}, whereOf('load.memory < 0.9')), false)
  assert.equal(matches(instance('i-1', { isCordoned: true }), {}, undefined), false)
  assert.equal(matches(instance('i-1', { isHung: true }), {}, undefined), false)
  assert.equal(matches(instance('i-1'), { route: 'failover', instances: ['i-2'] }, undefined), false)
})

test('why none matches: which condition failed for how many', () => {
  const labels = { gpu: 'true' }
  const some = [
    instance('i-1'),
    instance('i-2'),
    instance('i-3', { labels, isCordoned: true }),
    instance('i-4', { labels, load: { capacity: 4, cpu: 0.95 } }),
    instance('i-5', { labels, isHung: true }),
  ]
  assert.equal(
    whyNoneMatches(some, { labels }, whereOf('load.cpu < 0.8')),
    '2 without label gpu=true, 1 cordoned, 1 for which `load.cpu < 0.8` is not true, 1 hung',
  )
  assert.match(
    whyNoneMatches([instance('i-1')], {}, whereOf('load.memory < 0.8')) ?? '',
    /^1 for which `load.memory < 0.8` is not true: where failed: no such key: memory/,
  )
  assert.equal(whyNoneMatches(some, { instances: ['i-9'] }, undefined), '5 are not i-9')
  assert.equal(whyNoneMatches([...some, instance('i-6', { labels })], { labels }, undefined), undefined)
})

test('a run that has stored a step matches who has its program, or says that it goes on with it, and has not given it back', () => {
  const life = { program: 'hello@v1', refusedBy: null }
  const offers = [
    instance('i-1', { handler: { name: 'hello', program: 'hello@v1' } }),
    instance('i-2', { handler: { name: 'hello', program: 'hello@v2', accepts: ['hello@v0', 'hello@v1'] } }),
    instance('i-3', { handler: { name: 'hello', program: 'hello@v3' } }),
    instance('i-4'),
  ]
  const matching = (of: Parameters<typeof matchesNeeds>[1]['life']) =>
    offers.filter((offer) => matchesNeeds(offer, { routing: {}, life: of }, undefined)).map(({ session }) => session)
  assert.deepEqual(matching(life), ['i-1', 'i-2'])
  assert.deepEqual(matching({ ...life, program: 'hello@undeclared' }), ['i-4'])
  assert.deepEqual(matching({ ...life, refusedBy: { sessions: ['i-1'], rounds: 1 } }), ['i-2'])
  assert.deepEqual(matching({ ...life, refusedBy: { sessions: [], rounds: LIMITS.givenBack } }), [])
  assert.deepEqual(matching({ program: null, refusedBy: { sessions: ['i-3'], rounds: 1 } }), ['i-1', 'i-2', 'i-4'])
  assert.equal(whyNone(offers.slice(2), { routing: {}, life }, undefined), '2 with another program')
})

test('load is what the heartbeat says of the control group and of memory, and what was sent since', () => {
  const beat = (fields: Partial<Beat>) => beatSchema.parse(fields)
  const known = { capacity: 4, sent: 2, responseMs: 12 }
  assert.deepEqual(
    loadOf({
      ...known,
      beat: beat({ cpu: 1.5, groupCpu: 0.4, cpuLimit: 2, groupMemoryBytes: 30, memoryLimitBytes: 100, running: 1, eventLoopDelayMs: 7 }),
    }),
    { cpu: 0.4, memory: 0.3, eventLoopDelayMs: 7, running: 3, sent: 2, capacity: 4, responseMs: 12 },
  )
  assert.equal(loadOf({ ...known, beat: beat({ cpu: 1.5, cpuLimit: 2 }) }).cpu, 0.75)
  assert.deepEqual(loadOf({ beat: undefined, capacity: 4, sent: 0, responseMs: undefined }), { capacity: 4 })
})

test('a request inherits what it leaves open from the job, but neither names nor key of another route', () => {
  const from = { labels: { gpu: 'true' }, route: 'failover', instances: ['i-1', 'i-2'] } as const
  assert.deepEqual(routingOf({}, { mode: 'single', from }), from)
  assert.deepEqual(routingOf({ where: 'load.cpu < 1' }, { mode: 'single', from }), { ...from, where: 'load.cpu < 1' })
  assert.deepEqual(routingOf({ route: 'first' }, { mode: 'single', from }), { labels: { gpu: 'true' }, route: 'first' })
  assert.deepEqual(routingOf({ route: 'any' }, { mode: 'single', from: { route: 'first' } }), null)
  assert.equal(routingOf({}, { mode: 'single' }), null)
})

test('fields that contradict each other are refused by name', () => {
  for (const [request, field, mode = 'single'] of [
    [{ instances: ['i-1'] }, 'instances'],
    [{ route: 'first', instances: ['i-1'] }, 'instances'],
    [{ route: 'specific' }, 'instances'],
    [{ route: 'specific', instances: ['i-1', 'i-2'] }, 'instances'],
    [{ hashKey: 'payload.a' }, 'hashKey'],
    [{ route: 'random' }, 'route', 'broadcast'],
  ] as const)
    assert.throws(
      () => routingOf(request as Parameters<typeof routingOf>[0], { mode }),
      (error: { code: string; details: { field: string; hint: string } }) =>
        error.code === 'INVALID_REQUEST' && error.details.field === field && error.details.hint.length > 0,
      field,
    )
})
