import type { TestContext } from 'node:test'
import { CALLS, type CallInput, type CallName, type CallOutput, CarillonError, type ErrorBody, subjects } from '@carillon/contracts'
import { type Clock, systemClock } from '@carillon/runtime'
import { type BrokerOfTest, eventually, startBrokerOf } from '@carillon/runtime/testing'
import { type DeliveryRecord, openStore, SHARES, type Store } from '@carillon/store'
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

  /** A channel to the receiver, and a rule that sends to it. */
  async watch(rule: Omit<CallInput<(typeof CALLS)['alertRulesPut']>, 'name'>): Promise<void> {
    await this.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook', url: this.receiver.url, secrets: [SECRET] } })
    await this.call('alertRulesPut', { name: rule.scene, channels: ['ops'], ...rule })
  }

  /** Jobs, so that what fails of them is not over at once. */
  async jobs(names: readonly string[]): Promise<void> {
    for (const name of names) await this.store.jobs.insert(aJob(name))
  }

  /** What was received, by id. */
  byId(): Map<string, { readonly type: string; readonly summary: string; readonly count: number }[]> {
    const all = new Map<string, { type: string; summary: string; count: number }[]>()
    for (const { headers, body } of this.receiver.received) {
      const id = String(headers['webhook-id'])
      const { type, data } = JSON.parse(body)
      all.set(id, [...(all.get(id) ?? []), { type, summary: data.incident.summary, count: data.incident.count }])
    }
    return all
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

  announce(n: number, state: string, job = 'report'): void {
    const failure = state === 'failed' ? { failure: { name: 'Error', message: 'no paper' } } : {}
    const body = {
      runId: runId(n),
      job,
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

export interface TestGatewaysOptions {
  /** For gateways in processes of their own. */
  readonly storeUrl?: string
  /** What gateways have as their store. */
  readonly wrapStore?: (store: Store) => Store
  /** Of the gateways. */
  readonly clock?: Clock
}

export async function startTestGateways(t: TestContext, count: number, options: TestGatewaysOptions = {}): Promise<TestGateways> {
  const { storeUrl = 'sqlite::memory:', wrapStore = (store) => store, clock = systemClock } = options
  const broker = await startBrokerOf(t)
  const store = await openStore(storeUrl)
  broker.after(() => store.close())
  await store.jobs.insert(aJob('report'))
  const receiver = await startReceiver()
  broker.after(() => receiver.close())
  const settings = { nats: { servers: broker.server.url }, log: broker.log, clock, store: wrapStore(store), ...SETTINGS }
  for (let n = 0; n < count; n++) {
    const gateway = await startGateway(settings)
    broker.after(() => gateway.stop())
  }
  return new TestGateways(broker, store, receiver)
}

/** As if the minute had passed for which a gateway may hold a delivery. */
export async function endLeases(store: Store): Promise<void> {
  // One that is written by a gateway meanwhile has another lease.
  await eventually('leases are ended', async () => {
    const held = (await openDeliveries(store)).filter((delivery) => delivery !== undefined && (delivery.wakeAt ?? 0) > Date.now())
    const end = (delivery: DeliveryRecord) =>
      store.deliveries.replace({ ...delivery, wakeAt: Date.now(), revision: delivery.revision + 1 }, delivery)
    return (await Promise.all((held as DeliveryRecord[]).map(end))).every((outcome) => outcome === 'applied')
  })
}

async function openDeliveries(store: Store) {
  const shares = Array.from({ length: SHARES }, (_, share) => share)
  const due = await store.deliveries.due({ until: Number.MAX_SAFE_INTEGER, shares, limit: 1_000 })
  return store.deliveries.get(due.map(({ id }) => id))
}

/** Resolves when what was sent is stored: what a gateway could not store is sent again when its lease ends, a minute later. */
export async function sendsAreStored(store: Store): Promise<void> {
  await eventually('what was sent is stored', async () => (await openDeliveries(store)).length === 0)
}

/** Resolves when what was refused is stored, of each delivery that is to be tried again: a lease that is ended before would be a new one then. */
export async function refusalsAreStored(store: Store): Promise<void> {
  await eventually('the answers are stored', async () => (await openDeliveries(store)).every((open) => open?.answer != null))
}
