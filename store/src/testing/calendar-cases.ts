import assert from 'node:assert/strict'
import type { ConformanceCase } from './conformance-case.ts'
import { allOf, range } from './pages.ts'
import { aCalendar, calendarHeadOf, START_AT } from './records.ts'

/** The days of about eleven years as JSON text. */
const MANY_DAYS = JSON.stringify(range(4_000).map((n) => new Date(START_AT + n * 86_400_000).toISOString().slice(0, 10)))

export const CALENDAR_CASES: ConformanceCase[] = [
  {
    name: 'calendars: of two that insert one name the first creates it, and what is large comes back whole',
    async run(store) {
      const calendar = aCalendar('holidays', { days: MANY_DAYS, count: 4_000, omissions: ['2 events at a time of day', 'é'] })
      assert.equal(await store.calendars.insert(calendar), 'created')
      assert.equal(await store.calendars.insert(aCalendar('holidays')), 'duplicate')
      assert.deepEqual(await store.calendars.get(['default/nobody', calendar.id]), [undefined, calendar])
    },
  },
  {
    name: 'calendars: replace needs the stored revision, and replaces every field',
    async run(store) {
      const calendar = aCalendar('holidays', { description: 'of France' })
      await store.calendars.insert(calendar)
      const next = aCalendar('holidays', {
        revision: 2,
        source: 'ics',
        hash: '1'.repeat(64),
        days: MANY_DAYS,
        count: 4_000,
        lastDay: '2036-12-13',
        omissions: ['1 event that is cancelled'],
        updatedAt: START_AT + 1,
      })
      assert.equal(await store.calendars.replace(next, { revision: 7 }), 'refused')
      assert.deepEqual(await store.calendars.get([calendar.id]), [calendar])
      assert.equal(await store.calendars.replace(next, { revision: 1 }), 'applied')
      assert.equal(await store.calendars.replace(next, { revision: 1 }), 'refused')
      assert.deepEqual(await store.calendars.get([calendar.id]), [next])
      assert.equal(await store.calendars.replace(aCalendar('nobody'), { revision: 1 }), 'refused')
    },
  },
  {
    name: 'calendars: of 16 that replace the same revision one wins',
    async run(store, context) {
      const stores = [store, await context.openAnother()]
      await store.calendars.insert(aCalendar('holidays'))
      const outcomes = await Promise.all(
        range(16).map((n) => stores[n % 2]!.calendars.replace(aCalendar('holidays', { revision: 2, hash: `${n}` }), { revision: 1 })),
      )
      assert.equal(outcomes.filter((outcome) => outcome === 'applied').length, 1)
      assert.equal((await store.calendars.get(['default/holidays']))[0]?.hash, `${outcomes.indexOf('applied')}`)
    },
  },
  {
    name: 'calendars: list without days by name in one namespace, and remove',
    async run(store) {
      const calendars = ['a', 'B', 'a-1', 'a_1', 'b', 'Z', '0', '__proto__', 'constructor'].map((name) => aCalendar(name))
      for (const calendar of calendars) await store.calendars.insert(calendar)
      await store.calendars.insert(aCalendar('b', { namespace: 'default-2', days: MANY_DAYS }))
      const read = (cursor: string | undefined) => store.calendars.list({ namespace: 'default', cursor, limit: 2 })
      const sorted = calendars.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      assert.deepEqual(await allOf(read), sorted.map(calendarHeadOf))
      assert.equal(await store.calendars.remove('default/b', { revision: 2 }), 'refused')
      assert.equal(await store.calendars.remove('default/b', { revision: 1 }), 'applied')
      assert.equal(await store.calendars.remove('default/b', { revision: 1 }), 'refused')
      assert.deepEqual(await store.calendars.get(['default/b']), [undefined])
      assert.equal((await store.calendars.list({ namespace: 'default-2', limit: 5 })).items.length, 1)
    },
  },
  {
    name: 'calendars: a name that is free again begins with no days of the former one',
    async run(store) {
      await store.calendars.insert(aCalendar('holidays', { days: MANY_DAYS }))
      await store.calendars.remove('default/holidays', { revision: 1 })
      await store.calendars.insert(aCalendar('holidays'))
      assert.deepEqual(await store.calendars.get(['default/holidays']), [aCalendar('holidays')])
    },
  },
]
