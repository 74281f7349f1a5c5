import { connect } from '@carillon/sdk'
import { JOBS_PER_SLOT, putJobs } from './lateness.ts'
import { startExecutor } from './mesh-process.ts'
import { percentile } from './percentile.ts'
import { startWatchedMesh } from './watched-mesh.ts'

const DUE_AT_ONCE = 500
const BEFORE_MS = 10_000
const MEASURED_MS = 40_000
/** The first slots may have begun before the measurement, the last ones may not have started at its end. */
const EDGE_S = 8

/** One of two coordinators is killed while 500 slots are due each second: what is lost, what starts twice, how late the slots of the dead one are. */
export async function measureFailover(storeUrl?: string): Promise<object> {
  const mesh = await startWatchedMesh('coordinator', storeUrl)
  const executor = await startExecutor(mesh.url)
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  try {
    await mesh.cluster?.failOver(async () => {
      await putJobs(connection.client, { jobs: DUE_AT_ONCE * 60, dueAtOnce: DUE_AT_ONCE, seconds: 60 })
      await new Promise((resolve) => setTimeout(resolve, BEFORE_MS))
      await executor.ask('lateness')
      await executor.ask('planned')
    })
    await new Promise((resolve) => setTimeout(resolve, MEASURED_MS))
    const [lateness, planned] = [await executor.ask('lateness'), await executor.ask('planned')]
    return {
      started: lateness.length,
      ...judged(planned),
      lateP50Ms: percentile(lateness, 0.5),
      gapP99Ms: percentile(lateness, 0.99),
      gapMaxMs: Math.max(...lateness),
    }
  } finally {
    await connection.stop()
    await executor.stop()
    await mesh.stop()
  }
}

/** `planned` has a number for each start: the second of its slot and the job, see the executor. Job i is due in second i of each minute. */
function judged(planned: readonly number[]): { lost: number; double: number } {
  const starts = new Map<number, number>()
  for (const slot of planned) starts.set(slot, (starts.get(slot) ?? 0) + 1)
  const seconds = planned.map((slot) => Math.floor(slot / JOBS_PER_SLOT))
  const from = seconds.reduce((least, second) => Math.min(least, second)) + EDGE_S
  const to = seconds.reduce((most, second) => Math.max(most, second)) - EDGE_S
  let lost = 0
  for (let second = from; second < to; second++)
    for (let job = second % 60; job < DUE_AT_ONCE * 60; job += 60) if (!starts.has(second * JOBS_PER_SLOT + job)) lost++
  return { lost, double: planned.length - starts.size }
}
