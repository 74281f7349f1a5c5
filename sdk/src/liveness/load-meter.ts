import type { Beat } from '@carillon/contracts'
import type { Clock } from '@carillon/wire/internal'

const MICROSECONDS_PER_MS = 1_000

/** The load of the whole process; any of its threads may measure it. */
export class LoadMeter {
  readonly #clock: Clock
  #lastCpu = process.cpuUsage()
  #lastAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastAt = clock.monotonic()
  }

  /** Of the time since the last measurement. */
  measure(): Pick<Beat, 'cpu' | 'memoryBytes'> {
    const now = this.#clock.monotonic()
    const cpu = process.cpuUsage(this.#lastCpu)
    const elapsedMs = Math.max(1, now - this.#lastAt)
    this.#lastCpu = process.cpuUsage()
    this.#lastAt = now
    return { cpu: rounded((cpu.user + cpu.system) / MICROSECONDS_PER_MS / elapsedMs), memoryBytes: process.memoryUsage.rss() }
  }
}

export const rounded = (value: number) => Math.round(value * 1_000) / 1_000
