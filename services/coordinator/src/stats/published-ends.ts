import type { RunHead } from '@carillon/store'
import type { EndsSeen } from '../ports.ts'
import { factsOfRun } from './rules/recount.ts'
import type { EndedFacts } from './rules/rollup.ts'

/** Ends that are kept, of all stretches together: those of some seconds of the fastest mesh. */
const KEPT_AT_MOST = 100_000
/** So many are to be counted at once: what is dropped because there are too many must be read from the broker, which takes 30 times as long. */
const MANY = KEPT_AT_MOST / 2
/** A shorter stretch is read from the broker, together with what lies around it: to check it would cost more. */
const SHORTEST = 64
/** Of a failure; what has a longer message is read from the broker. */
const MESSAGE_LETTERS = 1_000

/** Ends whose events have contiguous sequences. */
interface Stretch {
  readonly from: number
  readonly ends: EndedFacts[]
}

/**
 * The ends whose events this coordinator has published since it counted last, by the sequences that stream EVENTS has given to them: what has been
 * written here need not be read from the broker to be counted. Only a cache: what is missing, because another coordinator or a predecessor has published
 * it, is read from the stream, and what is here is compared with the stream before it counts.
 */
export class PublishedEnds implements EndsSeen {
  readonly #isCounting: () => boolean
  #stretches: Stretch[] = []
  #count = 0
  #onMany: (() => void) | undefined

  /** @param options.isCounting whether this coordinator counts; else nothing is kept */
  constructor(options: { isCounting: () => boolean }) {
    this.#isCounting = options.isCounting
  }

  /** @param sequences of their events, as far as the broker has confirmed them */
  keep(runs: readonly RunHead[], sequences: readonly (number | undefined)[]): void {
    if (!this.#isCounting()) {
      this.clear()
      return
    }
    for (const [i, run] of runs.entries()) {
      const sequence = sequences[i]
      const facts = sequence === undefined || (run.error?.message.length ?? 0) > MESSAGE_LETTERS ? undefined : factsOfRun(run, sequence)
      if (facts) this.#add(facts)
    }
    let [dropped, left] = [0, this.#count]
    for (; left > KEPT_AT_MOST; dropped++) left -= this.#stretches[dropped]?.ends.length ?? left
    this.#drop(dropped)
    this.#notifyOfMany()
  }

  /** Calls `listener` once, as soon as so many ends are kept that they should be counted. */
  onMany(listener: () => void): void {
    this.#onMany = listener
    this.#notifyOfMany()
  }

  #notifyOfMany(): void {
    if (this.#count < MANY) return
    const listener = this.#onMany
    this.#onMany = undefined
    listener?.()
  }

  #add(facts: EndedFacts): void {
    const last = this.#stretches.at(-1)
    const next = last && last.from + last.ends.length
    // The broker has lost what was stored there before.
    if (next !== undefined && facts.sequence < next) this.clear()
    if (last && facts.sequence === next && last.ends.length < KEPT_AT_MOST / 10) last.ends.push(facts)
    else this.#stretches.push({ from: facts.sequence, ends: [facts] })
    this.#count++
  }

  /** The ends from this sequence on, as long as they are contiguous, and where the next ones begin. What lies before is forgotten. */
  from(sequence: number): { readonly ends: readonly EndedFacts[]; readonly next: number } {
    const isOver = ({ from, ends }: Stretch) => from + ends.length <= sequence
    const kept = this.#stretches.findIndex((stretch) => !isOver(stretch))
    this.#drop(kept < 0 ? this.#stretches.length : kept)
    const [first] = this.#stretches
    const ends = first && first.from <= sequence ? first.ends.slice(sequence - first.from) : []
    if (ends.length >= SHORTEST) return { ends, next: sequence + ends.length }
    const next = this.#stretches.find((stretch) => stretch.from > sequence && stretch.ends.length >= SHORTEST)
    return { ends: [], next: next?.from ?? Number.POSITIVE_INFINITY }
  }

  /** The oldest stretches, all in one go: between the events of other coordinators there may be very many short ones. */
  #drop(stretches: number): void {
    for (const { ends } of this.#stretches.splice(0, stretches)) this.#count -= ends.length
  }

  clear(): void {
    this.#stretches = []
    this.#count = 0
  }
}
