import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CalendarView, calendarInputSchema } from '@carillon/contracts'
import { createTestCoordinator, inTime, type TestCoordinator } from '../testing/test-coordinator.ts'
import { dayAt, dayText } from './rules/day.ts'

const put = (coordinator: TestCoordinator, fields: object): Promise<CalendarView> =>
  coordinator.changeCalendars.put('default', calendarInputSchema.parse({ name: 'holidays', ...fields }))
const stored = async ({ store }: TestCoordinator) => (await store.calendars.get(['default/holidays']))[0]
const place = (name: string | undefined) => ({ namespace: 'default', name })
const ics = (...lines: string[]) => ['BEGIN:VCALENDAR', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n')

test('days are kept once and in order, and the change is announced', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const view = await put(coordinator, { days: ['2040-01-01', '2030-12-25', '2040-01-01'], description: 'of nowhere' })
  const { createdAt, updatedAt, hash, ...rest } = view
  assert.deepEqual(rest, {
    name: 'holidays',
    revision: 1,
    description: 'of nowhere',
    source: 'days',
    count: 2,
    firstDay: '2030-12-25',
    lastDay: '2040-01-01',
    days: ['2030-12-25', '2040-01-01'],
    warnings: [],
  })
  assert.deepEqual([createdAt, updatedAt, hash.length], [new Date(coordinator.clock.now()).toISOString(), createdAt, 64])
  const { days: _, ...head } = view
  assert.deepEqual(coordinator.fake.publishedTo('event.calendar.holidays.put'), [head])
  assert.deepEqual(coordinator.fake.publishedTo('live.calendar.holidays.changed'), [{ name: 'holidays', what: 'put' }])
  assert.deepEqual(await coordinator.readCalendars.get('default', 'holidays'), view)
  assert.deepEqual(await coordinator.readCalendars.list('default', { limit: 10 }), { items: [head] })
})

test('the same again changes nothing, other days or another description replace it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await put(coordinator, { days: ['2040-01-01'] })
  const first = await stored(coordinator)
  await coordinator.clock.advance(1_000)
  await put(coordinator, { days: ['2040-01-01'] })
  assert.deepEqual(await stored(coordinator), first)
  assert.equal(coordinator.fake.publishedTo('event.calendar.holidays.put').length, 1)
  await put(coordinator, { days: ['2040-01-01'], description: 'named' })
  await put(coordinator, { days: ['2040-01-02'] })
  const last = await stored(coordinator)
  assert.deepEqual([last?.revision, last?.days, last?.description, last?.createdAt], [3, '["2040-01-02"]', null, first?.createdAt])
})

test('an iCalendar text is kept as days as far as ten years ahead, with what was left out', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const today = dayText(dayAt(coordinator.clock.now())).replaceAll('-', '')
  const yearly = ics(`DTSTART;VALUE=DATE:${today}`, 'RRULE:FREQ=YEARLY')
  const view = await put(coordinator, { ics: yearly })
  assert.deepEqual([view.source, view.count, view.warnings], ['ics', 11, []])
  const mixed = await put(coordinator, { ics: `${yearly}${ics('DTSTART:20300101T090000Z')}` })
  assert.deepEqual(mixed.warnings, ['left out: 1 event at a time of day, in line 8'])
  await coordinator.clock.advance(366 * 86_400_000)
  assert.equal((await put(coordinator, { ics: yearly })).count, 12)
})

test('a calendar that comes to its end is said to, in each answer', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const ahead = (days: number) => dayText(dayAt(coordinator.clock.now()) + days)
  const warning = async (days: number) => (await put(coordinator, { days: [ahead(days)] })).warnings[0]
  assert.equal(await warning(90), undefined)
  assert.equal(await warning(89), `its last day, ${ahead(89)}, is 89 days away: put it again with the days that follow`)
  assert.match((await warning(1)) ?? '', /is 1 day away/)
  assert.match((await warning(0)) ?? '', /is today/)
  assert.match((await warning(-1)) ?? '', /has passed/)
  assert.equal((await coordinator.readCalendars.list('default', { limit: 1 })).items[0]?.warnings.length, 1)
})

test('an iCalendar text without days, or with too many, is refused and not kept', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const refused = async (text: string, message: RegExp) =>
    assert.rejects(put(coordinator, { ics: text }), { code: 'INVALID_CALENDAR', message })
  await refused(ics('DTSTART:20300101T090000Z'), /no all-day event; left out: 1 event at a time of day/)
  await refused(ics('DTSTART:20250101', 'DURATION:P4001D'), /4001 days/)
  await refused(ics('DTSTART:20250230'), /line 3 of ics/)
  assert.equal(await stored(coordinator), undefined)
})

