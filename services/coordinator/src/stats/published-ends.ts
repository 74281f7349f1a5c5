import type { RunHead } from '@carillon/store'
import type { EndsCounter } from '../ports.ts'
import { MinuteCounts } from './rules/group-ends.ts'
import { factsOfRun } from './rules/recount.ts'
import type { EndedFacts } from './rules/rollup.ts'

/** Minutes of jobs that are kept, of all stretches together: what is dropped is read from the broker. */
const MINUTES_KEPT = 20_000
/** A shorter stretch is read from the broker, together with what lies around it: to check it would cost more. */
const SHORTEST = 64
/** Of a failure; what has a longer message is read from the broker. */
const MESSAGE_LETTERS = 1_000

/** Ends whose events have contiguous sequences, counted. */
export interface CountedStretch {
  readonly from: number
  readonly last: EndedFacts
  readonly counts: MinuteCounts
}

/**
 * Counts the ends whose events this coordinator has published since it counted last, with the sequences that stream EVENTS has given to them: what has been
 * written here need not be read from the broker. Only a cache: what is missing, because another coordinator or a predecessor has published
 * it, is read from the stream, and what is here is compared with the stream before it counts.
 */
export class PublishedEnds implements EndsCounter {
  readonly #isCounting: () => boolean
  #stretches: { from: number; last: EndedFacts; counts: MinuteCounts }[] = []
  /** The last stretch was read: what comes is counted in another one. */
  #isClosed = false
  /** Minutes of jobs, of all stretches. */
  #minutes = 0

  /** @param options.isCounting whether this coordinator counts; else nothing is kept */
  constructor(options: { isCounting: () => boolean }) {
    this.#isCounting = options.isCounting
  }

  /** @param sequences of their events, as far as the broker has confirmed them */
  count(runs: readonly RunHead[], sequences: readonly (number | undefined)[]): void {
    if (!this.#isCounting()) {
      this.clear()
      return
    }
    for (const [i, run] of runs.entries()) {
      const sequence = sequences[i]
      const facts = sequence === undefined || (run.error?.message.length ?? 0) > MESSAGE_LETTERS ? undefined : factsOfRun(run, sequence)
      if (facts) this.#add(facts)
    }
    let [dropped, left] = [0, this.#minutes]
    for (; left > MINUTES_KEPT; dropped++) left -= this.#stretches[dropped]?.counts.size ?? left
    this.#drop(dropped)
  }

  #add(facts: EndedFacts): void {
    let stretch = this.#stretches.at(-1)
    // The broker has lost what was stored there before.
    if (stretch && facts.sequence <= stretch.last.sequence) this.clear()
    if (stretch && !this.#isClosed && facts.sequence === stretch.last.sequence + 1) stretch.last = facts
    else {
      stretch = { from: facts.sequence, last: facts, counts: new MinuteCounts() }
      this.#stretches.push(stretch)
      this.#isClosed = false
    }
    this.#minutes -= stretch.counts.size
    stretch.counts.add(facts)
    this.#minutes += stretch.counts.size
  }

  /**
   * The stretch that begins with this sequence, and where the next one begins. What lies before is forgotten, and so is a stretch in which the sequence lies: of
   * that only the sum is known.
   */
  from(sequence: number): { readonly stretch: CountedStretch | undefined; readonly next: number } {
    const kept = this.#stretches.findIndex(({ from }) => from >= sequence)
    this.#drop(kept < 0 ? this.#stretches.length : kept)
    const isLong = ({ from, last }: CountedStretch) => last.sequence - from + 1 >= SHORTEST
    const next = this.#stretches.find(isLong)
    if (next?.from !== sequence) return { stretch: undefined, next: next?.from ?? Number.POSITIVE_INFINITY }
    this.#isClosed ||= this.#stretches.length === 1
    return { stretch: next, next: next.last.sequence + 1 }
  }

  /** The oldest stretches, all in one go: between the events of other coordinators there may be very many short ones. */
  #drop(stretches: number): void {
    for (const { counts } of this.#stretches.splice(0, stretches)) this.#minutes -= counts.size
  }

  clear(): void {
    this.#drop(this.#stretches.length)
    this.#isClosed = false
  }
}
