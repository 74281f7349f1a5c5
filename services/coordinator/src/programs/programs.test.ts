import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { LIMITS } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, partsOn, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const V1 = 'hello@v1'
const V2 = 'hello@v2'

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await settle()
}

const offersOf = ({ fake }: TestCoordinator) =>
  fake.offers.map(({ subject, body }) => `${body.taskId}.${body.attempt} ${subject.split('.').at(-1)}`)

/** Instances, by the programs that they have; each has a session of its own. */
function deploy({ presence, routes }: TestCoordinator, programs: Readonly<Record<string, string | undefined>>, more: object = {}): void {
  presence.alive.set('hello', Object.keys(programs).sort())
  for (const [instance, program] of Object.entries(programs)) {
    presence.sessions.set(instance, `${instance}-s`)
    presence.infos.set(instance, { ...(program === undefined ? {} : { program }), ...more })
  }
  routes.changed('default')
}

/** A run that i-1, with v1, has begun, whose first step is stored. */
async function aBoundRun(context: TestContext): Promise<{ coordinator: TestCoordinator; run: RunRecord }> {
  const coordinator = await createTestCoordinator(context)
  deploy(coordinator, { 'i-1': V1 })
  const run = aRun(1, { queuedAt: coordinator.clock.now() })
  await coordinator.runs.insert([run])
  await settled()
  await report(coordinator, run, { type: 'started', session: 'i-1-s' })
  await step(coordinator, run, { program: V1 })
  return { coordinator, run }
}

const report = async (
  { applyReports }: TestCoordinator,
  run: RunRecord,
  { instance = 'i-1', ...body }: Readonly<Record<string, unknown>> & { instance?: string },
) => {
  await applyReports.execute([reportsFrom(instance, { runId: run.id, taskId: run.id, attempt: 1, ...body })])
  await settled()
}
const step = ({ keepSteps }: TestCoordinator, run: RunRecord, more: object = {}) =>
  keepSteps.store('default', {
    ...{ taskId: run.id, attempt: 1, instance: 'i-1', index: 0, name: 'a', try: 1, outcome: { type: 'done', result: 1 } as const },
    ...more,
  })

/** It has slept, and its time has come. */
async function wakeUp(coordinator: TestCoordinator, run: RunRecord): Promise<void> {
  await report(coordinator, run, { type: 'slept', delayMs: 5_000 })
  await coordinator.clock.advance(5_000)
  await coordinator.wakeLives.execute([run.id])
  await settled()
}
const view = ({ readRuns }: TestCoordinator, run: RunRecord) => readRuns.get('default', run.id)

test('a run is bound when its first step is stored, not when it begins', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  assert.equal((await view(coordinator, run)).program, V1)
  assert.equal((await coordinator.keepSteps.read('default', { taskId: run.id, limit: 10 })).program, V1)
  const other = aRun(2, { queuedAt: coordinator.clock.now() })
  await coordinator.runs.insert([other])
  await report(coordinator, other, { type: 'started' })
  assert.equal((await runOf(coordinator, other.id)).program, null)
  // An executor that says nothing of its program.
  await step(coordinator, other)
  assert.equal((await runOf(coordinator, other.id)).program, 'hello@undeclared')
})

test('one that is retried after a retry from the beginning goes on with the program of the steps that it has stored since', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  await report(coordinator, run, { type: 'finished', outcome: 'succeeded' })
  await coordinator.changeRuns.retry('default', { runId: run.id })
  assert.equal((await runOf(coordinator, run.id)).program, null)
  await step(coordinator, run, { attempt: 2, program: V2 })
  await report(coordinator, run, { type: 'finished', attempt: 2, outcome: 'failed', error: { name: 'Error', message: 'no' } })
  await coordinator.changeRuns.retry('default', { runId: run.id })
  const { program, resume, attempt } = await runOf(coordinator, run.id)
  assert.deepEqual([program, resume, attempt], [V2, { step: 0, epoch: 2, since: 3 }, 3])
})

test('where every instance has its program it goes on through the queue, and nothing is offered', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  deploy(coordinator, { 'i-1': V1, 'i-2': V1 })
  await wakeUp(coordinator, run)
  assert.deepEqual(offersOf(coordinator), [])
  const body = coordinator.fake.publishedTo('work.').at(-1) ?? {}
  assert.deepEqual([body['attempt'], body['program']], [2, V1])
})

