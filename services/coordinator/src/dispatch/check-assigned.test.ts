import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AssignmentAnswer, TIMES } from '@carillon/contracts'
import { noResponders } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import {
  aNewRun,
  answering,
  answeringLater,
  asked,
  check,
  failing,
  insert,
  NO_ANSWER,
  queued,
  quiet,
  report,
  takeOver,
  told,
  withInstances,
} from '../testing/assigned-runs.ts'
import { partsOn, reportsFrom, runOf } from '../testing/test-coordinator.ts'

test('what nobody received goes to the work queue at once', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  failing(coordinator, noResponders('carillon.default.direct.i-1'))
  await insert(coordinator, aNewRun(coordinator, 1))
  assert.deepEqual([told(coordinator), queued(coordinator)], [['i-1: 1.1'], ['1.1']])
})

test('without an answer the instance is told once more: what it has it keeps, the rest goes to the work queue as a further attempt', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const runs = [1, 2].map((n) => aNewRun(coordinator, n))
  answeringLater(coordinator, { declined: [runs[1]?.id ?? ''] })
  await insert(coordinator, ...runs)
  assert.deepEqual([asked(coordinator), queued(coordinator)], [['i-1: 1.1,2.1 i-1-s'], ['2.2']])
  assert.deepEqual(coordinator.assignments.assignedTo('default', 'i-1'), [runs[0]?.id])
  assert.deepEqual(
    [(await runOf(coordinator, runs[0]?.id ?? '')).target, (await runOf(coordinator, runs[1]?.id ?? '')).attempt],
    ['i-1', 2],
  )
})

test('what an instance has released, and declines when it is told again, is not released once more when its report comes', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  answeringLater(coordinator, { declined: [run.id] })
  await insert(coordinator, run)
  await report(coordinator, run, { type: 'released' })
  const { attempt, reason } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, reason, queued(coordinator)], [2, null, ['1.2']])
})

test('without any answer a run stays where it is until its check', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  failing(coordinator, NO_ANSWER)
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
  assert.deepEqual([asked(coordinator), (await runOf(coordinator, run.id)).state], [[], 'succeeded'])
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
  assert.deepEqual(told(coordinator), ['i-1: 1.1'])
})

test('a process that was suspended while it checked a run sends nothing: another one may have checked it, and the run have ended', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  const { store, clock } = coordinator
  const get = store.runs.get.bind(store.runs)
  store.runs.get = async (ids, ...rest) => {
    const runs = await get(ids, ...rest)
    clock.standStill(TIMES.ackWaitMs)
    return runs
  }
  await check(coordinator, run)
  assert.deepEqual(asked(coordinator), [])
})

test('a run that its instance has begun in time is not asked about', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await report(coordinator, run, { type: 'started', session: 'i-1-s' })
  await check(coordinator, run)
  assert.deepEqual([asked(coordinator), (await runOf(coordinator, run.id)).owner], [[], 'i-1'])
})

test('of one that has not begun its instance is told again, and it is checked again; if it is declined then it is a further attempt', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  await check(coordinator, run)
  const { wakeAt, target } = await runOf(coordinator, run.id)
  assert.deepEqual([asked(coordinator), target, wakeAt], [['i-1: 1.1 i-1-s'], 'i-1', coordinator.clock.now() + TIMES.ackWaitMs])
  answering(coordinator, (declined) => ({ declined }))
  await check(coordinator, run)
  const { attempt, attempts, losses, interruptions } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, attempts, losses, interruptions], [2, run.attempts + 1, 0, null])
  assert.deepEqual(queued(coordinator), ['1.2'])
})

test('one that has not begun, of an instance that does not answer, goes to another one; it is no suspect', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  failing(coordinator, NO_ANSWER)
  await check(coordinator, run)
  const { attempt, sleeps, losses, target } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, sleeps, losses, target, queued(coordinator)], [2, 1, 0, null, ['1.2']])
})

test('an instance that is not connected may be about to reconnect: what it has goes to another one only if it is not connected 5 s later', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  failing(coordinator, noResponders('carillon.default.direct.i-1'))
  await check(coordinator, run)
  answering(coordinator, () => ({}))
  await coordinator.clock.advance(5_000)
  await quiet()
  assert.deepEqual([asked(coordinator).length, (await runOf(coordinator, run.id)).target], [2, 'i-1'])
  failing(coordinator, noResponders('carillon.default.direct.i-1'))
  await coordinator.clock.advance(5_000)
  await coordinator.wakeLives.execute([run.id])
  await quiet()
  await coordinator.clock.advance(5_000)
  await quiet()
  const { attempt, losses, target } = await runOf(coordinator, run.id)
  assert.deepEqual([asked(coordinator).length, attempt, losses, target, queued(coordinator)], [4, 2, 0, null, ['1.2']])
})

