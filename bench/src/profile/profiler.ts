import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Profile } from 'pprof-format'
import type { NatsProfiler, Traffic } from './nats-profiler.ts'
import { placesOf } from './places.ts'
import { processorTimes, roleOf } from './processes.ts'
import { allocationTable, cpuTable, goTable, type SelfTable } from './tables.ts'
import type { ProfiledThread, ProfiledThreads, ProfileKind } from './threads.ts'

/** Something that is measured again and again. */
export interface Scenario {
  /** Part of the names of its files. */
  readonly name: string
  /** What it does so many of, such as runs. */
  readonly unit: string
  readonly count: number
  /** Whether it uses a database in processes of its own. */
  readonly hasDatabase: boolean
  /** Before each time, and not measured. */
  prepare?(): Promise<void>
  work(): Promise<unknown>
}

export interface ProfiledScenario {
  readonly perS: number
  /** Processor time in µs of each kind of process for one unit, without profilers. */
  readonly processorUs: Readonly<Record<string, number>>
  /** What one unit sends to nats-server and is sent by it. */
  readonly wire: Traffic
  /** `mesh cpu` → where its processor time went; `mesh allocations` → what it allocated. */
  readonly tables: Readonly<Record<string, SelfTable>>
}

const TOP = 30
const FILES: Readonly<Record<ProfileKind, string>> = { cpu: 'cpuprofile', heap: 'heapprofile' }
/** nats-server is profiled for whole seconds that are chosen before: shorter than the work is expected to take. */
const SURELY_BUSY = 0.8

export class Profiler {
  readonly #folder: string
  readonly #threads: ProfiledThreads
  readonly #nats: NatsProfiler
  readonly #placeOf = placesOf()

  constructor(folder: string, options: { threads: ProfiledThreads; nats: NatsProfiler }) {
    this.#folder = folder
    this.#threads = options.threads
    this.#nats = options.nats
  }

  /** Does it four times: to warm up, with no profiler for the figures, with one of processors, with one of allocations. One profiler changes what another one finds. */
  async measure(scenario: Scenario): Promise<ProfiledScenario> {
    await scenario.prepare?.()
    await scenario.work()
    await scenario.prepare?.()
    const [before, sentBefore] = [processorTimes(scenario), await this.#nats.traffic()]
    const ms = await timed(scenario.work)
    const [after, sent] = [processorTimes(scenario), await this.#nats.traffic()]
    const perUnit = (value: number, valueBefore = 0) => tenths((value - valueBefore) / scenario.count)
    const processorUs = Object.fromEntries([...after].map(([role, us]) => [role, perUnit(us, before.get(role))]))
    const wire: Traffic = {
      messagesIn: perUnit(sent.messagesIn, sentBefore.messagesIn),
      messagesOut: perUnit(sent.messagesOut, sentBefore.messagesOut),
      bytesIn: perUnit(sent.bytesIn, sentBefore.bytesIn),
      bytesOut: perUnit(sent.bytesOut, sentBefore.bytesOut),
    }
    const tables: Record<string, SelfTable> = {}
    for (const kind of ['cpu', 'heap'] as const) Object.assign(tables, await this.#profile(scenario, kind, ms))
    return { perS: Math.round((scenario.count * 1_000) / ms), processorUs, wire, tables }
  }

  async #profile(scenario: Scenario, kind: ProfileKind, expectedMs: number): Promise<Record<string, SelfTable>> {
    await scenario.prepare?.()
    // A thread that begins meanwhile is not part of it.
    const threads = this.#threads.all
    await Promise.all(threads.map((thread) => thread.order({ kind })))
    const seconds = Math.max(1, Math.floor((expectedMs * SURELY_BUSY) / 1_000))
    const [nats] = await Promise.all([this.#nats.profile(kind === 'cpu' ? 'profile' : 'allocs', seconds), scenario.work()])
    const tables: Record<string, SelfTable> = {}
    for (const thread of threads) {
      const name = nameOf(thread, threads)
      const file = join(this.#folder, `${scenario.name}.${name}.${FILES[kind]}`)
      await thread.order({ kind, file })
      const profile = JSON.parse(readFileSync(file, 'utf8'))
      const options = { placeOf: this.#placeOf, top: TOP }
      const table = kind === 'cpu' ? cpuTable(profile, options) : allocationTable(profile, options)
      if (table.rows.length > 0) tables[`${name} ${TITLES[kind]}`] = table
    }
    writeFileSync(join(this.#folder, `${scenario.name}.nats-server.${kind === 'cpu' ? 'cpu' : 'allocs'}.pb.gz`), nats)
    const options = { placeOf: this.#placeOf, top: TOP }
    tables[`nats-server ${TITLES[kind]}`] = goTable(Profile.decode(gunzipSync(nats)), kind === 'cpu' ? 'cpu' : 'alloc_space', options)
    return tables
  }
}

const TITLES: Readonly<Record<ProfileKind, string>> = { cpu: 'cpu', heap: 'allocations' }

/** `mesh`; `mesh-checkpoint-thread-1` for a thread of it, by its program and number. */
function nameOf({ pid, threadId, program }: ProfiledThread, all: readonly ProfiledThread[]): string {
  const main = all.find((thread) => thread.pid === pid && thread.threadId === 0)
  const role = pid === process.pid ? 'client' : (roleOf([main?.program ?? '']) ?? String(pid))
  return threadId === 0 ? role : `${role}-${basename(program, '.js')}-${threadId}`
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

const tenths = (value: number) => Math.round(value * 10) / 10
