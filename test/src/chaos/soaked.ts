import { faultsOf, type Sample, soak } from '../soak/soak.ts'
import { Cleanup } from '../support/cleanup.ts'
import { sqlite } from '../support/stores.ts'
import type { Size } from './play.ts'

const SIZES = {
  short: { seconds: 24, runsPerSecond: 60, keptMs: 3_000, sampleMs: 1_000 },
  full: { seconds: 90, runsPerSecond: 100, keptMs: 10_000, sampleMs: 3_000 },
} as const

/** What came of a soak. */
export interface SoakReport {
  readonly line: string
  readonly faults: readonly string[]
  /** Runs that were removed while others were started. */
  readonly hits: number
}

/** `npm run soak` for a short time: the store stops growing. */
export async function soaked({ size, withoutRetention }: { size: Size; withoutRetention: boolean }): Promise<SoakReport> {
  const endings: (() => Promise<void>)[] = []
  const cleanup = new Cleanup({ after: (end) => endings.push(end) })
  const samples: Sample[] = []
  try {
    const options = { ...SIZES[size], ...(withoutRetention ? { keptMs: Number.POSITIVE_INFINITY } : {}) }
    const outcome = await soak(cleanup, { ...options, store: sqlite, onSample: (sample) => samples.push(sample) })
    const faults = faultsOf(outcome, sqlite)
    const last = samples.at(-1)
    const hits = last ? last.started - (last.runs - last.tombstones) : 0
    const text = `started=${last?.started} hits=${hits} runs-left=${outcome.end.runs} keys-started-twice=${outcome.startedTwice.length}`
    return { faults, hits, line: `soak ${text} seconds=${options.seconds}${faults.length > 0 ? ` FAULTS ${faults.join(', ')}` : ''}` }
  } finally {
    for (const end of endings) await end()
  }
}
