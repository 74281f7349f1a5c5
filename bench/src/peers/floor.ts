import { startNatsServer } from '@carillon/wire/testing'
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { measureStart } from '../latency.ts'
import { startBenchProcess } from '../mesh-process.ts'
import { rate } from '../throughput.ts'
import { inBulk, inFlight } from './measures.ts'
import type { Peer } from './peer.ts'
import { RawPublisher } from './raw-publisher.ts'
import type { WorkerQuestion } from './worker.ts'

/** What the broker alone does: a message in a work queue, a worker, a result in a second work queue that its reader acknowledges. */
export const floor: Peer = {
  keeps: 'nothing once the result is read; files of JetStream, fsync every two minutes',
  start: async () => {
    const nats = await startNatsServer()
    const connection = await connect({ servers: nats.url })
    const manager = await jetstreamManager(connection)
    const broker = jetstream(connection)
    for (const name of ['WORK', 'REPORTS']) {
      await manager.streams.add({ name, subjects: [`${name}.>`], retention: RetentionPolicy.Workqueue })
      await manager.consumers.add(name, { durable_name: 'bench', ack_policy: AckPolicy.Explicit, max_ack_pending: 1_000 })
    }
    const reports = await (await broker.consumers.get('REPORTS', 'bench')).consume({ callback: (message) => message.ack() })
    const worker = await startBenchProcess<WorkerQuestion, number[]>('./peers/floor-worker.js', { CARILLON_NATS_URL: nats.url })
    const publisher = new RawPublisher(connection)
    const publish = (name: string, payload: object) => new Promise<void>((resolve) => publisher.publish(`WORK.${name}`, payload, resolve))
    const noop = () => publish('noop', { a: 1 })
    return {
      single: (count) => rate(nats.url, count, () => inFlight(count, noop)),
      bulk: (count) => rate(nats.url, count, () => inBulk(count, (some) => Promise.all(some.map(noop)))),
      latency: (calls) => measureStart({ run: publish }, { ask: () => worker.ask('starts') }, { calls }),
      stop: async () => {
        await reports.close()
        await worker.stop()
        await connection.close()
        await nats.stop()
      },
    }
  },
}
