import type { LogView } from '@carillon/contracts'

type AttemptOfTask = Pick<LogView, 'taskId' | 'attempt' | 'instance'>

interface Series {
  /** The lines that were shown, by number: history and live overlap. */
  readonly seen: Set<number>
  readonly held: Map<number, LogView>
  next: number
}

/**
 * Puts the lines that the logger keeps and those heard live together: each once, each attempt in its order. A live line whose
 * predecessor is missing is held until the predecessor comes from the logger, or until `release`.
 */
export class LogMerger {
  readonly #series = new Map<string, Series>()

  /** Whether lines are held because others are missing. */
  get hasGap(): boolean {
    return [...this.#series.values()].some((series) => series.held.size > 0)
  }

  /** Every line of an attempt up to this number was shown, or is not to be had. */
  settledUpTo(attempt: AttemptOfTask): number {
    return (this.#series.get(keyOf(attempt))?.next ?? 1) - 1
  }

  /** A line the logger keeps: what is missing before it is not to be had. Answers what can be shown now. */
  stored(line: LogView): LogView[] {
    const series = this.#seriesOf(line)
    const isNew = !series.seen.has(line.seq)
    if (isNew) mark(series, line)
    return [...(isNew ? [line] : []), ...continued(series)]
  }

  /** A line heard live. Answers what can be shown now. */
  heard(line: LogView): LogView[] {
    const series = this.#seriesOf(line)
    if (series.seen.has(line.seq)) return []
    if (line.seq > series.next) {
      series.held.set(line.seq, line)
      return []
    }
    mark(series, line)
    return [line, ...continued(series)]
  }

  /** Gives up on what is missing. Answers what was held, and how many lines are missing before it. */
  release(): { lines: LogView[]; missing: number } {
    let missing = 0
    const lines = [...this.#series.values()].flatMap((series) => {
      const held = [...series.held.values()].sort((left, right) => left.seq - right.seq)
      for (const line of held) {
        missing += Math.max(0, line.seq - series.next)
        mark(series, line)
      }
      return held
    })
    return { lines, missing }
  }

  #seriesOf(line: LogView): Series {
    const key = keyOf(line)
    const series = this.#series.get(key) ?? { seen: new Set(), held: new Map(), next: 1 }
    this.#series.set(key, series)
    return series
  }
}

const keyOf = ({ taskId, attempt, instance }: AttemptOfTask) => `${taskId} ${attempt} ${instance}`

function mark(series: Series, line: LogView): void {
  series.seen.add(line.seq)
  series.held.delete(line.seq)
  series.next = Math.max(series.next, line.seq + 1)
}

function continued(series: Series): LogView[] {
  const lines: LogView[] = []
  for (let line = series.held.get(series.next); line !== undefined; line = series.held.get(series.next)) {
    mark(series, line)
    lines.push(line)
  }
  return lines
}