test('a check waits for reports that are late, however late they are: one of them may be about the run', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  coordinator.repair.reportsApplied = async () => false
  for (let i = 0; i < 6; i++) await check(coordinator, run)
  assert.deepEqual(asked(coordinator), [])
  coordinator.repair.reportsApplied = async () => true
  await check(coordinator, run)
  assert.deepEqual(asked(coordinator), ['i-1: 1.1 i-1-s'])
})

test('of two coordinators that check it at once one asks; what the first one was told before is refused', async (context) => {
  const one = await withInstances(context, 'i-1')
  const two = partsOn({ ...one, publisher: one.fake.publisher, presence: one.presence })
  const run = aNewRun(one, 1)
  let answer: (given: AssignmentAnswer) => void = () => undefined
  one.fake.answerAssignment = () => {
    if (one.fake.assignments.length > 1) return { declined: [], held: 1, most: 1 }
    return new Promise<AssignmentAnswer>((resolve) => (answer = resolve))
  }
  await insert(one, run)
  await one.clock.advance(TIMES.ackWaitMs)
  await Promise.all([one, two].map(({ wakeLives }) => wakeLives.execute([run.id])))
  await quiet()
  assert.deepEqual(asked(one), ['i-1: 1.1 i-1-s'])
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
  assert.deepEqual([told(coordinator).length, queued(coordinator).sort()], [2, ['1.2', '2.2']])
})

test('the check of one whose instance is lost waits for reports: it may have ended', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  coordinator.repair.reportsApplied = async () => false
  coordinator.presence.lost.add('i-1')
  await check(coordinator, run)
  await report(coordinator, run, { type: 'finished', outcome: 'succeeded' })
  const { state, attempt } = await runOf(coordinator, run.id)
  assert.deepEqual([state, attempt, queued(coordinator)], ['succeeded', 1, []])
})

test('a process that was suspended while it waited for the answer takes nothing away: there may have been one', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  coordinator.fake.answerAssignment = () => {
    coordinator.clock.standStill(TIMES.ackWaitMs)
    return Promise.reject(NO_ANSWER)
  }
  await check(coordinator, run)
  const { target, attempt } = await runOf(coordinator, run.id)
  assert.deepEqual([target, attempt, queued(coordinator)], ['i-1', 1, []])
})

test('what an instance declines while it leaves is queued once: it is no loss, whose further attempt would run it again', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  let answer: (given: AssignmentAnswer) => void = () => undefined
  coordinator.fake.answerAssignment = () => new Promise<AssignmentAnswer>((resolve) => (answer = resolve))
  await insert(coordinator, run)
  let proceed: () => void = () => undefined
  const isLate = new Promise<void>((resolve) => (proceed = resolve))
  const heads = coordinator.store.runs.heads.bind(coordinator.store.runs)
  coordinator.store.runs.heads = async (ids) => {
    const runs = await heads(ids)
    coordinator.store.runs.heads = heads
    await isLate
    return runs
  }
  const takenOver = takeOver(coordinator)
  await quiet()
  answer({ declined: [run.id], held: 0, most: 0 })
  await quiet()
  proceed()
  await takenOver
  await quiet()
  const { attempt, losses } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, losses, queued(coordinator)], [1, 0, ['1.1']])
})

test('the take-over of an instance leaves what it was assigned to the checks if reports are late: they wait', async (context) => {
  const coordinator = await withInstances(context, 'i-1')
  const run = aNewRun(coordinator, 1)
  await insert(coordinator, run)
  coordinator.repair.reportsApplied = async () => false
  await takeOver(coordinator)
  await quiet()
  assert.deepEqual([(await runOf(coordinator, run.id)).attempt, coordinator.assignments.assignedTo('default', 'i-1')], [1, []])
  coordinator.presence.lost.add('i-1')
  coordinator.repair.reportsApplied = async () => true
  await check(coordinator, run)
  const { attempt, losses } = await runOf(coordinator, run.id)
  assert.deepEqual([attempt, losses, queued(coordinator)], [2, 1, ['1.2']])
})
