import { FlowProducer, Queue, QueueEvents } from 'bullmq'
import { measureStart } from '../latency.ts'
import { startBenchProcess } from '../mesh-process.ts'
import { dueSoon, inBulk, inFlight, perSecond, untilStarted } from './measures.ts'
import type { Peer } from './peer.ts'
import { startRedis } from './redis-server.ts'
import { QUEUE, type WorkerQuestion } from './worker.ts'

const noop = () => ({ name: 'noop', data: { a: 1 } })

export const bullmq: Peer = {
  keeps: 'every completed job with its result in the memory of Redis (removeOnComplete is off); append-only file, fsync every second',
  start: async () => {
    const redis = await startRedis()
    const connection = { host: '127.0.0.1', port: redis.port }
    const worker = await startBenchProcess<WorkerQuestion, number[]>('./peers/bullmq-worker.js', {
      CARILLON_BENCH_PORT: String(redis.port),
    })
    const queue = new Queue(QUEUE, { connection })
    const events = new QueueEvents(QUEUE, { connection })
    // Each wait is a listener.
    for (const emitter of [queue, events]) emitter.setMaxListeners(0)
    const flows = new FlowProducer({ connection })
    /** Until so many jobs are completed. */
    const rate = (count: number, jobs: number, send: () => Promise<unknown>) =>
      perSecond(count, async () => {
        const ended = worker.ask({ ended: jobs })
        await send()
        await ended
      })
    const take = () => worker.ask('starts')
    return {
      single: (count) => rate(count, count, () => inFlight(count, () => queue.add('noop', { a: 1 }))),
      bulk: (count) => rate(count, count, () => inBulk(count, (some) => queue.addBulk(some.map(noop)))),
      results: (count) =>
        perSecond(count, () => inFlight(count, async () => (await queue.add('noop', { a: 1 })).waitUntilFinished(events))),
      latency: (calls) => measureStart({ run: (name, payload) => queue.add(name, payload) }, { ask: take }, { calls }),
      fanOut: (leaves) => {
        const children = Array.from({ length: leaves }, (_, item) => ({ name: 'leaf', queueName: QUEUE, data: { item } }))
        return rate(leaves, leaves + 1, () => flows.add({ name: 'root', queueName: QUEUE, children }))
      },
      repeatable: async (jobs) => {
        const { at, cron } = dueSoon('second')
        await inFlight(jobs, (i) => queue.upsertJobScheduler(`due-${i}`, { pattern: cron, tz: 'UTC' }, { name: 'start', data: { at } }))
        return untilStarted(jobs, { at, take })
      },
      stop: async () => {
        await events.close()
        await flows.close()
        await queue.close()
        await worker.stop()
        await redis.stop()
      },
    }
  },
}
