import { type CalendarView, CarillonError, type calendarInputSchema, printable, subjects } from '@carillon/contracts'
import type { Broker, Clock, RecordTurns } from '@carillon/runtime'
import { type CalendarRecord, changeId, type Store } from '@carillon/store'
import type { z } from 'zod'
import { checkRevision } from '../jobs/rules/if-revision.ts'
import type { Calendars, CalendarUse, Events } from '../ports.ts'
import { calendarHeadView, calendarId, calendarNotFound, calendarOf, calendarView, isSameCalendar } from './rules/calendar.ts'

/** Among the changes of jobs, of which none has a colon in its name. */
const removalsOf = (id: string) => `calendar:${id}`

/** Puts and removes calendars. */
export class ChangeCalendars {
  readonly #store: Store
  readonly #clock: Clock
  readonly #broker: Broker
  readonly #events: Events
  readonly #calendars: Calendars
  readonly #users: CalendarUse
  readonly #turns: RecordTurns

  constructor(options: {
    store: Store
    clock: Clock
    broker: Broker
    events: Events
    calendars: Calendars
    users: CalendarUse
    turns: RecordTurns
  }) {
    this.#turns = options.turns
    this.#calendars = options.calendars
    this.#users = options.users
    this.#store = options.store
    this.#clock = options.clock
    this.#broker = options.broker
    this.#events = options.events
  }

  /** Creates or replaces; the same again changes nothing. @throws CarillonError INVALID_CALENDAR, PRECONDITION_FAILED */
  async put(namespace: string, input: z.output<typeof calendarInputSchema>, ifRevision?: number): Promise<CalendarView> {
    const fresh = calendarOf(namespace, input, this.#clock.now())
    return this.#turns.take({ kind: 'calendar', id: fresh.id, name: input.name, field: 'name' }, async () => {
      const [there] = await this.#store.calendars.get([fresh.id])
      checkRevision(ifRevision, there, input.name)
      if (!there) {
        const created = { ...fresh, revision: await this.#firstRevision(fresh.id) }
        return (await this.#store.calendars.insert(created)) === 'created' ? this.#changed(created) : undefined
      }
      if (isSameCalendar(there, fresh)) return calendarView(there, this.#clock.now())
      const changed = { ...fresh, revision: there.revision + 1, createdAt: there.createdAt }
      const outcome = await this.#store.calendars.replace(changed, { revision: there.revision })
      return outcome === 'applied' ? this.#changed(changed) : undefined
    })
  }

  /** @throws CarillonError CALENDAR_NOT_FOUND, CALENDAR_IN_USE, PRECONDITION_FAILED */
  async remove(namespace: string, name: string, ifRevision?: number): Promise<{ removed: true }> {
    const user = await this.#users.userOf(namespace, name)
    if (user !== undefined) {
      const message = `calendar ${printable(name)} is used by job ${printable(user)}`
      throw new CarillonError('CALENDAR_IN_USE', message, { field: 'name', value: printable(name) })
    }
    const id = calendarId(namespace, name)
    await this.#turns.take({ kind: 'calendar', id, name, field: 'name' }, async () => {
      const [there] = await this.#store.calendars.get([id])
      if (!there) throw calendarNotFound(name)
      checkRevision(ifRevision, there, name)
      await this.#keepRemoval(there)
      return (await this.#store.calendars.remove(id, { revision: there.revision })) === 'applied' ? true : undefined
    })
    await this.#publish({ namespace, name }, 'removed', { name })
    return { removed: true }
  }

  /** Behind those of calendars that had its name: who has read one of them does not change this one with its revision. */
  async #firstRevision(id: string): Promise<number> {
    const { items } = await this.#store.changes.list({ jobId: removalsOf(id), below: Number.POSITIVE_INFINITY, limit: 1 })
    return (items[0]?.revision ?? 0) + 1
  }

  /** The last revision of a name, before it goes. */
  async #keepRemoval({ id, revision }: CalendarRecord): Promise<void> {
    const jobId = removalsOf(id)
    const change = { id: changeId(jobId, revision), revision, at: this.#clock.now(), kind: 'removed', by: null, version: null } as const
    await this.#store.changes.insert({ ...change, definition: '{}' })
    await this.#store.changes.trim({ jobId, below: revision })
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
