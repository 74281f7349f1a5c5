import type { TestContext } from 'node:test'
import { CALLS, type CallInput, type CallName, type CallOutput, CarillonError, type ErrorBody, subjects } from '@carillon/contracts'
import { type BrokerOfTest, startBrokerOf } from '@carillon/runtime/testing'
import { openStore, type Store } from '@carillon/store'
import { aJob, aRun, runId } from '@carillon/store/testing'
import { startGateway } from '../../start-gateway.ts'
import { SETTINGS } from './gateway-settings.ts'
import { type Receiver, startReceiver } from './receiver.ts'

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** Gateways on one store and one broker, and a server that they send to. Runs are written, and their ends announced, as coordinators do. */
export class TestGateways {
  readonly broker: BrokerOfTest
  readonly store: Store
  readonly receiver: Receiver
  /** Subjects of what was published about incidents. */
  readonly events: string[] = []
  #runs = 0

  constructor(broker: BrokerOfTest, store: Store, receiver: Receiver) {
    this.broker = broker
    this.store = store
    this.receiver = receiver
    broker.connection.subscribe('carillon.*.event.incident.*.*', {
      callback: (_error, { subject }) => void this.events.push(subject.split('.').at(-1) as string),
    })
  }

  /** @throws CarillonError that a gateway answered */
  async call<Name extends CallName>(name: Name, input: CallInput<(typeof CALLS)[Name]>): Promise<CallOutput<(typeof CALLS)[Name]>> {
    const { noun, verb } = CALLS[name]
    const answer = await this.broker.connection.request(subjects.api('default', noun, verb), JSON.stringify(input), { timeout: 5_000 })
    const body = answer.json<{ error?: ErrorBody }>()
    if (body.error) throw CarillonError.fromBody(body.error)
    return body as CallOutput<(typeof CALLS)[Name]>
  }

  /** A run of job `report` ends. */
  async end(state: 'failed' | 'succeeded' | 'timed_out', fields: Parameters<typeof aRun>[1] = {}): Promise<string> {
    const now = Date.now()
    const n = ++this.#runs
    const reason = state === 'succeeded' ? 'completed' : 'handler-error'
    await this.store.runs.insert([
      aRun(n, {
        job: 'report',
        state,
        reason,
        createdAt: now - 10,
        startedAt: now - 5,
        endedAt: now,
        queuedAt: null,
        wakeAt: null,
        ...fields,
      }),
    ])
    this.announce(n, state)
    return runId(n)
  }

  announce(n: number, state: string): void {
    const failure = state === 'failed' ? { failure: { name: 'Error', message: 'no paper' } } : {}
    const body = {
      runId: runId(n),
      job: 'report',
      handler: 'hello',
      state,
      reason: 'handler-error',
      attempt: 1,
      at: new Date().toISOString(),
      ...failure,
    }
    this.broker.connection.publish(subjects.event('default', 'run', runId(n), state), JSON.stringify(body))
  }
}

/** @param storeUrl for gateways in processes of their own */
export async function startTestGateways(t: TestContext, count: number, storeUrl = 'sqlite::memory:'): Promise<TestGateways> {
  const broker = await startBrokerOf(t)
  const store = await openStore(storeUrl)
  broker.after(() => store.close())
  await store.jobs.insert(aJob('report'))
  const receiver = await startReceiver()
  broker.after(() => receiver.close())
  for (let n = 0; n < count; n++) {
    const gateway = await startGateway({ nats: { servers: broker.server.url }, log: broker.log, store, ...SETTINGS })
    broker.after(() => gateway.stop())
  }
  return new TestGateways(broker, store, receiver)
}
