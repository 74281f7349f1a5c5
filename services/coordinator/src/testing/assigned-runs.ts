import type { TestContext } from 'node:test'
import { type AssignmentAnswer, TIMES } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { RunRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, type TestCoordinator } from './test-coordinator.ts'

export const NO_ANSWER = new Error('timeout')

export async function quiet(): Promise<void> {
  for (let i = 0; i < 10; i++) await settle()
}

export function join({ presence }: TestCoordinator, ...instances: readonly string[]): void {
  presence.alive.set('hello', [...(presence.alive.get('hello') ?? []), ...instances])
  for (const instance of instances) {
    presence.sessions.set(instance, `${instance}-s`)
    presence.assignments.add(instance)
  }
}

/** A coordinator, and instances that take assignments: each has answered, and would take many. */
export async function withInstances(context: TestContext, ...instances: readonly string[]): Promise<TestCoordinator> {
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

export const aNewRun = ({ clock }: TestCoordinator, n: number, fields: Partial<RunRecord> = {}) =>
  aRun(n, { queuedAt: clock.now(), createdAt: clock.now(), ...fields })

export async function insert(coordinator: TestCoordinator, ...runs: RunRecord[]) {
  const outcomes = await coordinator.runs.insert(runs)
  await quiet()
  return outcomes
}

export async function report(
  { applyReports }: TestCoordinator,
  { id }: RunRecord,
  { instance = 'i-1', ...about }: Readonly<Record<string, unknown>> & { instance?: string },
): Promise<void> {
  await applyReports.execute([reportsFrom(instance, { runId: id, taskId: id, attempt: 1, ...about })])
  await quiet()
}

/** Its check is due. */
export async function check(coordinator: TestCoordinator, run: RunRecord): Promise<void> {
  await coordinator.clock.advance(TIMES.ackWaitMs)
  await coordinator.wakeLives.execute([run.id])
  await quiet()
}

/** The instance `i-1` has gone, and this coordinator takes its tasks over. */
export const takeOver = ({ presence, takeOverInstance }: TestCoordinator) => {
  presence.gone.add('i-1')
  presence.alive.delete('hello')
  return takeOverInstance.execute('default', 'i-1', new AbortController().signal)
}

export const told = ({ fake }: TestCoordinator) =>
  fake.assignments.map(
    ({ instance, works }) => `${instance}: ${works.map(({ taskId, attempt }) => `${Number(taskId.slice(3))}.${attempt}`)}`,
  )
export const queued = ({ fake }: TestCoordinator) =>
  fake.publishedTo('work.').map(({ taskId, attempt }) => `${Number(String(taskId).slice(3))}.${attempt}`)
/** What was told after the first request, with the session that it was meant for. */
export const asked = ({ fake }: TestCoordinator) =>
  fake.assignments
    .slice(1)
    .map(
      ({ instance, works, session }) =>
        `${instance}: ${works.map(({ taskId, attempt }) => `${Number(taskId.slice(3))}.${attempt}`)} ${session}`,
    )
export const answering = ({ fake }: TestCoordinator, answer: (ids: string[]) => Partial<AssignmentAnswer>) => {
  fake.answerAssignment = (_, works) => ({ declined: [], held: works.length, most: 1_000, ...answer(works.map(({ taskId }) => taskId)) })
}
export const failing = ({ fake }: TestCoordinator, error: Error) => {
  fake.answerAssignment = () => Promise.reject(error)
}
/** The first assignment has no answer, later ones are answered so. */
export const answeringLater = ({ fake }: TestCoordinator, answer: Partial<AssignmentAnswer> | Error) => {
  fake.answerAssignment = () => {
    if (fake.assignments.length === 1 || answer instanceof Error) return Promise.reject(answer instanceof Error ? answer : NO_ANSWER)
    return { declined: [], held: 1, most: 1, ...answer }
  }
}
