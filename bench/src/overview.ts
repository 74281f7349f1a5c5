import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '@carillon/sdk'
import { openStore, type RollupLevel, type RollupRecord, rollupId } from '@carillon/store'
import { aRollup } from '@carillon/store/testing'
import { startMesh } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const JOBS = 1_000
const DAY_MS = 86_400_000
const SPAN_MS = 30 * DAY_MS
/** Widths of the intervals, and how long a coordinator keeps them (docs/STATISTICS.md). */
const LEVELS: Readonly<Record<RollupLevel, { widthMs: number; keptMs: number }>> = {
  minute: { widthMs: 60_000, keptMs: 6 * 3_600_000 },
  quarter: { widthMs: 900_000, keptMs: 9 * DAY_MS },
  hour: { widthMs: 3_600_000, keptMs: 36 * DAY_MS },
  day: { widthMs: DAY_MS, keptMs: 400 * DAY_MS },
}
const AT_ONCE = 2_000
const CALLS = 20
const POLL_MS = 500
const RANGES = ['1h', '24h', '7d', '30d'] as const

/** Overviews of so many runs of 30 days: the first of a coordinator that has just started, and further ones. */
export async function measureOverview(count: number, storeUrl?: string): Promise<Record<string, object>> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  const url = storeUrl ?? `sqlite:${join(folder, 'stats.db')}`
  const place = storeUrl === undefined ? 'sqlite' : 'mongodb'
  try {
    await fill(url, count)
    await haveCounted(url)
    const rows: Record<string, object> = {}
    for (const range of RANGES) rows[`overview ${range}, ${place}`] = await measureRange(url, { range, count })
    return rows
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Until a coordinator has noted how far ends are counted, as it has in any mesh that is older than some seconds: what is over is remembered from then on. */
async function haveCounted(storeUrl: string): Promise<void> {
  const mesh = await startMesh({ storeUrl })
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  while ((await connection.client.stats.overview({ range: '1h' })).countedAt === undefined) await pause(POLL_MS)
  await connection.stop()
  await mesh.stop()
}

async function measureRange(storeUrl: string, { range, count }: { range: (typeof RANGES)[number]; count: number }): Promise<object> {
  const mesh = await startMesh({ storeUrl })
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  try {
    const tookMs: number[] = []
    for (let i = 0; i <= CALLS; i++) {
      const begun = performance.now()
      const { totals } = await connection.client.stats.overview({ range })
      tookMs.push(performance.now() - begun)
      if (range === '30d' && totals.ended < count * 0.9) throw new Error(`the overview counts ${totals.ended} of ${count} runs`)
    }
    const [firstMs = 0, ...rest] = tookMs
    return { firstMs: Math.round(firstMs), p50Ms: percentile(rest, 0.5), longestMs: percentile(rest, 1) }
  } finally {
    await connection.stop()
    await mesh.stop()
  }
}

/** Straight into the store, as a coordinator would have counted them: runs of a month cannot be waited for. */
async function fill(storeUrl: string, count: number): Promise<void> {
  const store = await openStore(storeUrl)
  const now = Date.now()
  for (const [level, { widthMs, keptMs }] of Object.entries(LEVELS) as [RollupLevel, (typeof LEVELS)[RollupLevel]][]) {
    let batch: RollupRecord[] = []
    const flush = async () => {
      await store.stats.put(batch.map((rollup) => ({ rollup, expect: null })))
      batch = []
    }
    // Intervals one after the other, so that only one of them is in memory.
    const from = now - Math.min(SPAN_MS, keptMs)
    for (let start = from - (from % widthMs); start <= now; start += widthMs) {
      batch.push(...recordsOf({ level, start, widthMs, now, count }))
      if (batch.length >= AT_ONCE) await flush()
    }
    await flush()
  }
  await store.close()
}

interface Interval {
  readonly level: RollupLevel
  readonly start: number
  readonly widthMs: number
  readonly now: number
  readonly count: number
}

/** Of each job that has ended runs there, and of all together: the n-th run ends `n / count` of the way and is of job `n % 1,000`. */
function recordsOf({ level, start, widthMs, now, count }: Interval): RollupRecord[] {
  const begunAt = now - SPAN_MS
  const first = Math.max(0, Math.ceil(((start - begunAt) / SPAN_MS) * count))
  const last = Math.min(count, Math.ceil(((start + widthMs - begunAt) / SPAN_MS) * count))
  const perJob = new Map<number, number>()
  for (let n = first; n < last; n++) perJob.set(n % JOBS, (perJob.get(n % JOBS) ?? 0) + 1)
  const record = (scope: string, ended: number) => {
    const at = { namespace: 'bench', scope, level, start }
    return aRollup(ended, { ...at, id: rollupId(at), upTo: 0, failed: Math.floor(ended / 50) })
  }
  const ofJobs = [...perJob].map(([job, ended]) => record(`job:job-${job}`, ended))
  return last > first ? [record('*', last - first), ...ofJobs] : []
}
