import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICE_CONSUMERS } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { openStore, type Store } from '@carillon/store'
import { eventually } from '@carillon/wire/testing'
import type { NatsConnection } from '@nats-io/transport-node'
import { startBroker, type TestBroker } from '../support/broker.ts'
import { startCli } from '../support/carillon.ts'
import type { Cleanup } from '../support/cleanup.ts'
import { startExecutor } from '../support/executor.ts'
import { connectPlain, connectTo, freshNamespace } from '../support/mesh.ts'
import type { TestProcess } from '../support/processes.ts'
import type { SmallDisk } from '../support/small-disk.ts'
import type { TestEngine, TestStore } from '../support/stores.ts'
import { type Books, keepBooks, openOf } from './books.ts'
import { watchEnds } from './ends.ts'
import type { Guard } from './guards.ts'
import { Member } from './member.ts'
import { SeededRandom } from './random.ts'
import { SteadyLoad } from './steady-load.ts'
import { startProxy, type TcpProxy } from './tcp-proxy.ts'

export interface WorldOptions {
  readonly seed: number
  readonly store: TestStore
  /** Of the store, where it may be killed. */
  readonly engine: TestEngine | undefined
  /** Under the store and the broker, where it may be filled. */
  readonly disk: SmallDisk | undefined
  /** Taken out of every process of the mesh. */
  readonly guardOff: Guard | undefined
  readonly coordinators: number
  readonly executors: number
  /** Executors in each of those processes. */
  readonly perProcess: number
  /** Bodies that an executor runs at once. */
  readonly concurrency: number
  /** How long a body takes, from the shortest to the longest, in ms. */
  readonly bodyMs: readonly [number, number]
}

/** A mesh of real processes, a load on it, and ways to inject faults. */
export interface World {
  readonly random: SeededRandom
  readonly namespace: string
  readonly broker: TestBroker
  readonly store: Store
  /** Of the store. @throws unless the scenario needs it */
  readonly engine: TestEngine
  /** Under the store and the broker. @throws unless the scenario needs it */
  readonly disk: SmallDisk
  readonly client: Client
  readonly registry: Member
  readonly logger: Member
  readonly coordinators: readonly Member[]
  readonly executors: readonly Member[]
  /** Every process but the broker. */
  readonly members: readonly Member[]
  /** Between executors and the broker. */
  readonly proxy: TcpProxy
  readonly load: SteadyLoad
  /** Blows that fell while runs were under way. */
  hits(): number
  /** Waits until runs are under way, and strikes. */
  strike<Result>(blow: () => Result | Promise<Result>): Promise<Result>
  /** Shifts the wall clock of processes, by ms. */
  shiftClocks(members: readonly Member[], shiftMs: number): void
  /** Everything runs again; every run that was started has had time to end. */
  settle(withinMs: number): Promise<void>
  books(options: { slotsAreRegular: boolean }): Promise<Books>
}

export const TICK = { job: 'tick', everyMs: 500 }
const PRELOAD = new URL('./preload.js', import.meta.url).href
const FIRST_RUNS = 20
/** A start beside others on a small machine. */
const READY_WITHIN_MS = 60_000

