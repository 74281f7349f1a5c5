import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Beat, TIMES } from '@carillon/contracts'
import type { Clock, Timer } from '../clock.ts'
import type { Link } from '../connection/link.ts'

export interface HeartbeatOptions {
  readonly link: Link
  readonly clock: Clock
  readonly subject: string
  readonly session: string
  readonly work: () => WorkLoad
}

export type WorkLoad = Pick<Beat, 'running' | 'stuck' | 'stuckTasks'>

/** Coarse, because each sample wakes the process. */
const RESOLUTION_MS = 100
const MICROSECONDS_PER_MS = 1_000
const NANOSECONDS_PER_MS = 1_000_000

/** Says every 3 s that this executor is alive, and how loaded it is. */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #timer: Timer | undefined
  #lastCpu = process.cpuUsage()
  #lastAt = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#timer) return
    this.#delay.enable()
    this.#lastAt = this.#options.clock.monotonic()
    this.#timer = this.#options.clock.every(TIMES.beatMs, () => this.#beat())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#delay.disable()
  }

  #beat(): void {
    this.#options.link.publish(this.#options.subject, JSON.stringify(this.#measure()))
  }

  #measure(): Beat {
    const now = this.#options.clock.monotonic()
    const cpu = process.cpuUsage(this.#lastCpu)
    const elapsedMs = Math.max(1, now - this.#lastAt)
    this.#lastCpu = process.cpuUsage()
    this.#lastAt = now
    const delayMs = this.#delay.percentile(99) / NANOSECONDS_PER_MS - RESOLUTION_MS
    this.#delay.reset()
    return {
      cpu: round((cpu.user + cpu.system) / MICROSECONDS_PER_MS / elapsedMs),
      memoryBytes: process.memoryUsage.rss(),
      eventLoopDelayMs: round(Math.max(0, delayMs)),
      ...this.#options.work(),
      session: this.#options.session,
    }
  }
}

const round = (value: number) => Math.round(value * 1_000) / 1_000
