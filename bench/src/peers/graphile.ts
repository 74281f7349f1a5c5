import { makeWorkerUtils } from 'graphile-worker'
import { measureStart } from '../latency.ts'
import { startBenchProcess } from '../mesh-process.ts'
import { type GraphileTuning, graphilePreset } from './graphile-preset.ts'
import { dueSoon, inBulk, inFlight, perSecond, untilStarted } from './measures.ts'
import type { Peer } from './peer.ts'
import { startPostgres } from './postgres-server.ts'
import type { WorkerQuestion } from './worker.ts'

const DURABILITY: Readonly<Record<GraphileTuning, string>> = { default: 'fsync at each commit', tuned: 'synchronous_commit=off' }

export function graphileWorker(tuning: GraphileTuning): Peer {
  return {
    keeps: `nothing: a job is deleted when it succeeds; PostgreSQL, ${DURABILITY[tuning]}`,
    start: async () => {
      const postgres = await startPostgres(tuning === 'tuned' ? ['synchronous_commit=off'] : [])
      const utils = await makeWorkerUtils({ preset: graphilePreset(postgres.url, tuning) })
      await utils.migrate()
      const startWorker = (cron: object = { jobs: 0, at: 0 }) =>
        startBenchProcess<WorkerQuestion, number[]>('./peers/graphile-worker.js', {
          CARILLON_BENCH_URL: postgres.url,
          CARILLON_BENCH_TUNING: tuning,
          CARILLON_BENCH_CRON: JSON.stringify(cron),
        })
      let worker = await startWorker()
      const rate = (count: number, send: () => Promise<unknown>) =>
        perSecond(count, async () => {
          const ended = worker.ask({ ended: count })
          await send()
          await ended
        })
      const take = () => worker.ask('starts')
      const noop = { identifier: 'noop', payload: { a: 1 } }
      return {
        single: (count) => rate(count, () => inFlight(count, () => utils.addJob('noop', { a: 1 }))),
        bulk: (count) => rate(count, () => inBulk(count, (some) => utils.addJobs(some.map(() => noop)))),
        latency: (calls) => measureStart({ run: (name, payload) => utils.addJob(name, payload) }, { ask: take }, { calls }),
        /** Its schedules are read when a worker starts, and have no seconds. */
        repeatable: async (jobs) => {
          await worker.stop()
          const { at } = dueSoon('minute')
          worker = await startWorker({ jobs, at })
          return untilStarted(jobs, { at, take })
        },
        stop: async () => {
          await worker.stop()
          await utils.release()
          await postgres.stop()
        },
      }
    },
  }
}