test('of two programs the one that began it goes on with it, and no message goes into the queue', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  const before = coordinator.fake.publishedTo('work.').length
  deploy(coordinator, { 'i-1': V1, 'i-2': V2 })
  await wakeUp(coordinator, run)
  assert.deepEqual(offersOf(coordinator), [`${run.id}.2 i-1`])
  assert.equal(coordinator.fake.publishedTo('work.').length, before)
  await report(coordinator, run, { type: 'finished', outcome: 'succeeded', attempt: 2 })
  assert.equal((await runOf(coordinator, run.id)).state, 'succeeded')
})

test('without an instance that has it the run waits, says which program and since when, and goes on when one comes', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  deploy(coordinator, { 'i-2': V2 })
  await wakeUp(coordinator, run)
  const waits = await view(coordinator, run)
  const since = new Date(coordinator.clock.now()).toISOString()
  assert.deepEqual([waits.state, waits.reason, waits.attempt, waits.attempts], ['queued', 'no-compatible-instance', 2, 2])
  assert.match(waits.message ?? '', new RegExp(`^it waits since ${since} for program hello@v1: no live instance .* offered: hello@v2$`))
  assert.match((await coordinator.readRuns.why('default', run.id)).why, /for program hello@v1/)
  const { items } = await coordinator.listPrograms.execute('default', {})
  assert.deepEqual(items, [
    { program: V1, handler: 'hello', instances: [], accepting: [], open: 1, waiting: 1, since },
    { program: V2, handler: 'hello', instances: ['i-2'], accepting: [], open: 0, waiting: 0 },
  ])
  assert.deepEqual(offersOf(coordinator), [])
  deploy(coordinator, { 'i-2': V2, 'i-3': V1 })
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.2 i-3`])
})

test('another coordinator finds it by its wakeAt', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  deploy(coordinator, { 'i-2': V2 })
  await wakeUp(coordinator, run)
  const { store, clock, presence, fake, log } = coordinator
  const other = partsOn({ store, clock, presence, log, broker: fake.broker, publisher: fake.publisher })
  presence.alive.set('hello', ['i-1', 'i-2'])
  await clock.advance(10_000)
  await other.wakeLives.execute([run.id])
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.2 i-1`])
})

test('one that says it accepts the program goes on with it, and it is bound to that one from its next step on', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  deploy(coordinator, { 'i-2': V2 }, { accepts: [V1] })
  await wakeUp(coordinator, run)
  // All that are there may have it.
  assert.deepEqual(offersOf(coordinator), [])
  await report(coordinator, run, { type: 'started', attempt: 2, instance: 'i-2' })
  assert.equal((await runOf(coordinator, run.id)).program, V1)
  await step(coordinator, run, { instance: 'i-2', attempt: 2, index: 1, name: 'b', program: V2 })
  assert.equal((await runOf(coordinator, run.id)).program, V2)
})

test('an instance that pulled it without having its program claims it: it goes to another one, and no attempt is used', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  await wakeUp(coordinator, run)
  deploy(coordinator, { 'i-1': V1, 'i-2': V2 })
  const claim = { taskId: run.id, attempt: 2, instance: 'i-2', redelivered: false, incompatible: true } as const
  const answer = await coordinator.claimTask.execute('default', claim)
  assert.deepEqual(answer, { run: false, reason: 'it goes on with program hello@v1' })
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.2 i-1`])
  // Neither does one that does not say so.
  const { incompatible: _, ...plain } = claim
  assert.equal((await coordinator.claimTask.execute('default', { ...plain })).run, false)
})

test('steps that are others: the run waits with that reason, is given to no instance of that program again, and to one that comes later', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  deploy(coordinator, { 'i-1': V1, 'i-2': V1 })
  const error = { name: 'ProgramChanged', message: 'Step 1 was "a" when it was stored, and is "b" now.' }
  await report(coordinator, run, { type: 'finished', outcome: 'failed', reason: 'program-changed', error })
  const waits = await view(coordinator, run)
  assert.deepEqual([waits.state, waits.reason, waits.attempt, waits.attempts], ['queued', 'program-changed', 2, 2])
  assert.match(waits.message ?? '', /^Step 1 was "a" .* for program hello@v1: .* can go on with this run/)
  assert.deepEqual(offersOf(coordinator), [])
  // The same report again.
  await report(coordinator, run, { type: 'finished', outcome: 'failed', reason: 'program-changed', error })
  assert.equal((await runOf(coordinator, run.id)).attempt, 2)
  deploy(coordinator, { 'i-3': V1 })
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.2 i-3`])
  const cancelled = await coordinator.changeRuns.cancel('default', run.id)
  assert.equal(cancelled.state, 'cancelled')
})

