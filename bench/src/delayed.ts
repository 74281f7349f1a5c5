import { connect } from '@carillon/sdk'
import { type BenchExecutor, startExecutor, startLoads, startMesh } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const DUE = 500
const DUE_IN_MS = 3_000
const BETWEEN_MS = 20
const DAY_MS = 86_400_000

/** What runs that are due tomorrow cost those that are due now, and the start of a mesh. */
export async function measureDelayed(count: number): Promise<object> {
  const first = await startMesh({})
  const empty = await dueStarts(first.url)
  const loads = await startLoads(first.url)
  const begun = performance.now()
  await loads.do({ what: 'runs', handler: 'nobody', count, kib: 0, delayMs: DAY_MS })
  const storedPerS = Math.round((count / (performance.now() - begun)) * 1_000)
  await loads.stop()
  const full = await dueStarts(first.url)
  const data = await first.leave()
  const second = await startMesh({ data })
  const again = await dueStarts(second.url)
  const { rssMiB } = second.usage()
  await second.stop()
  return {
    count,
    storedPerS,
    emptyReadyMs: first.readyMs,
    readyMs: second.readyMs,
    emptyStartP99Ms: empty.p99Ms,
    startP50Ms: full.p50Ms,
    startP99Ms: full.p99Ms,
    afterRestartP99Ms: again.p99Ms,
    rssMiB,
  }
}

/** Planned time → start of the handler, of runs that are due one after another. */
async function dueStarts(url: string): Promise<{ p50Ms: number; p99Ms: number }> {
  const executor: BenchExecutor = await startExecutor(url)
  const connection = await connect({ servers: url, service: 'bench-client', namespace: 'bench' })
  const first = Date.now() + DUE_IN_MS
  const calls = Array.from({ length: DUE }, (_, i) => {
    const at = first + i * BETWEEN_MS
    return connection.client.run('start', { at }, { at: new Date(at) }).then((run) => run.result())
  })
  await Promise.all(calls)
  const starts = await executor.ask('starts')
  await connection.stop()
  await executor.stop()
  if (starts.length !== DUE) throw new Error(`${starts.length} of ${DUE} due runs were started`)
  return { p50Ms: percentile(starts, 0.5), p99Ms: percentile(starts, 0.99) }
}
