/** Attempts whose lines are remembered: beyond that, those that were first are forgotten, and a line of theirs may come twice. */
const ATTEMPTS = 10_000

/** First and last number, inclusive. */
type Range = [from: number, to: number]

/** Which lines of attempts were sent. Lines of an attempt come in order nearly always, so it is a range or two. */
export class SeenLines {
  readonly #attempts = new Map<string, Range[]>()

  /** Notes the line; false: it was noted before. @param attempt what distinguishes it from all other attempts of the run */
  add(attempt: string, seq: number): boolean {
    const ranges = this.#attempts.get(attempt) ?? this.#create(attempt)
    const last = ranges.at(-1)
    if (last && seq === last[1] + 1) {
      last[1] = seq
      return true
    }
    const index = ranges.findLastIndex(([from]) => from <= seq)
    const before = ranges[index]
    if (before && seq <= before[1]) return false
    const after = ranges[index + 1]
    if (before && seq === before[1] + 1) before[1] = seq
    else if (after && seq === after[0] - 1) after[0] = seq
    else ranges.splice(index + 1, 0, [seq, seq])
    if (before && after && before[1] + 1 === after[0]) ranges.splice(index, 2, [before[0], after[1]])
    return true
  }

  /** Every line of the attempt up to this number was noted. */
  settledUpTo(attempt: string): number {
    const first = this.#attempts.get(attempt)?.find(([from, to]) => from <= 1 && to >= 1)
    return first?.[1] ?? 0
  }

  #create(attempt: string): Range[] {
    const [oldest] = this.#attempts.keys()
    if (this.#attempts.size >= ATTEMPTS && oldest !== undefined) this.#attempts.delete(oldest)
    const ranges: Range[] = []
    this.#attempts.set(attempt, ranges)
    return ranges
  }
}
