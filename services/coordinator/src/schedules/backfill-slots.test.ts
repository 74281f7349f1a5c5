import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackfillJob, backfillJobSchema, CarillonError, jobInputSchema } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'

/** Checks of gates that follow from what was done are over. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 40; i++) await settle()
}

async function backfill(coordinator: TestCoordinator, range: Partial<BackfillJob>) {
  const done = await coordinator.backfillSlots.execute('default', backfillJobSchema.parse({ name: 'nightly', ...range }))
  await quiet()
  return done
}

const put = ({ changeJobs }: TestCoordinator, schedule: object) =>
  changeJobs.put('default', jobInputSchema.parse({ name: 'nightly', schedule }))

async function runsBySlot({ store }: TestCoordinator) {
  const { items } = await store.runs.list({ namespace: 'default', limit: 100 })
  return items.sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0))
}

test('past slots are fired once each, oldest first, as many at once as are asked for', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, { cron: '30 2 * * *', timezone: 'Europe/Paris' })
  const week = { from: '2025-12-01', to: '2025-12-07', concurrency: 2 }
  const done = await backfill(coordinator, week)
  assert.deepEqual(done, { from: '2025-12-01T01:30:00.000Z', to: '2025-12-07T01:30:00.000Z', slots: 7, created: 7 })
  const states = async () => (await runsBySlot(coordinator)).map(({ state }) => state.slice(0, 4)).join(' ')
  assert.equal(await states(), 'queu queu wait wait wait wait wait')

  const [first] = await runsBySlot(coordinator)
  const { id, attempt } = await runOf(coordinator, first?.id as string)
  const report = { type: 'finished', runId: id, taskId: id, attempt, outcome: 'succeeded', durationMs: 1 }
  await coordinator.applyReports.execute([reportsFrom('i-1', report)])
  await quiet()
  assert.equal(await states(), 'succ queu queu wait wait wait wait')
  assert.deepEqual(await backfill(coordinator, week), { ...done, created: 0 })
  // Another range has a gate of its own.
  assert.deepEqual(await backfill(coordinator, { from: '2025-12-06T00:00:00Z', to: '2025-12-09T02:00:00Z' }), {
    from: '2025-12-06T01:30:00.000Z',
    to: '2025-12-09T01:30:00.000Z',
    slots: 4,
    created: 2,
  })
  assert.equal(await states(), 'succ queu queu wait wait wait wait queu wait')
})

test('a range that makes no sense is refused before a run is made, with what would be right', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const refused = async (range: Partial<BackfillJob>, what: string, message: RegExp) =>
    assert.rejects(backfill(coordinator, range), (error) => {
      assert.ok(CarillonError.is(error), String(error))
      assert.equal(`${error.code} ${error.details.field}`, what)
      return message.test(error.message)
    })
  const range = { from: '2025-12-01', to: '2025-12-07' }
  await refused(range, 'JOB_NOT_FOUND name', /nightly/)
  await put(coordinator, { everyMs: 1_000 })
  await refused({ from: '2016-01-01', to: '2025-12-31' }, 'INVALID_REQUEST from', /about 3156\d\d\d\d\d runs, and may make 10000$/)
  await refused({ from: '2025-12-07', to: '2025-12-01' }, 'INVALID_DATE to', /before from/)
  await refused({ from: '2026-06-01', to: '2026-06-02' }, 'INVALID_DATE from', /still to come/)
  await put(coordinator, { afterMs: 60_000 })
  await refused(range, 'INVALID_REQUEST name', /fixed delay/)
  await coordinator.changeJobs.put('default', jobInputSchema.parse({ name: 'nightly' }))
  await refused(range, 'INVALID_REQUEST name', /no schedule/)
  assert.deepEqual(await runsBySlot(coordinator), [])
})

test('calendars exclude slots of the past, too; a range without slots makes no runs', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await coordinator.changeCalendars.put('default', { name: 'holidays', days: ['2025-12-25', '2025-12-26'] })
  await put(coordinator, { cron: '@daily', calendars: [{ rule: 'skip', calendar: 'holidays' }] })
  const christmas = await backfill(coordinator, { from: '2025-12-24', to: '2025-12-27' })
  assert.deepEqual([christmas.slots, christmas.created], [2, 2])
  assert.deepEqual(await backfill(coordinator, { from: '2025-12-25', to: '2025-12-26' }), { slots: 0, created: 0 })
})
