import { connect } from '@carillon/sdk'
import { MongoClient } from 'mongodb'
import { measureStart } from '../latency.ts'
import { startExecutor, startMesh } from '../mesh-process.ts'
import { measureBulk, measureResults, measureSingle } from '../throughput.ts'
import { dueSoon, inFlight, perSecond, untilStarted } from './measures.ts'
import type { Peer } from './peer.ts'

const TIMEOUT_MS = 300_000
const KEEPS = 'every run with its attempts, result and reason, and its terminal event'
const BROKER = 'files of JetStream, fsync every ten seconds'

/** @param storeUrl a database of MongoDB, deleted at the end; SQLite when absent */
export function carillon(storeUrl?: string): Peer {
  return {
    keeps: storeUrl ? `${KEEPS}; MongoDB as that server writes, ${BROKER}` : `${KEEPS}; SQLite (WAL, synchronous=normal), ${BROKER}`,
    hasForeignServer: storeUrl !== undefined,
    start: async () => {
      const mesh = await startMesh(storeUrl ? { storeUrl } : {})
      const executor = await startExecutor(mesh.url)
      const connection = await connect({ servers: mesh.url, service: 'bench-client', namespace: 'bench' })
      const { client } = connection
      return {
        single: (count) => measureSingle(client, { url: mesh.url, count }),
        bulk: (count) => measureBulk(client, { url: mesh.url, count }),
        results: (count) => measureResults(client, { count }),
        latency: (calls) => measureStart(client, executor, { calls }),
        fanOut: (leaves) =>
          perSecond(leaves, async () => {
            const run = await client.run('fan', { items: leaves })
            await run.result({ timeoutMs: TIMEOUT_MS })
          }),
        repeatable: async (jobs) => {
          const { at, cron } = dueSoon('second')
          const put = (i: number) =>
            client.jobs.put({ name: `due-${i}`, handler: 'start', payload: { at }, schedule: { cron, timezone: 'UTC' } })
          await inFlight(jobs, put)
          return untilStarted(jobs, { at, take: () => executor.ask('starts') })
        },
        stop: async () => {
          await connection.stop()
          await executor.stop()
          await mesh.stop()
          if (storeUrl) await dropDatabase(storeUrl)
        },
      }
    },
  }
}

async function dropDatabase(url: string): Promise<void> {
  const client = await MongoClient.connect(url)
  await client.db().dropDatabase()
  await client.close()
}
