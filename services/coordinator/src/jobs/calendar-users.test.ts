import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calendarInputSchema, jobInputSchema } from '@carillon/contracts'
import { createTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts'

const DAY_MS = 86_400_000
const putDays = ({ changeCalendars }: TestCoordinator, days: readonly string[]) =>
  changeCalendars.put('default', calendarInputSchema.parse({ name: 'holidays', days }))
const putJob = ({ changeJobs }: TestCoordinator, calendars: object, more: object = {}) => {
  const schedule = { cron: '0 12 * * *', timezone: 'UTC', calendars, ...more }
  return changeJobs.put('default', jobInputSchema.parse({ name: 'report', schedule }))
}
const dayAfter = ({ clock }: TestCoordinator, days: number) => new Date(clock.now() + days * DAY_MS).toISOString().slice(0, 10)
const skip = [{ rule: 'skip', calendar: 'holidays' }]

test('a slot on an excluded day leaves a record, and the job fires on the next day', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { clock, store, fireSlots } = coordinator
  const [first, second, third] = [1, 2, 3].map((n) => dayAfter(coordinator, n)) as [string, string, string]
  await putDays(coordinator, [first, second])
  const view = await putJob(coordinator, skip, { startAt: first })
  assert.equal(view.nextAt, `${third}T12:00:00.000Z`)
  await clock.advance(Date.parse(`${third}T12:00:00Z`) - clock.now())
  await fireSlots.execute(['default/report'])
  const { items } = await store.runs.list({ namespace: 'default', limit: 10 })
  const heads = items.map(({ state, reason, slot }) => [state, reason, new Date(slot ?? 0).toISOString().slice(0, 10)])
  assert.deepEqual(heads.sort(), [
    ['queued', null, third],
    ['skipped', 'calendar', first],
  ])
  const message = items.find(({ state }) => state === 'skipped')?.error?.message
  assert.equal(
    message,
    `2 slots from ${first}T12:00:00.000Z to ${second}T12:00:00.000Z have no run of their own (calendars: skip:holidays)`,
  )
})

test('a day that is no longer excluded wakes the job sooner; a day that is now excluded is skipped when it comes', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { readJobs } = coordinator
  const [first, second] = [1, 2].map((n) => dayAfter(coordinator, n)) as [string, string]
  await putDays(coordinator, [first])
  const nextDay = async () => (await readJobs.get('default', 'report')).nextAt?.slice(0, 10)
  await putJob(coordinator, skip, { startAt: first })
  assert.equal(await nextDay(), second)
  await putDays(coordinator, [second])
  assert.equal(await nextDay(), first)
  await putDays(coordinator, [first, second])
  assert.equal(await nextDay(), dayAfter(coordinator, 3))
})

test('only the days of a calendar', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const day = dayAfter(coordinator, 40)
  await putDays(coordinator, [day])
  const view = await putJob(coordinator, [{ rule: 'only', calendar: 'holidays' }])
  const { slots, skipped } = await coordinator.previewJobs.execute('default', { name: 'report', count: 5 })
  assert.deepEqual([view.nextAt, slots.map(({ slot }) => slot)], [`${day}T12:00:00.000Z`, [`${day}T12:00:00.000Z`]])
  assert.ok((skipped[0]?.count ?? 0) >= 39 && skipped[0]?.reason === 'calendar')
})

test('calendars that are not there, that exclude everything or that are in use are refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const unknown = { code: 'CALENDAR_NOT_FOUND', details: { field: 'schedule.calendars.0.calendar', value: '"holidays"' } }
  await assert.rejects(putJob(coordinator, skip), ({ code, details: { field, value } }) => {
    assert.deepEqual({ code, details: { field, value } }, unknown)
    return true
  })
  const preview = coordinator.previewJobs.execute('default', {
    schedule: { cron: '@daily', timezone: 'UTC', calendars: skip as never },
    count: 1,
  })
  await assert.rejects(preview, { code: 'CALENDAR_NOT_FOUND' })
  await putDays(coordinator, [dayAfter(coordinator, -1)])
  await assert.rejects(putJob(coordinator, [{ rule: 'only', calendar: 'holidays' }]), { code: 'CALENDAR_EXCLUDES_ALL' })
  await putJob(coordinator, skip)
  await assert.rejects(coordinator.changeCalendars.remove('default', 'holidays'), { code: 'CALENDAR_IN_USE', message: /job "report"/ })
  await coordinator.changeJobs.remove('default', 'report', { keepRuns: false })
  assert.deepEqual(await coordinator.changeCalendars.remove('default', 'holidays'), { removed: true })
})
