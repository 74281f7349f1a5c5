import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type AssignmentAnswer, LIMITS, TIMES } from '@carillon/contracts'
import { noResponders, settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, partsOn, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const { signal } = new AbortController()
const NO_ANSWER = new Error('timeout')

async function quiet(): Promise<void> {
  for (let i = 0; i < 10; i++) await settle()
}

function join({ presence }: TestCoordinator, ...instances: readonly string[]): void {
  presence.alive.set('hello', [...(presence.alive.get('hello') ?? []), ...instances])
  for (const instance of instances) {
    presence.sessions.set(instance, `${instance}-s`)
    presence.assignments.add(instance)
  }
}

/** A coordinator, and instances that take assignments: each has answered, and would take many. */
async function withInstances(context: TestContext, ...instances: readonly string[]): Promise<TestCoordinator> {
  const coordinator = await createTestCoordinator(context)
  const { alive } = coordinator.presence
  for (const instance of instances) {
    alive.clear()
    join(coordinator, instance)
    const run = aNewRun(coordinator, 1_000 + Number(instance.slice(2)))
    await insert(coordinator, run)
    await report(coordinator, run, { type: 'finished', outcome: 'succeeded', instance })
  }
  alive.set('hello', [...instances])
  coordinator.fake.assignments.length = 0
  coordinator.fake.published.length = 0
  return coordinator
}

const aNewRun = ({ clock }: TestCoordinator, n: number, fields: Partial<RunRecord> = {}) =>
  aRun(n, { queuedAt: clock.now(), createdAt: clock.now(), ...fields })

async function insert(coordinator: TestCoordinator, ...runs: RunRecord[]) {
  const outcomes = await coordinator.runs.insert(runs)
  await quiet()
  return outcomes
}

async function report(
  { applyReports }: TestCoordinator,
  { id }: RunRecord,
  { instance = 'i-1', ...about }: Readonly<Record<string, unknown>> & { instance?: string },
): Promise<void> {
  await applyReports.execute([reportsFrom(instance, { runId: id, taskId: id, attempt: 1, ...about })])
  await quiet()
}

/** Its check is due. */
async function check(coordinator: TestCoordinator, run: RunRecord): Promise<void> {
  await coordinator.clock.advance(TIMES.ackWaitMs)
  await coordinator.wakeLives.execute([run.id])
  await quiet()
}

const told = ({ fake }: TestCoordinator) =>
  fake.assignments.map(
    ({ instance, works }) => `${instance}: ${works.map(({ taskId, attempt }) => `${Number(taskId.slice(3))}.${attempt}`)}`,
  )
const queued = ({ fake }: TestCoordinator) =>
  fake.publishedTo('work.').map(({ taskId, attempt }) => `${Number(String(taskId).slice(3))}.${attempt}`)
const offered = ({ fake }: TestCoordinator) =>
  fake.offers.map(
    ({ subject, body, session }) => `${subject.split('.').at(-1)}: ${Number(body.taskId.slice(3))}.${body.attempt} ${session}`,
  )
const answering = ({ fake }: TestCoordinator, answer: (ids: string[]) => Partial<AssignmentAnswer>) => {
  fake.answerAssignment = (_, works) => ({ declined: [], held: works.length, most: 1_000, ...answer(works.map(({ taskId }) => taskId)) })
}
const failing = ({ fake }: TestCoordinator, error: Error) => {
  fake.answerAssignment = () => Promise.reject(error)
}

test('new runs are stored with their instance, which is told of all of one write in one request', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const [one, two] = [aNewRun(coordinator, 1, { traceparent: '00-1-2-01' }), aNewRun(coordinator, 2)]
  await insert(coordinator, one, two)
  assert.deepEqual(told(coordinator), ['i-1: 1.1,2.1'])
  assert.deepEqual(queued(coordinator), [])
  const [assignment] = coordinator.fake.assignments
  assert.equal(assignment?.session, 'i-1-s')
  assert.deepEqual(
    assignment?.works.map(({ handler, payload, traceparent }) => [handler, payload, traceparent]),
    [
      ['hello', { name: 'Ada' }, '00-1-2-01'],
      ['hello', { name: 'Ada' }, undefined],
    ],
  )
  const { target, ownerSession, owner, queuedAt, wakeAt } = await runOf(coordinator, one.id)
  assert.deepEqual([target, ownerSession, owner, queuedAt, wakeAt], ['i-1', 'i-1-s', null, null, one.createdAt + TIMES.ackWaitMs])
})

test('an instance that has said nothing yet is given one, and the others go to the work queue', async (context) => {
  const coordinator = await createTestCoordinator(context)
  join(coordinator, 'i-1')
  await insert(coordinator, ...[1, 2, 3].map((n) => aNewRun(coordinator, n)))
  assert.deepEqual([told(coordinator), queued(coordinator)], [['i-1: 1.1'], ['2.1', '3.1']])
})

