/** One turn of one peer, in a process of its own: `turn.js NAME COUNTS`. Sends its figures, and what the peer keeps, to the process that started it. */
import { percentile } from '../percentile.ts'
import { PEERS, type PeerName } from './all.ts'
import { watchPeakMemory } from './peak-memory.ts'
import type { Counts, Figures, Peer } from './peer.ts'

/** Code that runs so briefly in each call is compiled for good after some hundred thousand calls: see docs/PERFORMANCE.md. */
const WARM_UPS = 3
/** Of slower systems less is enough: what takes most of their time is compiled, or is no JavaScript. */
const WARM_FOR_MS = 30_000

async function takeTurn(peer: Peer, counts: Counts): Promise<Figures> {
  const running = await peer.start()
  try {
    // Not counted: of a service that runs, the code is compiled and the connections are open.
    const until = performance.now() + WARM_FOR_MS
    for (let i = 0; i < WARM_UPS && performance.now() < until; i++) {
      await running.single(counts.runs)
      await running.bulk(counts.runs)
    }
    const starts = await running.latency(counts.calls)
    const peakMemory = watchPeakMemory()
    const singlePerS = await running.single(counts.runs)
    const bulkPerS = await running.bulk(counts.runs)
    const peak = peakMemory()
    const resultPerS = await running.results?.(counts.runs)
    const peakMiB = peer.hasForeignServer ? undefined : peak
    const fanOutPerS = await running.fanOut?.(counts.leaves)
    const late = await running.repeatable?.(counts.jobs)
    return {
      ...{ singlePerS, bulkPerS, ...starts },
      ...(resultPerS === undefined ? {} : { resultPerS }),
      ...(fanOutPerS === undefined ? {} : { fanOutPerS }),
      ...(late === undefined ? {} : { repeatableP99Ms: percentile(late, 0.99) }),
      ...(peakMiB === undefined ? {} : { peakMiB }),
    }
  } finally {
    await running.stop()
  }
}

const [name = '', counts = ''] = process.argv.slice(2)
try {
  const peer = PEERS[name as PeerName]()
  process.send?.({ keeps: peer.keeps, figures: await takeTurn(peer, JSON.parse(counts) as Counts) })
} catch (error) {
  process.send?.({ error: (error as Error).message })
}
process.disconnect()
