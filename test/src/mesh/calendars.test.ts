import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { collect, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`calendars with two coordinators, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    let client: Client
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2 })
      ;({ client } = await mesh.connect())
    })

    test('put, read, list, remove, and what is announced', async () => {
      const changes = collect(client.events({ noun: 'calendar' }))
      const days = ['2040-12-25', '2041-01-01']
      const put = await client.calendars.put({ name: 'holidays', days: days.toReversed(), description: 'of France' })
      assert.deepEqual([put.days, put.count, put.firstDay, put.lastDay, put.warnings], [days, 2, days[0], days[1], []])
      assert.deepEqual(await client.calendars.get('holidays'), put)
      for (const name of ['a', 'b', 'c']) await client.calendars.put({ name, days })
      const names: string[] = []
      for await (const { name, days: listed } of client.calendars.list({ limit: 2 })) {
        assert.equal(listed, undefined)
        names.push(name)
      }
      assert.deepEqual(names, ['a', 'b', 'c', 'holidays'])
      assert.deepEqual(await client.calendars.remove('holidays'), { removed: true })
      const { code, details } = await refusal(client.calendars.get('holidays'))
      assert.deepEqual([code, details.field, details.value], ['CALENDAR_NOT_FOUND', 'name', '"holidays"'])
      await eventually('both changes were announced', () => changes.whatsOf('holidays').length === 2)
      assert.deepEqual(changes.whatsOf('holidays'), ['put', 'removed'])
      changes.stop()
    })

    test('an iCalendar text, which says what of it was left out', async () => {
      const next = new Date().getUTCFullYear() + 1
      const text = [
        'BEGIN:VCALENDAR',
        'BEGIN:VEVENT',
        `DTSTART;VALUE=DATE:${next}1225`,
        'RRULE:FREQ=YEARLY;COUNT=2',
        'END:VEVENT',
        'BEGIN:VEVENT',
        `DTSTART:${next}1231T180000Z`,
        'SUMMARY:Party',
        'END:VEVENT',
        'END:VCALENDAR',
      ].join('\r\n')
      const { days, source, warnings } = await client.calendars.put({ name: 'from-ics', ics: text })
      assert.deepEqual([days, source], [[`${next}-12-25`, `${next + 1}-12-25`], 'ics'])
      assert.deepEqual(warnings, ['left out: 1 event at a time of day, in line 6, "Party"'])
      assert.deepEqual((await client.calendars.get('from-ics')).warnings, warnings)
    })

    test('changes of one calendar by many at once end with one of them, whole', async () => {
      const days = Array.from({ length: 16 }, (_, n) => `2040-01-${String(n + 1).padStart(2, '0')}`)
      const outcomes = await Promise.allSettled(days.map((day) => client.calendars.put({ name: 'shared', days: [day] })))
      assert.ok(outcomes.some(({ status }) => status === 'fulfilled'))
      const { days: [last = ''] = [], count } = await client.calendars.get('shared')
      assert.ok(days.includes(last) && count === 1)
    })
  })
}