test('of several instances that with most room is given the next one', async (context) => {
  const coordinator = await withInstances(context, 'i-1', 'i-2')
  coordinator.fake.answerAssignment = (instance, works) => ({ declined: [], held: works.length, most: instance === 'i-1' ? 2 : 4 })
  await insert(coordinator, aNewRun(coordinator, 1), aNewRun(coordinator, 2))
  coordinator.fake.assignments.length = 0
  await insert(coordinator, ...[3, 4, 5, 6, 7].map((n) => aNewRun(coordinator, n)))
  assert.deepEqual([told(coordinator).sort(), queued(coordinator)], [['i-1: 5.1', 'i-2: 3.1,4.1,6.1'], ['7.1']])
})

test('more than fit into one request come in several', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const count = LIMITS.assignedTogether + 1
  await insert(coordinator, ...Array.from({ length: count }, (_, i) => aNewRun(coordinator, i + 1)))
  assert.deepEqual(
    coordinator.fake.assignments.map(({ works }) => works.length),
    [LIMITS.assignedTogether, 1],
  )
})

test('nor are they larger than a quarter of a megabyte, by more than one run', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const payload = JSON.stringify('x'.repeat(16_000))
  await insert(coordinator, ...Array.from({ length: 20 }, (_, i) => aNewRun(coordinator, i + 1, { payload })))
  assert.deepEqual(
    coordinator.fake.assignments.map(({ works }) => works.length),
    [17, 3],
  )
})

test('a process that has taken over the name of another one has said nothing yet', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  coordinator.presence.sessions.set('i-1', 'another')
  await insert(coordinator, aNewRun(coordinator, 1), aNewRun(coordinator, 2))
  assert.deepEqual([told(coordinator), queued(coordinator)], [['i-1: 1.1'], ['2.1']])
  assert.equal(coordinator.fake.assignments[0]?.session, 'another')
})

test('one that has gone, and is back, has said nothing yet', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  await coordinator.takeOverInstance.execute('default', 'i-1', signal)
  await insert(coordinator, aNewRun(coordinator, 1), aNewRun(coordinator, 2))
  assert.deepEqual([told(coordinator), queued(coordinator)], [['i-1: 1.1'], ['2.1']])
})

for (const [why, change] of Object.entries<(coordinator: TestCoordinator) => Partial<RunRecord> | undefined>({
  'one of the instances takes no assignments': ({ presence }) => void presence.assignments.delete('i-2'),
  'one of the instances has no session': ({ presence }) => void presence.sessions.delete('i-2'),
  'all instances are hung': ({ presence }) => void presence.hung.add('i-1').add('i-2'),
  'all instances are cordoned': ({ presence }) => void presence.cordoned.add('i-1').add('i-2'),
  'the handler maps': ({ presence }) => void presence.kinds.set('hello', 'map'),
  'the run has a priority': () => ({ terms: { priority: 'high' } }),
  'the payload is large': () => ({ payload: JSON.stringify('x'.repeat(17 * 1024)) }),
}))
  test(`nothing is assigned where ${why}`, async (context) => {
    const coordinator = await withInstances(context, 'i-1', 'i-2')
    const run = aNewRun(coordinator, 1, change(coordinator))
    await insert(coordinator, run)
    const { target, wakeAt } = await runOf(coordinator, run.id)
    assert.deepEqual([told(coordinator), queued(coordinator), target, wakeAt], [[], ['1.1'], null, null])
  })

test('an instance that is hung, or cordoned, is assigned nothing while another one takes it', async (context) => {
  const coordinator = await withInstances(context, 'i-1', 'i-2', 'i-3')
  coordinator.presence.hung.add('i-1')
  coordinator.presence.cordoned.add('i-2')
  await insert(coordinator, aNewRun(coordinator, 1), aNewRun(coordinator, 2))
  assert.deepEqual(told(coordinator), ['i-3: 1.1,2.1'])
})

test('runs of a slot that is to come are not assigned: they are stored before it', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  await coordinator.runs.insert([aNewRun(coordinator, 1)], { until: async () => new Set() })
  await quiet()
  assert.deepEqual([told(coordinator), queued(coordinator)], [[], ['1.1']])
})

test('what an instance declines goes to the work queue in the same attempt, and takes no room', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const runs = [1, 2].map((n) => aNewRun(coordinator, n))
  answering(coordinator, ([, second]) => ({ declined: [second as string], held: 1, most: 2 }))
  await insert(coordinator, ...runs)
  assert.deepEqual([told(coordinator), queued(coordinator)], [['i-1: 1.1,2.1'], ['2.1']])
  const { target, ownerSession, wakeAt, attempt } = await runOf(coordinator, runs[1]?.id ?? '')
  assert.deepEqual([target, ownerSession, wakeAt, attempt], [null, null, null, 1])
  assert.deepEqual(coordinator.assignments.assignedTo('default', 'i-1'), [runs[0]?.id])
})

