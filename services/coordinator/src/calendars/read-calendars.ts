import type { CalendarView, Page } from '@carillon/contracts'
import { type Clock, pageThatFits } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import type { Place } from '../jobs/rules/job.ts'
import type { Calendars } from '../ports.ts'
import { calendarHeadView, calendarId, calendarNotFound, calendarView } from './rules/calendar.ts'

/** A change whose signal was lost is seen after this long at the latest. */
const KEEP_MS = 5_000
const KEEP_AT_MOST = 1_000
/** Of all calendars in the cache: about 30 MiB. */
const KEEP_DAYS = 400_000
/** Calendars in one read: about 2 MiB where each is as long as it may be. */
const READ_TOGETHER = 40

interface Entry {
  /** Undefined: there is no such calendar. */
  readonly days: ReadonlySet<string> | undefined
  /** On the monotonic clock. */
  readonly until: number
}

/** A cache of the days of calendars, with a limit of time and size. Every coordinator publishes `live.calendar.<name>.changed` when it changes one. */
export class CalendarCache implements Calendars {
  readonly #store: Store
  readonly #clock: Clock
  readonly #entries = new LRUCache<string, Entry>({
    max: KEEP_AT_MOST,
    maxSize: KEEP_DAYS,
    sizeCalculation: ({ days }) => 1 + (days?.size ?? 0),
  })
  /** What is read while an entry is invalidated may be old already, and is not cached. */
  #forgotten = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async daysOf(places: readonly Place[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const now = this.#clock.monotonic()
    const found = new Map<string, ReadonlySet<string>>()
    const missing = new Set<string>()
    for (const { namespace, name } of places) {
      if (name === undefined) continue
      const id = calendarId(namespace, name)
      const entry = this.#entries.get(id)
      if (!entry || entry.until <= now) missing.add(id)
      else if (entry.days) found.set(id, entry.days)
    }
    const ids = [...missing]
    for (let i = 0; i < ids.length; i += READ_TOGETHER) await this.#read(ids.slice(i, i + READ_TOGETHER), found)
    return found
  }

  async #read(ids: readonly string[], into: Map<string, ReadonlySet<string>>): Promise<void> {
    const [forgotten, until] = [this.#forgotten, this.#clock.monotonic() + KEEP_MS]
    const calendars = await this.#store.calendars.get(ids)
    for (const [i, calendar] of calendars.entries()) {
      const id = ids[i] as string
      const days = calendar && new Set(JSON.parse(calendar.days) as string[])
      if (days) into.set(id, days)
      if (forgotten === this.#forgotten) this.#entries.set(id, { days, until })
    }
  }

  forget(namespace: string, name: string): void {
    this.#forgotten++
    this.#entries.delete(calendarId(namespace, name))
  }
}

/** Reads calendars for people. */
export class ReadCalendars {
  readonly #store: Store
  readonly #clock: Clock

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** @throws CarillonError CALENDAR_NOT_FOUND */
  async get(namespace: string, name: string): Promise<CalendarView> {
    const [calendar] = await this.#store.calendars.get([calendarId(namespace, name)])
    if (!calendar) throw calendarNotFound(name)
    return calendarView(calendar, this.#clock.now())
  }

  async list(namespace: string, page: { cursor?: string | undefined; limit: number }): Promise<Page<CalendarView>> {
    const now = this.#clock.now()
    return pageThatFits(
      (maxBytes) => this.#store.calendars.list({ namespace, ...page, maxBytes }),
      (calendars) => calendars.map((calendar) => calendarHeadView(calendar, now)),
    )
  }
}