export async function createWorld(cleanup: Cleanup, options: WorldOptions): Promise<World> {
  const random = new SeededRandom(options.seed)
  const namespace = freshNamespace()
  const storeUrl = options.store.fresh(cleanup)
  const store = await openStore(storeUrl)
  cleanup.add('store', () => store.close())
  const ends = watchEnds(storeUrl)
  cleanup.add('ends', () => ends.close())
  const broker = await startBroker(cleanup, options.disk ? { folder: join(options.disk.folder, 'broker') } : {})
  const proxy = await startProxy(cleanup, broker.port)
  const ledger = { folder: cleanup.folder(), deaths: new Map<string, number>() }
  const processes = startProcesses(cleanup, { ...options, namespace, storeUrl, broker, proxy, ledger })
  const { members } = processes
  for (const member of members) await member.start()
  const { client } = await connectTo(cleanup, broker.url, { namespace })
  const nats = await connectPlain(cleanup, broker.url)
  await client.jobs.put({ name: TICK.job, handler: 'work', payload: { ms: 1 }, schedule: { everyMs: TICK.everyMs }, misfire: 'all' })
  const load = new SteadyLoad({
    client,
    random,
    ms: options.bodyMs,
    capacity: options.executors * options.perProcess * options.concurrency,
  })
  load.start()
  await eventually(
    'runs end',
    async () => load.accepted.length > FIRST_RUNS && (await openOf(store, load.accepted.slice(0, 1))).length === 0,
  )
  let hits = 0
  return {
    ...{ random, namespace, broker, store, client, proxy, load, ...processes },
    get engine() {
      return given(options.engine)
    },
    get disk() {
      return given(options.disk)
    },
    hits: () => hits,
    strike: async (blow) => {
      await eventually(
        'something is under way',
        async () => (await store.runs.list({ namespace, states: ['running'], limit: 1 })).items.length > 0,
      )
      const result = await blow()
      hits++
      return result
    },
    settle: async (withinMs) => {
      proxy.set('open')
      for (const member of members) await member.heal()
      await load.stop()
      await client.jobs.pause(TICK.job)
      await eventually('every run has ended', async () => (await openOf(store, load.accepted)).length === 0, {
        withinMs,
        everyMs: 250,
      }).catch(() => undefined)
      // Reports of a stopped executor about old attempts arrive when it runs again.
      await eventually('every report is applied', async () => (await reportsWaiting(nats)) === 0)
    },
    books: ({ slotsAreRegular }) => {
      const schedule = slotsAreRegular ? TICK : undefined
      return keepBooks({ store, ledger, namespace, accepted: load.accepted, doubleCompleted: ends.read(), schedule })
    },
  }
}

interface Surroundings extends WorldOptions {
  readonly namespace: string
  readonly storeUrl: string
  readonly broker: TestBroker
  readonly proxy: TcpProxy
  readonly ledger: { readonly folder: string; readonly deaths: Map<string, number> }
}

/** Services as users start them, and executors whose way to the broker can be cut. */
function startProcesses(cleanup: Cleanup, given: Surroundings) {
  const clocks = cleanup.folder()
  const environmentOf = (name: string) => ({
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CHAOS_CLOCK: join(clocks, name),
    ...(given.guardOff ? { CHAOS_GUARD_OFF: given.guardOff } : {}),
  })
  const service = (kind: 'coordinator' | 'registry' | 'logger', number = 1) =>
    new Member(`${kind}-${number}`, cleanup, async (within) => {
      const store = kind === 'registry' ? [] : ['--store', given.storeUrl]
      const launched = startCli(within, [kind, '--nats', given.broker.url, ...store], { env: environmentOf(`${kind}-${number}`) })
      await launched.shows(/"evt":"service\.ready"/, READY_WITHIN_MS)
      return launched
    })
  const executor = (number: number) =>
    new Member(`executor-${number}`, cleanup, async (within): Promise<TestProcess> => {
      const instance = `executor-${number}`
      const { namespace, concurrency, ledger, perProcess: count } = given
      const url = `nats://127.0.0.1:${given.proxy.port}`
      const environment = environmentOf(instance)
      const launched = await startExecutor(within, { url, namespace, instance, concurrency, ledger: ledger.folder, count, environment })
      launched.child.once('exit', () => ledger.deaths.set(`${instance}-${launched.pid}`, Date.now()))
      return launched
    })
  const [registry, logger] = [service('registry'), service('logger')]
  const coordinators = numbers(given.coordinators).map((number) => service('coordinator', number))
  const executors = numbers(given.executors).map(executor)
  return {
    ...{ registry, logger, coordinators, executors },
    members: [registry, logger, ...coordinators, ...executors],
    shiftClocks: (members: readonly Member[], shiftMs: number) => {
      for (const member of members) {
        writeFileSync(join(clocks, member.name), String(shiftMs))
        member.signal('SIGUSR2')
      }
    },
  }
}

function given<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('the scenario does not say that it needs this')
  return part
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

async function reportsWaiting(nats: NatsConnection): Promise<number> {
  const info = await nats.request(`$JS.API.CONSUMER.INFO.REPORTS.${SERVICE_CONSUMERS.REPORTS}`, '', { timeout: 5_000 })
  const { num_pending: pending, num_ack_pending: unacknowledged } = info.json<{ num_pending: number; num_ack_pending: number }>()
  return pending + unacknowledged
}
