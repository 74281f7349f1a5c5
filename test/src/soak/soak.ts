import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@carillon/sdk'
import type { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { startMesh } from '../support/mesh.ts'
import type { TestStore } from '../support/stores.ts'
import { type Stored, stored } from './stored.ts'

export interface SoakOptions {
  readonly store: TestStore
  /** How long runs are started. */
  readonly seconds: number
  readonly runsPerSecond: number
  /** How long ended runs, keys and ids are kept; with `Infinity` nothing is removed. */
  readonly keptMs: number
  readonly sampleMs: number
  readonly onSample: (sample: Sample) => void
}

/** What was stored at one moment. */
export type Sample = Stored & {
  readonly second: number
  /** Runs that were started until then. */
  readonly started: number
  /** Slowest start since the sample before, but for one in a hundred. */
  readonly startP99Ms: number
}

export interface SoakOutcome {
  readonly samples: readonly Sample[]
  /** When every run had ended and was kept for its time. */
  readonly end: Stored
  /** Keys that started a second run while they were remembered. */
  readonly startedTwice: readonly string[]
}

const TICK_MS = 100
const DAY_MS = 86_400_000
const JOBS = ['often', 'seldom'] as const
/** Kept of each job. */
export const KEEP_PER_JOB = 20
/** Of a hundred runs so many have three tasks, two steps, or a key; and so many are of each job. */
const [FANNED, STEPPED, KEYED, OF_JOB] = [2, 5, 10, 5]
const PAYLOAD = { text: 'x'.repeat(500) }

/** Starts runs of every kind for a while, on a mesh that keeps what has ended for seconds only. */
export async function soak(cleanup: Cleanup, options: SoakOptions): Promise<SoakOutcome> {
  const { keptMs, store } = options
  const timeMs = Number.isFinite(keptMs) ? keptMs : DAY_MS
  const retention = { keepPerJob: KEEP_PER_JOB, runMs: timeMs, keyMs: timeMs, idMs: timeMs }
  const lines = { retentionDays: timeMs / DAY_MS, trimEveryMs: 1_000 }
  const mesh = await startMesh(cleanup, { store, coordinators: 2, retention, lines })
  const { client } = await offering(
    mesh,
    {
      work: (ctx) => ctx.log.info('worked') ?? { done: true },
      pay: async (ctx) => {
        await ctx.step('reserve', () => 1)
        return ctx.step('charge', () => 2)
      },
    },
    { concurrency: 100 },
  )
  for (const name of JOBS) await client.jobs.put({ name, handler: 'work' })
  const samples: Sample[] = []
  const startedTwice: string[] = []
  const took: number[] = []
  const began = performance.now()
  let started = 0
  const look = async () => {
    const p99 = took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? 0
    took.length = 0
    const second = Math.round((performance.now() - began) / 1_000)
    const sample = { second, started, startP99Ms: Math.round(p99), ...(await stored(mesh.storeUrl)) }
    samples.push(sample)
    options.onSample(sample)
  }
  let nextSampleAt = options.sampleMs
  for (let elapsedMs = 0; elapsedMs < options.seconds * 1_000; elapsedMs = performance.now() - began) {
    const due = Math.floor((elapsedMs / 1_000) * options.runsPerSecond) - started
    const many = Array.from({ length: due }, (_, i) => startOne(client, started + i, took))
    for (const [i, again] of (await Promise.all(many)).entries()) if (again) startedTwice.push(`key-${started + i}`)
    started += due
    if (elapsedMs >= nextSampleAt) {
      nextSampleAt += options.sampleMs
      await look()
    }
    await sleep(TICK_MS)
  }
  return { samples, end: await settled(mesh.storeUrl, options), startedTwice }
}

/** Starts the n-th run. Answers whether its key started a second one. */
async function startOne(client: Client, n: number, took: number[]): Promise<boolean> {
  const kind = n % 100
  const began = performance.now()
  if (kind < FANNED) await client.run('work', PAYLOAD, { shards: 3 })
  else if (kind < FANNED + STEPPED) await client.run('pay', PAYLOAD)
  else if (kind < FANNED + STEPPED + KEYED) await client.run('work', PAYLOAD, { key: `key-${n}` })
  else if (kind < FANNED + STEPPED + KEYED + OF_JOB * JOBS.length) await client.run(JOBS[n % JOBS.length] as string, PAYLOAD)
  else await client.run('work', PAYLOAD)
  took.push(performance.now() - began)
  // A key of the ten of a hundred runs before.
  if (kind !== 99 || n < 100) return false
  const again = await client.run('work', PAYLOAD, { key: `key-${n - 90}` })
  return again.created
}

/** Waits until nothing more goes, for three times as long as it is kept at most. */
async function settled(storeUrl: string, { keptMs }: SoakOptions): Promise<Stored> {
  let last = await stored(storeUrl)
  if (!Number.isFinite(keptMs)) return last
  const until = performance.now() + 6 * keptMs + 30_000
  while (performance.now() < until && (last.tombstones > 0 || last.runs > JOBS.length * KEEP_PER_JOB)) {
    await sleep(250)
    last = await stored(storeUrl)
  }
  return last
}

/**
 * What is wrong with a soak: a store that goes on growing, or keeps what it should not. The bytes are those of SQLite: other engines take back in
 * their own time what removed records have left.
 */
export function faultsOf({ samples, end, startedTwice }: SoakOutcome, { name }: TestStore): string[] {
  const faults: string[] = []
  const third = Math.floor(samples.length / 3)
  assert.ok(third >= 1, 'too few samples')
  const most = (from: number, kind: 'runs' | 'tasks' | 'steps' | 'logs' | 'bytes') =>
    Math.max(...samples.slice(from, from + third).map((s) => s[kind]))
  for (const kind of ['runs', 'tasks', 'steps', 'logs', ...(name === 'sqlite' ? (['bytes'] as const) : [])] as const) {
    const [before, after] = [most(third, kind), most(samples.length - third, kind)]
    if (after > before * 1.15) faults.push(`${kind} grew from ${before} to ${after}`)
  }
  if (end.runs > JOBS.length * KEEP_PER_JOB) faults.push(`${end.runs} runs are left, ${JOBS.length * KEEP_PER_JOB} are kept`)
  if (end.tasks + end.steps > 0) faults.push(`${end.tasks} tasks and ${end.steps} steps are left`)
  if (startedTwice.length > 0) faults.push(`${startedTwice.length} keys started a second run: ${startedTwice.slice(0, 5).join(', ')}`)
  return faults
}
