import type { Client } from '@carillon/sdk'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { inFlight, perSecond } from './peers/measures.ts'

const POLL_MS = 2

/** Runs per second from the first call to the last stored result: when streams WORK and REPORTS are empty, every report is in the store. */
export async function rate(url: string, count: number, start: () => Promise<void>): Promise<number> {
  const connection = await connect({ servers: url })
  const manager = await jetstreamManager(connection)
  const messages = async (stream: string) => (await manager.streams.info(stream)).state.messages
  const begun = performance.now()
  await start()
  while ((await messages('WORK')) > 0 || (await messages('REPORTS')) > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  const seconds = (performance.now() - begun) / 1_000
  await connection.close()
  return Math.round(count / seconds)
}

/** Single calls, 64 in flight. */
export const measureSingle = (client: Client, { url, count }: { url: string; count: number }): Promise<number> =>
  rate(url, count, () => inFlight(count, () => client.run('noop', { a: 1 })))

/** The same, each of which waits for its result. */
export const measureResults = (client: Client, { count }: { count: number }): Promise<number> =>
  perSecond(count, () => inFlight(count, async () => (await client.run('noop', { a: 1 })).result()))

export function measureBulk(client: Client, options: { url: string; count: number }): Promise<number> {
  const perCall = 500
  return rate(options.url, options.count, async () => {
    for (let done = 0; done < options.count; done += perCall)
      await client.runMany(Array.from({ length: perCall }, () => ({ job: 'noop', payload: { a: 1 } })))
  })
}