test('changes of several at once are made one after another; who always comes too late gives up', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  await Promise.all([
    put(coordinator, { days: ['2040-01-01'] }),
    put(other, { days: ['2040-01-02'] }),
    put(other, { days: ['2040-01-03'] }),
  ])
  assert.equal((await stored(coordinator))?.revision, 3)
  coordinator.store.calendars.replace = async () => 'refused'
  await assert.rejects(inTime(coordinator, put(coordinator, { days: ['2040-02-01'] })), { code: 'CONCURRENT_CHANGE' })
})

test('removing a calendar is announced; one that is not there is named', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeCalendars, readCalendars, fake } = coordinator
  await put(coordinator, { days: ['2040-01-01'] })
  await assert.rejects(changeCalendars.remove('shop', 'holidays'), { code: 'CALENDAR_NOT_FOUND' })
  assert.deepEqual(await changeCalendars.remove('default', 'holidays'), { removed: true })
  assert.deepEqual(fake.publishedTo('event.calendar.holidays.removed'), [{ name: 'holidays' }])
  await assert.rejects(changeCalendars.remove('default', 'holidays'), { code: 'CALENDAR_NOT_FOUND', message: /"holidays"/ })
  await assert.rejects(readCalendars.get('default', 'holidays'), { code: 'CALENDAR_NOT_FOUND' })
})

test('days are read once, from memory afterwards, until a change is signalled or the time is over', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { calendars, clock, store } = coordinator
  await put(coordinator, { days: ['2040-01-01'] })
  const reads: string[] = []
  const { get } = store.calendars
  store.calendars.get = (ids) => {
    reads.push(...ids)
    return get.call(store.calendars, ids)
  }
  const found = async () =>
    Object.fromEntries(await calendars.daysOf([place('holidays'), place('none'), place(undefined), place('holidays')]))
  assert.deepEqual(await found(), { 'default/holidays': new Set(['2040-01-01']) })
  assert.deepEqual(await found(), { 'default/holidays': new Set(['2040-01-01']) })
  assert.deepEqual(reads, ['default/holidays', 'default/none'])
  await put(coordinator, { days: ['2040-01-02'] })
  reads.length = 0
  calendars.forget('default', 'holidays')
  assert.deepEqual(await found(), { 'default/holidays': new Set(['2040-01-02']) })
  assert.deepEqual(reads, ['default/holidays'])
  await clock.advance(5_000)
  await found()
  assert.deepEqual(reads, ['default/holidays', 'default/holidays', 'default/none'])
})

test('days that were read while a change was signalled are not remembered', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { calendars, store } = coordinator
  await put(coordinator, { days: ['2040-01-01'] })
  const { get } = store.calendars
  store.calendars.get = async (ids) => {
    const read = await get.call(store.calendars, ids)
    calendars.forget('default', 'holidays')
    store.calendars.get = get
    return read
  }
  await calendars.daysOf([place('holidays')])
  const [calendar] = await store.calendars.get(['default/holidays'])
  await store.calendars.replace({ ...calendar!, days: '["2040-01-02"]', revision: 2 }, { revision: 1 })
  assert.deepEqual([...((await calendars.daysOf([place('holidays')])).get('default/holidays') ?? [])], ['2040-01-02'])
})

test('many calendars are read a few at a time', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const names = Array.from({ length: 100 }, (_, n) => `c-${n}`)
  for (const name of names) await put(coordinator, { name, days: ['2040-01-01'] })
  const { get } = coordinator.store.calendars
  let most = 0
  coordinator.store.calendars.get = (ids) => {
    most = Math.max(most, ids.length)
    return get.call(coordinator.store.calendars, ids)
  }
  assert.equal((await coordinator.calendars.daysOf(names.map(place))).size, 100)
  assert.ok(most <= 40)
})

test('a calendar that has the name of a removed one has none of its revisions', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeCalendars, store } = coordinator
  const input = calendarInputSchema.parse({ name: 'holidays', days: ['2040-01-01'] })
  await put(coordinator, { days: ['2039-01-01'] })
  for (const [i, revision] of [1, 2, 3].entries()) {
    assert.equal((await stored(coordinator))?.revision, revision)
    await changeCalendars.remove('default', 'holidays', revision)
    // Not by who has read one that was removed since.
    await assert.rejects(changeCalendars.put('default', input, revision), { code: 'PRECONDITION_FAILED' })
    await changeCalendars.put('default', input, 0)
    for (const read of [1, 2, 3].slice(0, i + 1))
      await assert.rejects(changeCalendars.remove('default', 'holidays', read), { code: 'PRECONDITION_FAILED' })
  }
  const { items } = await store.changes.list({ jobId: 'calendar:default/holidays', below: 99, limit: 9 })
  assert.equal(items.length, 1)
})
