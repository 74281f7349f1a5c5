import { CarillonError, printable } from '@carillon/contracts'
import type { JobRecord, Store } from '@carillon/store'
import { calendarsOf } from '../schedules/rules/exclusions.ts'
import { jobId } from './rules/job.ts'

/** @throws CarillonError CALENDAR_NOT_FOUND when a schedule uses a calendar that is not there */
export async function checkCalendars(store: Store, { namespace, schedule }: Pick<JobRecord, 'namespace' | 'schedule'>): Promise<void> {
  const names = calendarsOf({ schedule })
  if (names.length === 0) return
  const there = await store.calendars.get(names.map((name) => jobId(namespace, name)))
  const missing = names.findIndex((_, i) => there[i] === undefined)
  if (missing < 0) return
  const value = printable(names[missing])
  const field = `schedule.calendars.${missing}.calendar`
  throw new CarillonError('CALENDAR_NOT_FOUND', `there is no calendar ${value}`, { field, value })
}