test('rounds have a bound: then an operator decides, and moving it to the same program tries it again', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  for (let round = 1; round <= LIMITS.givenBack; round++) {
    const instance = `j-${round}`
    const from = { attempt: round, instance: round === 1 ? 'i-1' : instance }
    await report(coordinator, run, { type: 'finished', outcome: 'failed', reason: 'program-changed', ...from })
    deploy(coordinator, { [`j-${round + 1}`]: V1 })
    await settled()
  }
  assert.equal(offersOf(coordinator).length, LIMITS.givenBack - 1)
  assert.equal((await view(coordinator, run)).reason, 'program-changed')
  await coordinator.moveRuns.execute('default', { runId: run.id, to: V1, dryRun: false })
  await settled()
  assert.equal(offersOf(coordinator).length, LIMITS.givenBack)
})

test('a payload that one schema refuses is given back to one with another, and is wrong when none is left', async (context) => {
  const coordinator = await createTestCoordinator(context)
  deploy(coordinator, { 'i-1': undefined, 'i-2': undefined, 'i-3': undefined })
  const [old, newer] = [{ type: 'object' }, { type: 'string' }]
  for (const [instance, inputSchema] of [
    ['i-1', newer],
    ['i-2', newer],
    ['i-3', old],
  ] as const)
    coordinator.presence.infos.set(instance, { inputSchema })
  const run = aRun(1, { queuedAt: coordinator.clock.now() })
  await coordinator.runs.insert([run])
  const refuse = (attempt: number, instance: string) =>
    report(coordinator, run, {
      type: 'finished',
      outcome: 'failed',
      reason: 'invalid-payload',
      attempt,
      instance,
      error: { message: 'no' },
    })
  await refuse(1, 'i-1')
  assert.deepEqual(offersOf(coordinator), [`${run.id}.2 i-3`])
  assert.equal((await view(coordinator, run)).attempts, 2)
  await refuse(2, 'i-3')
  const end = await runOf(coordinator, run.id)
  assert.deepEqual([end.state, end.reason], ['failed', 'invalid-payload'])
})

test('a run is moved to a program whose list begins with its steps, and to no other', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  const list = (...names: string[]) => ({ steps: names.map((name) => ({ name, kind: 'step' })) })
  deploy(coordinator, { 'i-2': V2, 'i-3': 'hello@v3', 'i-4': 'hello@v4' })
  coordinator.presence.infos.set('i-2', { program: V2, ...list('a', 'b') })
  coordinator.presence.infos.set('i-3', { program: 'hello@v3', ...list('b', 'a') })
  const move = (to?: string) => coordinator.moveRuns.execute('default', { runId: run.id, to, dryRun: to === undefined })
  await assert.rejects(move(V2), { code: 'CONCURRENT_CHANGE' })
  await wakeUp(coordinator, run)
  const { choices, program } = await move()
  assert.equal(program, V1)
  assert.deepEqual(
    choices.map((choice) => [choice.program, choice.fits, choice.why]),
    [
      [V2, 'yes', undefined],
      ['hello@v3', 'no', 'step 1 is stored as "a", and is "b" in the program'],
      ['hello@v4', 'unknown', undefined],
    ],
  )
  for (const wrong of ['hello@v3', 'hello@v9']) await assert.rejects(move(wrong), { code: 'INVALID_REQUEST' })
  assert.deepEqual(offersOf(coordinator), [])
  assert.equal((await move(V2)).moved, true)
  await settled()
  assert.deepEqual(offersOf(coordinator), [`${run.id}.3 i-2`])
  assert.equal((await view(coordinator, run)).program, V2)
})

test('a retry from the beginning is bound to nothing', async (context) => {
  const { coordinator, run } = await aBoundRun(context)
  await report(coordinator, run, { type: 'finished', outcome: 'failed', error: { message: 'no' } })
  await coordinator.changeRuns.retry('default', { runId: run.id })
  assert.equal((await runOf(coordinator, run.id)).program, V1)
  await coordinator.changeRuns.cancel('default', run.id)
  await coordinator.changeRuns.retry('default', { runId: run.id, fromStep: 'a' })
  assert.equal((await runOf(coordinator, run.id)).program, null)
})