test('what nobody received goes to the work queue at once', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  failing(coordinator, noResponders('carillon.default.direct.i-1'))
  await insert(coordinator, aNewRun(coordinator, 1))
  assert.deepEqual([offered(coordinator), queued(coordinator)], [[], ['1.1']])
})

test('without an answer the instance is asked about each: what it has it keeps, the rest goes to the work queue as a further attempt', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  failing(coordinator, NO_ANSWER)
  const answers = [{ accepted: true }, { accepted: false, reason: 'busy' }] as const
  coordinator.fake.answerOffer = () => answers[coordinator.fake.offers.length - 1] ?? { accepted: true }
  const runs = [1, 2].map((n) => aNewRun(coordinator, n))
  await insert(coordinator, ...runs)
  assert.deepEqual([offered(coordinator), queued(coordinator)], [['i-1: 1.1 i-1-s', 'i-1: 2.1 i-1-s'], ['2.2']])
  assert.deepEqual(coordinator.assignments.assignedTo('default', 'i-1'), [runs[0]?.id])
  assert.deepEqual(
    [(await runOf(coordinator, runs[0]?.id ?? '')).target, (await runOf(coordinator, runs[1]?.id ?? '')).attempt],
    ['i-1', 2],
  )
})

test('what an instance has released, and refuses when it is offered, is not released once more when its report comes', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  failing(coordinator, NO_ANSWER)
  coordinator.fake.answerOffer = () => ({ accepted: false, reason: 'busy' })
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await report(coordinator, run, { type: 'released' })
  const { attempt, reason } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, reason, queued(coordinator)], [2, null, ['1.2']])
})

test('without any answer a run stays where it is until its check', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  failing(coordinator, NO_ANSWER)
  coordinator.fake.answerOffer = () => {
    throw NO_ANSWER
  }
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  const { target, state, attempt } = await runOf(coordinator, run.id)
  assert.deepEqual([target, state, attempt, queued(coordinator)], ['i-1', 'queued', 1, []])
})

test('reports are applied before an instance is asked about what it may have done', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  failing(coordinator, NO_ANSWER)
  coordinator.repair.reportsApplied = async () => {
    await coordinator.applyReports.execute([
      reportsFrom('i-1', { runId: run.id, taskId: run.id, attempt: 1, type: 'finished', outcome: 'succeeded' }),
    ])
    return true
  }
  await insert(coordinator, run)
  assert.deepEqual([offered(coordinator), (await runOf(coordinator, run.id)).state], [[], 'succeeded'])
})

test('a process that was suspended while it stored runs sends nothing: they are checked', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const { store, clock } = coordinator
  const add = store.runs.insert.bind(store.runs)
  store.runs.insert = (runs) => {
    clock.standStill(TIMES.ackWaitMs)
    return add(runs)
  }
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  assert.deepEqual([told(coordinator), queued(coordinator)], [[], []])
  await coordinator.wakeLives.execute([run.id])
  await quiet()
  assert.deepEqual(offered(coordinator), ['i-1: 1.1 i-1-s'])
})

test('a run that is there already is not sent, and takes no room', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, { ...run })
  await report(coordinator, run, { type: 'finished', outcome: 'succeeded' })
  assert.deepEqual(await insert(coordinator, { ...run }), ['duplicate'])
  assert.deepEqual(told(coordinator), ['i-1: 1.1'])
  assert.deepEqual(coordinator.assignments.assignedTo('default', 'i-1'), [])
})

test('what has ended, or was released, gives its room back', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const [one, two, three] = [1, 2, 3].map((n) => aNewRun(coordinator, n)) as [RunRecord, RunRecord, RunRecord]
  await insert(coordinator, one, two, three)
  await report(coordinator, one, { type: 'started', session: 'i-1-s' })
  assert.equal(coordinator.assignments.assignedTo('default', 'i-1').length, 3)
  await report(coordinator, one, { type: 'finished', outcome: 'succeeded' })
  await report(coordinator, two, { type: 'released' })
  assert.deepEqual(coordinator.assignments.assignedTo('default', 'i-1'), [three.id])
})

test('what was released goes to the work queue as a further attempt, which a report of the one before does not change', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await report(coordinator, run, { type: 'released' })
  await report(coordinator, run, { type: 'released' })
  const { target, attempt, attempts, reason, losses } = await runOf(coordinator, run.id)
  assert.deepEqual([target, attempt, attempts, reason, losses], [null, 2, run.attempts + 1, null, 0])
  assert.deepEqual(queued(coordinator), ['1.2'])
})

