import { CarillonError, printable } from '@carillon/contracts'
import { LRUCache } from 'lru-cache'
import { IANAZone } from 'luxon'

const ZONE = /^(UTC|[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+)$/
const DAY_MS = 86_400_000

/** @throws CarillonError INVALID_TIME_ZONE */
export function checkZone(timezone: string, field = 'schedule.timezone'): void {
  if (Zone.isKnown(timezone) || (ZONE.test(timezone) && IANAZone.isValidZone(timezone))) return
  throw new CarillonError('INVALID_TIME_ZONE', `there is no time zone ${printable(timezone)}`, {
    field,
    value: printable(timezone),
  })
}

/** Clocks are not changed and changed back within so short a time. */
const STEP_MS = 4 * DAY_MS

/** From an instant on a zone has this offset, in ms by which its wall clock is ahead of UTC. */
interface Period {
  readonly from: number
  readonly offset: number
}

/** A time zone, as offsets and the instants at which they change: what libraries make of the wall clock around a change differs. */
export class Zone {
  static readonly #known = new Map<string, Zone>()
  readonly #zone: IANAZone
  /** By UTC year. An offset costs 10 µs to ask for, and each step to a next slot needs several. */
  readonly #periods = new LRUCache<number, readonly Period[]>({ max: 200 })

  private constructor(name: string) {
    this.#zone = IANAZone.create(name)
  }

  /** Whether it was used before; to validate a name costs 50 µs. */
  static isKnown(name: string): boolean {
    return Zone.#known.has(name)
  }

  static of(name: string): Zone {
    const known = Zone.#known.get(name)
    if (known) return known
    const zone = new Zone(name)
    Zone.#known.set(name, zone)
    return zone
  }

  /** By how many ms the wall clock is ahead of UTC. */
  offsetAt(instant: number): number {
    return (this.#periodsOf(yearOf(instant)).findLast(({ from }) => from <= instant) as Period).offset
  }

  /** The wall-clock time at an instant, written as if it were UTC. */
  wallAt(instant: number): number {
    return instant + this.offsetAt(instant)
  }

  /** The first instant after `after` at which another offset may hold: that of a change, or the beginning of a year. */
  nextChange(after: number): number {
    const year = yearOf(after)
    return this.#periodsOf(year).find(({ from }) => from > after)?.from ?? Date.UTC(year + 1, 0, 1)
  }

  /** The last instant at or before `at` at which another offset began; undefined if none did in its year or the year before. */
  lastChange(at: number): number | undefined {
    const year = yearOf(at)
    const began = [...this.#periodsOf(year - 1), ...this.#periodsOf(year)].filter(({ from }) => from <= at)
    return began.findLast(({ offset }, i) => i > 0 && began[i - 1]?.offset !== offset)?.from
  }

  /** The first instant at which the wall clock shows this time; of one that it leaves out, the first instant after the gap. */
  instantOf(wall: number): number {
    const [before, after] = [wall - DAY_MS, wall + DAY_MS]
    const instants = [before, after]
      .map((near) => wall - this.offsetAt(near))
      .filter((instant) => instant + this.offsetAt(instant) === wall)
    return instants.length > 0 ? Math.min(...instants) : this.#changeBetween(before, after)
  }

  #periodsOf(year: number): readonly Period[] {
    const known = this.#periods.get(year)
    if (known) return known
    const [start, end] = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)]
    const periods = [{ from: start, offset: this.#ask(start) }]
    for (let at = start; at < end; at += STEP_MS) {
      const last = Math.min(at + STEP_MS, end) - 1
      if (this.#ask(last) === periods.at(-1)?.offset) continue
      const from = this.#changeBetween(at, last)
      periods.push({ from, offset: this.#ask(from) })
    }
    this.#periods.set(year, periods)
    return periods
  }

  #ask(instant: number): number {
    return this.#zone.offset(instant) * 60_000
  }

  /** The first instant after `from` at which its offset no longer holds, by halving; `to` has another offset. */
  #changeBetween(from: number, to: number): number {
    let [before, after] = [from, to]
    const offset = this.#ask(before)
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.#ask(middle) === offset) before = middle
      else after = middle
    }
    return after
  }
}

const yearOf = (instant: number) => new Date(instant).getUTCFullYear()
