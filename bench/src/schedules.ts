import { connect } from '@carillon/sdk'
import { Queue } from 'bullmq'
import { type Lateness, measureLateness } from './lateness.ts'
import { startBenchProcess, startExecutor, usageOf } from './mesh-process.ts'
import { inFlight, now } from './peers/measures.ts'
import { startRedis } from './peers/redis-server.ts'
import { QUEUE, type WorkerQuestion } from './peers/worker.ts'
import { percentile } from './percentile.ts'
import { startWatchedMesh } from './watched-mesh.ts'

const DUE_AT_ONCE = 1_000
const MEASURED_MS = 60_000
/** The schedulers have been created, and what they missed meanwhile is started. */
const WARM_MS = 10_000

/** 100,000 jobs, of which 1,000 are due each second: the coordinator has a process of its own, as docker-compose.yml starts it. */
export async function measureSchedules(): Promise<Lateness> {
  const mesh = await startWatchedMesh('container', undefined)
  const executor = await startExecutor(mesh.url)
  const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
  try {
    const usage = () => usageOf(mesh.coordinator.child.pid as number)
    return await measureLateness(
      { client: connection.client, executor, mesh: { usage }, url: mesh.url },
      { jobs: 100_000, dueAtOnce: DUE_AT_ONCE, seconds: 60 },
    )
  } finally {
    await connection.stop()
    await executor.stop()
    await mesh.stop()
  }
}

/** 1,000 job schedulers of BullMQ that fire each second, and no others. */
export async function measureBullmqSchedules(): Promise<object> {
  const redis = await startRedis()
  const worker = await startBenchProcess<WorkerQuestion, number[]>('./peers/bullmq-worker.js', { CARILLON_BENCH_PORT: String(redis.port) })
  const queue = new Queue(QUEUE, { connection: { host: '127.0.0.1', port: redis.port } })
  try {
    const at = Math.ceil(now() / 1_000) * 1_000
    const options = { removeOnComplete: true }
    await inFlight(DUE_AT_ONCE, (i) =>
      queue.upsertJobScheduler(`due-${i}`, { pattern: '* * * * * *', tz: 'UTC' }, { name: 'start', data: { at }, opts: options }),
    )
    await pause(WARM_MS)
    await worker.ask('starts')
    await pause(MEASURED_MS)
    const late = (await worker.ask('starts')).map((ms) => ms % 1_000)
    const due = DUE_AT_ONCE * (MEASURED_MS / 1_000)
    return { due, fired: late.length, startP50Ms: percentile(late, 0.5), startP99Ms: percentile(late, 0.99) }
  } finally {
    await queue.close()
    await worker.stop()
    await redis.stop()
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
