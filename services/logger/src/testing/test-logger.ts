import type { TestContext } from 'node:test'
import { CALLS, type CallInput, type CallOutput, CarillonError, type ErrorBody, type LogView, type Page } from '@carillon/contracts'
import { type BrokerOfTest, startBrokerOf } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { type LoggerOptions, startLogger } from '../start-logger.ts'

export const RUN = 'run00123456789abcdef'
/** Time of the first line of a test: within the day by which an executor's clock may be off. */
export const BEGUN_AT = Date.now() - 3_600_000

/** A broker, a store and a logger, and what a test needs to use them. */
class TestLogger {
  readonly broker: BrokerOfTest
  readonly store: Store
  /** Bodies of `event.message.LOGS.rejected`. */
  readonly rejected: Record<string, unknown>[] = []

  constructor(broker: BrokerOfTest, store: Store) {
    this.broker = broker
    this.store = store
    broker.connection.subscribe('carillon.*.event.message.LOGS.rejected', {
      callback: (_error, message) => void this.rejected.push(message.json()),
    })
  }

  /** Publishes any body as a message of a run. */
  publish(body: unknown, runId = RUN): void {
    this.broker.connection.publish(`carillon.default.log.${runId}`, typeof body === 'string' ? body : JSON.stringify(body))
  }

  query(input: Partial<CallInput<typeof CALLS.logsQuery>> = {}): Promise<Page<LogView>> {
    return this.call('logsQuery', { runId: RUN, ...input })
  }

  /** @throws CarillonError that the logger answered */
  async call<Name extends 'logsQuery' | 'logsSearch' | 'loggerHealth'>(
    name: Name,
    input: unknown,
  ): Promise<CallOutput<(typeof CALLS)[Name]>> {
    const { noun, verb } = CALLS[name]
    const subject = `carillon.default.api.${noun}.${verb}`
    const answer = await this.broker.connection.request(subject, JSON.stringify(input), { timeout: 5_000 })
    const body = answer.json<{ error?: ErrorBody }>()
    if (body.error) throw CarillonError.fromBody(body.error)
    return body as CallOutput<(typeof CALLS)[Name]>
  }

  async texts(input: Parameters<TestLogger['query']>[0] = {}): Promise<string[]> {
    return (await this.query(input)).items.map((line) => line.message)
  }
}

/** A message with lines `first` to `last`, a millisecond apart. */
export function linesMessage(first: number, last: number, fields: Record<string, unknown> = {}) {
  const lines = Array.from({ length: last - first + 1 }, (_, i) => ({
    seq: first + i,
    at: new Date(BEGUN_AT + first + i).toISOString(),
    level: 'info',
    message: `line ${first + i}`,
  }))
  return { runId: RUN, taskId: RUN, attempt: 1, instance: 'i1', lines, ...fields }
}

/** @param spoil stands between the logger and its store */
export async function startTestLogger(
  t: TestContext,
  options: Partial<LoggerOptions> = {},
  spoil: (store: Store) => Store = (store) => store,
): Promise<TestLogger> {
  const broker = await startBrokerOf(t)
  const store = await openStore('sqlite::memory:')
  broker.after(() => store.close())
  // Lines of these tests are ten years old, their retention must be longer.
  const settings = { nats: { servers: broker.server.url }, log: broker.log, retentionDays: 36_500, ...options }
  const logger = await startLogger({ ...settings, store: spoil(store) })
  broker.after(() => logger.stop())
  return new TestLogger(broker, store)
}

/** A store whose log lines are inserted by `insert`. */
export function withInsert(store: Store, insert: Store['logs']['insert']): Store {
  const logs: Store['logs'] = {
    insert,
    query: (query) => store.logs.query(query),
    search: (query) => store.logs.search(query),
    removeOlder: (query) => store.logs.removeOlder(query),
    trim: (query) => store.logs.trim(query),
  }
  return { ...store, logs }
}
