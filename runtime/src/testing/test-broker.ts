import type { TestContext } from 'node:test'
import type { StreamName } from '@carillon/contracts'
import { StreamPublisher, systemClock } from '@carillon/wire/internal'
import { type ServerLimits, startNatsServer, type TestServer } from '@carillon/wire/testing'
import { createLogger, type Logger } from '../logger.ts'
import { type Broker, connectBroker } from '../nats/connection.ts'
import { RejectedMessages } from '../nats/incoming.ts'
import { ensureStream } from '../nats/streams.ts'

export interface TestBroker {
  readonly server: TestServer
  readonly broker: Broker
  readonly publisher: StreamPublisher
  readonly rejected: RejectedMessages
  readonly log: Logger
  /** Lines of the log so far, as objects. */
  readonly lines: Record<string, unknown>[]
  stop(): Promise<void>
}

/** A nats-server with streams and a connection to it, for all tests of a file. */
export async function startTestBroker(streams: readonly StreamName[]): Promise<TestBroker> {
  const { log, lines } = createTestLog()
  const server = await startNatsServer()
  const broker = await connectBroker({ nats: { servers: server.url }, name: 'test', log })
  for (const name of streams) await ensureStream(broker.manager, name)
  const publisher = new StreamPublisher(broker.connection, systemClock)
  const rejected = new RejectedMessages(publisher, log)
  const stop = async () => {
    publisher.close()
    await broker.close()
    await server.stop()
  }
  return { server, broker, publisher, rejected, log, lines, stop }
}

/** A nats-server of one test without streams, a connection to it, and what is to be cleaned up. */
export interface BrokerOfTest extends Broker {
  readonly server: TestServer
  readonly log: Logger
  /** Lines of the log so far, as objects. */
  readonly lines: Record<string, unknown>[]
  /** To be done after the test, before what was registered earlier. */
  after(cleanUp: () => Promise<unknown>): void
}

export async function startBrokerOf(t: TestContext, limits?: ServerLimits): Promise<BrokerOfTest> {
  const { log, lines } = createTestLog()
  const after = cleanUps(t)
  const server = await startNatsServer(limits ? { limits } : {})
  after(() => server.stop())
  const broker = await connectBroker({ nats: { servers: server.url }, name: 'test', log })
  after(() => broker.connection.close())
  return { ...broker, server, log, lines, after }
}

/** Cleans up after a test, the newest first: services before the broker they talk to. */
export function cleanUps(t: TestContext): (cleanUp: () => Promise<unknown>) => void {
  const all: (() => Promise<unknown>)[] = []
  t.after(async () => {
    const failures: unknown[] = []
    for (const cleanUp of all.reverse()) await cleanUp().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be cleaned up')
  })
  return (cleanUp) => all.push(cleanUp)
}

/** A logger that keeps its lines. */
export function createTestLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ name: 'test', level: 'trace', destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  return { log, lines }
}
