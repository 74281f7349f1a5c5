import { type FlowJob, FlowProducer } from 'bullmq'
import { startBenchProcess } from '../mesh-process.ts'
import { CHAIN_NODES, DIAMOND_NODES, type GraphFigures, measureGraphs, SIDES, type WorkflowCounts } from '../workflows.ts'
import { startRedis } from './redis-server.ts'
import { QUEUE, type WorkerQuestion } from './worker.ts'

const PER_CALL = 500

const job = (children: FlowJob[] = []): FlowJob => ({ name: 'noop', queueName: QUEUE, data: {}, children })

/** Each is the only child of the next. */
function chain(): FlowJob {
  let last = job()
  for (let i = 1; i < CHAIN_NODES; i++) last = job([last])
  return last
}

/** A job of a flow has one parent, so the first node of a diamond is the child of one side: as many jobs, and as many levels. */
const diamond = (): FlowJob => job([job([job()]), ...Array.from({ length: SIDES - 1 }, () => job())])

/** Flows of BullMQ, of the shapes that `measureWorkflows` has. They have no signals. */
export async function measureBullmqFlows(counts: WorkflowCounts): Promise<GraphFigures> {
  const redis = await startRedis()
  const worker = await startBenchProcess<WorkerQuestion, number[]>('./peers/bullmq-worker.js', { CARILLON_BENCH_PORT: String(redis.port) })
  const flows = new FlowProducer({ connection: { host: '127.0.0.1', port: redis.port } })
  /** Until so many jobs are completed. */
  const until = async (jobs: number, send: () => Promise<unknown>) => {
    const ended = worker.ask({ ended: jobs })
    await send()
    await ended
  }
  try {
    return await measureGraphs(
      {
        chain: () => until(CHAIN_NODES, () => flows.add(chain())),
        diamonds: (count) =>
          until(count * DIAMOND_NODES, async () => {
            for (let from = 0; from < count; from += PER_CALL)
              await flows.addBulk(Array.from({ length: Math.min(PER_CALL, count - from) }, diamond))
          }),
        items: (count) => until(count + 1, () => flows.add(job(Array.from({ length: count }, () => job())))),
      },
      counts,
    )
  } finally {
    await flows.close()
    await worker.stop()
    await redis.stop()
  }
}
