import { readFileSync } from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import type { Beat } from '@carillon/contracts'
import type { Clock } from '@carillon/wire/internal'
import { ControlGroups, type Machine, type ReadText } from './control-groups.ts'

const MICROSECONDS_PER_MS = 1_000

/** What can be read of the machine and of this process. */
export interface LoadSources {
  readonly read: ReadText
  readonly machine: () => Machine
  readonly cpuUsage: () => { readonly user: number; readonly system: number }
  readonly rss: () => number
}

type Usage = Pick<Beat, 'cpu' | 'groupCpu' | 'cpuLimit' | 'memoryBytes' | 'groupMemoryBytes' | 'memoryLimitBytes'>

/** The load of the whole process and of what limits it; any of its threads may measure it. */
export class LoadMeter {
  readonly #clock: Clock
  readonly #sources: LoadSources
  readonly #groups: ControlGroups
  #last: { readonly at: number; readonly cpuMs: number; readonly groupMs: number | undefined }

  constructor(clock: Clock, sources: LoadSources = THIS_PROCESS) {
    this.#clock = clock
    this.#sources = sources
    this.#groups = new ControlGroups(sources.read)
    const { cpuMs } = this.#groups.measure(sources.machine())
    this.#last = { at: clock.monotonic(), cpuMs: this.#cpuMs(), groupMs: cpuMs }
  }

  /** Of the time since the last measurement. */
  measure(): Usage {
    const { rss, machine } = this.#sources
    const group = this.#groups.measure(machine())
    const last = this.#last
    this.#last = { at: this.#clock.monotonic(), cpuMs: this.#cpuMs(), groupMs: group.cpuMs }
    const elapsedMs = Math.max(1, this.#last.at - last.at)
    const groupMs = group.cpuMs === undefined || last.groupMs === undefined ? undefined : Math.max(0, group.cpuMs - last.groupMs)
    return {
      cpu: rounded((this.#last.cpuMs - last.cpuMs) / elapsedMs),
      ...(groupMs === undefined ? {} : { groupCpu: rounded(groupMs / elapsedMs / group.cpuLimit) }),
      cpuLimit: rounded(group.cpuLimit),
      memoryBytes: rss(),
      groupMemoryBytes: group.memoryBytes,
      memoryLimitBytes: group.memoryLimitBytes,
    }
  }

  #cpuMs(): number {
    const { user, system } = this.#sources.cpuUsage()
    return (user + system) / MICROSECONDS_PER_MS
  }
}

export const rounded = (value: number) => Math.round(value * 1_000) / 1_000

const THIS_PROCESS: LoadSources = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  machine: () => ({ cpus: availableParallelism(), memoryBytes: totalmem(), freeBytes: freemem() }),
  cpuUsage: () => process.cpuUsage(),
  rss: () => process.memoryUsage.rss(),
}
