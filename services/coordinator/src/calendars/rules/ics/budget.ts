import { refuse } from './refuse.ts'

/** Years and days that are computed for one text, in 0.2 s at most: 400 yearly events since 1601, where some calendars begin, take as many. */
const STEPS = 200_000

/** Ends a text whose rules would take the process for long. */
export class Budget {
  #left = STEPS

  /** @throws CarillonError INVALID_CALENDAR */
  spend(): void {
    if (this.#left-- <= 0)
      throw refuse('ics has more repetitions than can be computed', { hint: 'Give fewer events, or rules that begin later.' })
  }
}
