import { Queue } from 'bullmq'
import { startBenchProcess } from '../mesh-process.ts'
import { percentile } from '../percentile.ts'
import { inFlight, now } from './measures.ts'
import { startRedis } from './redis-server.ts'
import { QUEUE, type WorkerQuestion } from './worker.ts'

const DUE_AT_ONCE = 1_000
const MEASURED_MS = 60_000
/** The schedulers have been created, and what they missed meanwhile is started. */
const WARM_MS = 10_000

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
