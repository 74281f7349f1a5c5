import { type CalendarView, CarillonError, type calendarInputSchema, printable, subjects } from '@carillon/contracts'
import type { Broker, Clock } from '@carillon/runtime'
import type { CalendarRecord, Store } from '@carillon/store'
import type { z } from 'zod'
import type { Calendars, CalendarUse, Events } from '../ports.ts'
import { calendarHeadView, calendarId, calendarNotFound, calendarOf, calendarView, isSameCalendar } from './rules/calendar.ts'

const TRIES_AGAINST_OTHERS = 5

/** Puts and removes calendars. */
export class ChangeCalendars {
  readonly #store: Store
  readonly #clock: Clock
  readonly #broker: Broker
  readonly #events: Events
  readonly #calendars: Calendars
  readonly #users: CalendarUse

  constructor(options: { store: Store; clock: Clock; broker: Broker; events: Events; calendars: Calendars; users: CalendarUse }) {
    this.#calendars = options.calendars
    this.#users = options.users
    this.#store = options.store
    this.#clock = options.clock
    this.#broker = options.broker
    this.#events = options.events
  }

  /** Creates or replaces; the same again changes nothing. @throws CarillonError INVALID_CALENDAR */
  async put(namespace: string, input: z.output<typeof calendarInputSchema>): Promise<CalendarView> {
    const fresh = calendarOf(namespace, input, this.#clock.now())
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const [there] = await this.#store.calendars.get([fresh.id])
      if (!there) {
        if ((await this.#store.calendars.insert(fresh)) === 'created') return this.#changed(fresh)
        continue
      }
      if (isSameCalendar(there, fresh)) return calendarView(there, this.#clock.now())
      const changed = { ...fresh, revision: there.revision + 1, createdAt: there.createdAt }
      if ((await this.#store.calendars.replace(changed, { revision: there.revision })) === 'applied') return this.#changed(changed)
    }
    const value = printable(input.name)
    throw new CarillonError('CONCURRENT_CHANGE', `calendar ${value} is being changed by others`, { field: 'name', value })
  }

  /** @throws CarillonError CALENDAR_NOT_FOUND, CALENDAR_IN_USE */
  async remove(namespace: string, name: string): Promise<{ removed: true }> {
    const user = await this.#users.userOf(namespace, name)
    if (user !== undefined) {
      const message = `calendar ${printable(name)} is used by job ${printable(user)}`
      throw new CarillonError('CALENDAR_IN_USE', message, { field: 'name', value: printable(name) })
    }
    if (!(await this.#store.calendars.remove(calendarId(namespace, name)))) throw calendarNotFound(name)
    await this.#publish({ namespace, name }, 'removed', { name })
    return { removed: true }
  }

  async #changed(calendar: CalendarRecord): Promise<CalendarView> {
    const now = this.#clock.now()
    await this.#publish(calendar, 'put', calendarHeadView(calendar, now))
    this.#calendars.forget(calendar.namespace, calendar.name)
    await this.#users.changed(calendar.namespace, calendar.name)
    return calendarView(calendar, now)
  }

  /** The signal reaches the server before the answer: no slot that is computed after it uses the former days of a coordinator's cache. */
  async #publish({ namespace, name }: { namespace: string; name: string }, what: string, body: object): Promise<void> {
    this.#broker.connection.publish(subjects.live(namespace, 'calendar', name, 'changed'), JSON.stringify({ name, what }))
    this.#events.changed('calendar', { namespace, name, what, body })
    await this.#broker.connection.flush()
  }
}
