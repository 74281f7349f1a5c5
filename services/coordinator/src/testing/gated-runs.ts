import { settle } from '@carillon/runtime/testing'
import { SHARES } from '@carillon/store'
import { reportsFrom, runOf, type TestCoordinator } from './test-coordinator.ts'

export const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)

/** Checks that follow from what was done are over. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 60; i++) await settle()
}

/** Everything that is due is woken. */
export async function wake(coordinator: TestCoordinator): Promise<void> {
  const { clock, store, wakeLives, waitingChecks } = coordinator
  const query = { until: clock.now(), shares: ALL_SHARES, limit: 1_000 }
  await wakeLives.execute((await store.runs.due(query)).map(({ id }) => id))
  const gates = (await store.gates.due(query)).map(({ id }) => id)
  // One that has stopped in the middle of it never answers.
  await Promise.race([waitingChecks.execute(gates), quiet()])
  await quiet()
}

/** Time passes, and everything that is due is woken. */
export async function pass(coordinator: TestCoordinator, ms: number): Promise<void> {
  await coordinator.clock.advance(ms)
  await wake(coordinator)
}

/** These runs succeed. */
export async function finish(coordinator: TestCoordinator, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { attempt } = await runOf(coordinator, id)
    const report = { type: 'finished', runId: id, taskId: id, attempt, outcome: 'succeeded', durationMs: 1 }
    await coordinator.applyReports.execute([reportsFrom('i-1', report)])
  }
  await quiet()
}

/** State and reason of each. */
export const statesOf = async (coordinator: TestCoordinator, ids: readonly string[]) =>
  (await coordinator.store.runs.heads(ids)).map((run) => `${run?.state}${run?.reason ? ` ${run.reason}` : ''}`)
