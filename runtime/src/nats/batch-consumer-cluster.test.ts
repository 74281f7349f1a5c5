import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { StreamPublisher, systemClock } from '@carillon/wire/internal'
import { freePort, REQUEST_DEADLINE, startNatsServer, type TestServer } from '@carillon/wire/testing'
import { AckPolicy } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { cleanUps, createTestLog, eventually, FakeClock } from '../testing/index.ts'
import { BatchConsumer } from './batch-consumer.ts'
import { type Broker, connectBroker } from './connection.ts'
import { RejectedMessages, readIncoming } from './incoming.ts'
import { ensureStream } from './streams.ts'

async function startCluster(names: readonly string[], after: (cleanUp: () => Promise<unknown>) => void): Promise<Map<string, TestServer>> {
  const routes = new Map<string, string>()
  for (const name of names) routes.set(name, `nats://127.0.0.1:${await freePort()}`)
  const all = [...routes.values()].join()
  const start = (name: string) => {
    const settings = ['-n', name, '--cluster_name', 'test', '--cluster', routes.get(name) as string, '--routes', all]
    return startNatsServer({ settings })
  }
  const servers = await Promise.all(names.map(start))
  after(() => Promise.all(servers.map((server) => server.stop())))
  return new Map(names.map((name, i) => [name, servers[i] as TestServer]))
}

/** The connection is to a server that leads nothing of the consumer, so it does not break. */
test('each service pulls from EVENTS again when the consumer has another leader, and when its leader was killed', async (context: TestContext) => {
  const after = cleanUps(context)
  const servers = await startCluster(['n1', 'n2', 'n3'], after)
  const { log } = createTestLog()
  let broker!: Broker
  await eventually('the cluster has a leader', async () => {
    broker = await connectBroker({ nats: { servers: servers.get('n1')?.url as string }, name: 'test', log })
    try {
      await ensureStream(broker.manager, 'EVENTS', { replicas: 3, part: 1, change: 'none' })
    } catch (error) {
      await broker.close()
      throw error
    }
    return true
  })
  const { connection, manager } = broker
  after(() => broker.close())
  const publisher = new StreamPublisher(connection, systemClock)
  after(async () => publisher.close())
  const settings = {
    durable_name: 'alerts',
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(2_000),
    filter_subjects: [subjects.event('*', 'run', '*', 'failed')],
  }
  await eventually('the consumer is made', async () => (await manager.consumers.add('EVENTS', settings)).name === 'alerts')

  const clock = new FakeClock()
  const seen: string[] = []
  const startService = async () => {
    const consumer = new BatchConsumer({
      ...{ connection, stream: 'EVENTS', consumer: 'alerts', log, clock, maxMessages: 10, maxInFlight: 1 },
      read: readIncoming,
      rejected: new RejectedMessages(publisher, log),
      handle: async (batch) => seen.push(...batch.map(({ subject }) => subject)),
    })
    await consumer.start()
    after(() => consumer.stop())
  }
  await startService()
  await startService()

  const info = () => manager.consumers.info('EVENTS', 'alerts')
  const leader = () =>
    eventually('one leads', async () => {
      const { cluster } = await info()
      return cluster?.leader === '' ? undefined : cluster?.leader
    })
  /** Sooner than the client library misses two heartbeats of 30 s. */
  const bothPull = async () => {
    const waits = async () => {
      await clock.advance(2_500)
      return (await info()).num_waiting === 2
    }
    await eventually('both services pull', waits, { withinMs: 40_000 })
  }
  const isRead = async (run: string) => {
    const subject = subjects.event('default', 'run', run, 'failed')
    await eventually(`${run} is stored`, async () => (await publisher.send({ subject, body: '{}' })) === undefined)
    await eventually(`${run} is read`, () => seen.includes(subject))
  }
  await bothPull()
  await isRead('r1')

  const stepDown = async () => {
    const before = await leader()
    await connection.request('$JS.API.CONSUMER.LEADER.STEPDOWN.EVENTS.alerts', '', REQUEST_DEADLINE)
    await eventually('another one leads', async () => (await leader()) !== before)
  }
  await stepDown()
  await bothPull()
  await isRead('r2')

  while ((await leader()) === 'n1') await stepDown()
  const led = servers.get(await leader())
  assert.ok(led)
  await led.kill()
  await bothPull()
  await isRead('r3')
})
