import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS, TIMES } from '@carillon/contracts'
import type { RunRecord } from '@carillon/store'
import { aNewRun, answering, insert, join, queued, quiet, report, takeOver, told, withInstances } from '../testing/assigned-runs.ts'
import { createTestCoordinator, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

const { signal } = new AbortController()

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

for (const [what, change] of Object.entries<(coordinator: TestCoordinator) => Promise<unknown> | unknown>({
  'leaves while a run is stored': ({ takeOverInstance }) => takeOverInstance.execute('default', 'i-1', signal),
  'is restarted under its name while a run is stored': (coordinator) => {
    coordinator.presence.sessions.set('i-1', 'another')
    return coordinator.runs.insert([aNewRun(coordinator, 2)])
  },
}))
  test(`when an instance ${what}, the run goes to the work queue, in the same attempt`, async (context) => {
    const coordinator = await withInstances(context, 'i-1')
    const { store } = coordinator
    const add = store.runs.insert.bind(store.runs)
    store.runs.insert = async (runs) => {
      store.runs.insert = add
      await change(coordinator)
      return add(runs)
    }
    await insert(coordinator, aNewRun(coordinator, 1))
    assert.deepEqual([told(coordinator).filter((one) => one.includes('1.1')), queued(coordinator)], [[], ['1.1']])
  })

test('when an instance has gone, what it was assigned here and has not begun is queued at once', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const [one, two] = [aNewRun(coordinator, 1), aNewRun(coordinator, 2)]
  await insert(coordinator, one, two)
  await report(coordinator, one, { type: 'finished', outcome: 'succeeded' })
  await takeOver(coordinator)
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
