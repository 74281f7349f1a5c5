import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { measureStart } from '../latency.ts'
import { startBenchProcess } from '../mesh-process.ts'
import { dueSoon, inBulk, inFlight, perSecond, untilStarted } from './measures.ts'
import type { Peer } from './peer.ts'
import { startPostgres } from './postgres-server.ts'
import { QUEUE, type WorkerQuestion } from './worker.ts'

const POLL_MS = 20
const OPEN = `select exists (select from pgboss.job where name = '${QUEUE}' and state < 'completed') as open`

/** With what makes it quick: workers are woken by the database, jobs are fetched and completed in batches of 100. */
export const pgBoss: Peer = {
  keeps: 'every completed job with its result for seven days; PostgreSQL, synchronous_commit=off',
  start: async () => {
    const postgres = await startPostgres(['synchronous_commit=off'])
    const boss = new PgBoss({ connectionString: postgres.url, max: 25 })
    boss.on('error', (error) => console.error(error))
    await boss.start()
    await boss.createQueue(QUEUE, { notify: true })
    const worker = await startBenchProcess<WorkerQuestion, number[]>('./peers/pg-boss-worker.js', { CARILLON_BENCH_URL: postgres.url })
    const database = new pg.Client(postgres.url)
    await database.connect()
    const isOpen = async () => (await database.query<{ open: boolean }>(OPEN)).rows[0]?.open
    const rate = (count: number, send: () => Promise<unknown>) =>
      perSecond(count, async () => {
        await send()
        while (await isOpen()) await pause(POLL_MS)
      })
    const take = () => worker.ask('starts')
    const noop = { name: 'noop' }
    return {
      single: (count) => rate(count, () => inFlight(count, () => boss.send(QUEUE, noop))),
      bulk: (count) =>
        rate(count, () =>
          inBulk(count, (some) =>
            boss.insert(
              QUEUE,
              some.map(() => ({ data: noop })),
            ),
          ),
        ),
      latency: (calls) => measureStart({ run: (name, payload) => boss.send(QUEUE, { name, ...payload }) }, { ask: take }, { calls }),
      /** Its schedules have no seconds. */
      repeatable: async (jobs) => {
        const { at, cron } = dueSoon('minute')
        await inFlight(jobs, (i) => boss.schedule(QUEUE, cron, { name: 'start', at }, { key: `due-${i}`, tz: 'UTC' }))
        return untilStarted(jobs, { at, take })
      },
      stop: async () => {
        await worker.stop()
        await boss.stop({ graceful: false })
        await database.end()
        await postgres.stop()
      },
    }
  },
}