test('a run that its instance has begun in time is not asked about', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await report(coordinator, run, { type: 'started', session: 'i-1-s' })
  await check(coordinator, run)
  assert.deepEqual([offered(coordinator), (await runOf(coordinator, run.id)).owner], [[], 'i-1'])
})

test('one that has not begun is offered once more, and checked again; if it is refused then it is a further attempt', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await check(coordinator, run)
  const { wakeAt, target } = await runOf(coordinator, run.id)
  assert.deepEqual([offered(coordinator), target, wakeAt], [['i-1: 1.1 i-1-s'], 'i-1', coordinator.clock.now() + TIMES.ackWaitMs])
  coordinator.fake.answerOffer = () => ({ accepted: false, reason: 'busy' })
  await check(coordinator, run)
  const { attempt, attempts, losses, interruptions } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, attempts, losses, interruptions], [2, run.attempts + 1, 0, null])
  assert.deepEqual(queued(coordinator), ['1.2'])
})

test('one that has not begun, of an instance that does not answer, goes to another one; it is no suspect', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  coordinator.fake.answerOffer = () => {
    throw NO_ANSWER
  }
  await check(coordinator, run)
  const { attempt, sleeps, losses, target } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, sleeps, losses, target, queued(coordinator)], [2, 1, 0, null, ['1.2']])
})

test('of two coordinators that check it at once one asks; what the first one was told before is refused', async (context) => {
  const one = await withInstances(context, 'i-1')
  const two = partsOn({ ...one, publisher: one.fake.publisher, presence: one.presence })
  const run = aNewRun(one, 1)
  let answer: (given: AssignmentAnswer) => void = () => undefined
  one.fake.answerAssignment = () => new Promise<AssignmentAnswer>((resolve) => (answer = resolve))
  await insert(one, run)
  await one.clock.advance(TIMES.ackWaitMs)
  await Promise.all([one, two].map(({ wakeLives }) => wakeLives.execute([run.id])))
  await quiet()
  assert.deepEqual(offered(one), ['i-1: 1.1 i-1-s'])
  answer({ declined: [run.id], held: 1, most: 1 })
  await quiet()
  assert.deepEqual([queued(one), (await runOf(one, run.id)).target], [[], 'i-1'])
})

test('the check of one whose instance is lost, or was restarted under its name, queues it as a further attempt', async (context) => {
  const coordinator = await withInstances(context, 'i-1', 'i-2')
  coordinator.fake.answerAssignment = (_, works) => ({ declined: [], held: works.length, most: 1 })
  const runs = [1, 2].map((n) => aNewRun(coordinator, n)) as [RunRecord, RunRecord]
  await insert(coordinator, ...runs)
  assert.deepEqual(told(coordinator).sort(), ['i-1: 1.1', 'i-2: 2.1'])
  coordinator.presence.lost.add('i-1')
  coordinator.presence.sessions.set('i-2', 'another')
  await coordinator.clock.advance(TIMES.ackWaitMs)
  await coordinator.wakeLives.execute(runs.map(({ id }) => id))
  await quiet()
  assert.deepEqual([offered(coordinator), queued(coordinator).sort()], [[], ['1.2', '2.2']])
})

test('when an instance has gone, what it was assigned here and has not begun is queued at once', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const [one, two] = [aNewRun(coordinator, 1), aNewRun(coordinator, 2)]
  await insert(coordinator, one, two)
  await report(coordinator, one, { type: 'finished', outcome: 'succeeded' })
  coordinator.presence.gone.add('i-1')
  coordinator.presence.alive.delete('hello')
  await coordinator.takeOverInstance.execute('default', 'i-1', signal)
  await quiet()
  const { attempt, losses, target, ownerSession } = await runOf(coordinator, two.id)
  assert.deepEqual([attempt, losses, target, ownerSession, queued(coordinator)], [2, 1, null, null, ['2.2']])
  assert.deepEqual(coordinator.assignments.assignedTo('default', 'i-1'), [])
})

test('what was assigned to the process that has the name now stays with it', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await coordinator.takeOverInstance.execute('default', 'i-1', signal)
  await quiet()
  assert.deepEqual([(await runOf(coordinator, run.id)).target, queued(coordinator)], ['i-1', []])
})

test('an attempt that follows goes to the work queue', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1, { tries: 2, attempts: 2 })
  await insert(coordinator, run)
  await report(coordinator, run, { type: 'finished', outcome: 'failed', error: { name: 'Error', message: 'no' } })
  await coordinator.clock.advance(60_000)
  await coordinator.wakeLives.execute([run.id])
  await quiet()
  assert.deepEqual([(await runOf(coordinator, run.id)).target, told(coordinator), queued(coordinator)], [null, ['i-1: 1.1'], ['1.2']])
})
