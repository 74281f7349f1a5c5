import { CarillonError, printable } from '@carillon/contracts'
import { type Clock, jitter, pause } from '@carillon/wire/internal'
import { KeyedTurns } from './keyed-turns.ts'

/** Without a pause: two processes change one record at the same moment now and then. */
const TRIES_AT_ONCE = 3
/** Then after pauses that double up to the longest one: less than four seconds in all, because callers wait five for an answer. */
const TRIES = 20
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 250

/** A record as errors name it. */
export interface TurnOf {
  readonly kind: 'job' | 'calendar' | 'alert rule' | 'alert channel' | 'incident' | 'webhook'
  readonly id: string
  readonly name: string
  readonly field: string
}

/**
 * Changes of records whose callers expect nothing of what is stored: each reads the record, and writes it if nobody has written it since. Those that this process
 * makes to one record take turns, because at once they would have each other refused; one that another process has refused reads and writes again.
 */
export class RecordTurns {
  readonly #clock: Clock
  readonly #turns = new KeyedTurns()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param change reads, decides and writes; undefined: the write was refused, and it is to be done again
   * @throws CarillonError what `change` throws; CONCURRENT_CHANGE when others were faster for seconds
   */
  take<Made>(of: TurnOf, change: () => Promise<Made | undefined>): Promise<Made> {
    return this.#turns.take(`${of.kind} ${of.id}`, () => this.#repeat(of, change))
  }

  async #repeat<Made>({ kind, name, field }: TurnOf, change: () => Promise<Made | undefined>): Promise<Made> {
    for (let i = 0; i < TRIES; i++) {
      if (i >= TRIES_AT_ONCE) await pause(this.#clock, jitter(Math.min(FIRST_PAUSE_MS * 2 ** (i - TRIES_AT_ONCE), LONGEST_PAUSE_MS)))
      const made = await change()
      if (made !== undefined) return made
    }
    throw new CarillonError('CONCURRENT_CHANGE', `${kind} ${printable(name)} is being changed by others`, { field, value: printable(name) })
  }
}
