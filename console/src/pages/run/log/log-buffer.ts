import type { LogLevel } from '@carillon/contracts'

/** A line as both the logger and the stream give it. */
export interface Line {
  readonly at: string
  readonly level: LogLevel
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly taskId: string
  readonly attempt: number
  /** Order within an attempt of a task. */
  readonly seq: number
  readonly instance: string
}

/** More than a page can keep: 200,000 lines of 150 letters are about 60 MiB. */
const MOST_LINES = 200_000
const DROPPED_AT_ONCE = 20_000

const keyOf = ({ taskId, attempt, seq }: Line) => `${taskId} ${attempt} ${seq}`

/** By time; lines of one attempt by their order, for a clock may stand still. */
function compare(a: Line, b: Line): number {
  if (a.taskId === b.taskId && a.attempt === b.attempt && a.seq > 0 && b.seq > 0) return a.seq - b.seq
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0
}

/**
 * The lines of a log in their order, each once, from whatever side they come: pages of the logger, and messages of the stream.
 */
export class LogBuffer {
  readonly #keys = new Set<string>()
  readonly #lines: Line[] = []
  #dropped = 0
  #errors = 0
  #version = 0

  get lines(): readonly Line[] {
    return this.#lines
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version
  }

  /** Lines that were let go, the oldest ones. */
  get dropped(): number {
    return this.#dropped
  }

  /** How many errors there have been. */
  get errors(): number {
    return this.#errors
  }

  has(line: Line): boolean {
    return this.#keys.has(keyOf(line))
  }

  /** @returns how many were new */
  add(given: readonly Line[]): number {
    const fresh = given.filter((line) => {
      const key = keyOf(line)
      return !this.#keys.has(key) && this.#keys.add(key)
    })
    if (fresh.length === 0) return 0
    fresh.sort(compare)
    const first = fresh[0] as Line
    const last = this.#lines.at(-1)
    if (last === undefined || compare(last, first) <= 0) this.#lines.push(...fresh)
    else this.#merge(fresh, first)
    for (const { level } of fresh) if (level === 'error') this.#errors++
    this.#version++
    if (this.#lines.length > MOST_LINES) this.#drop()
    return fresh.length
  }

  /** Only the tail behind the first new line is sorted again. */
  #merge(fresh: readonly Line[], first: Line): void {
    let from = this.#lines.length
    while (from > 0 && compare(this.#lines[from - 1] as Line, first) > 0) from--
    const tail = this.#lines.splice(from)
    this.#lines.push(...[...tail, ...fresh].sort(compare))
  }

  #drop(): void {
    const count = this.#lines.length - MOST_LINES + DROPPED_AT_ONCE
    for (const line of this.#lines.splice(0, count)) this.#keys.delete(keyOf(line))
    this.#dropped += count
  }
}
