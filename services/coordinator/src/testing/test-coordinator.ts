import type { TestContext } from 'node:test'
import { type HandlerInfo, type HandlerKind, TIMES } from '@carillon/contracts'
import { type Broker, type Incoming, type Logger, MeshClock, type StreamPublisher } from '@carillon/runtime'
import { createTestLog, FakeClock } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { compose } from '../compose.ts'
import type { Modes } from '../modes/mode.ts'
import { modesOn } from '../modes/table.ts'
import type { Presence, WakeKind } from '../ports.ts'
import { DEFAULT_RETENTION } from '../retention/retention-rules.ts'
import type { ServiceVersion } from '../stats/rules/marks.ts'
import { FakeBroker } from './fake-broker.ts'

/** The live instances, set by a test. */
export class FakePresence implements Presence {
  /** Instances by handler. */
  readonly alive = new Map<string, string[]>()
  readonly labels = new Map<string, Record<string, string>>()
  readonly capacity = new Map<string, number>()
  readonly lost = new Set<string>()
  readonly gone = new Set<string>()
  readonly hung = new Set<string>()
  /** Of those that are hung because nothing comes of their tasks. */
  readonly idle = new Map<string, number>()
  readonly cordoned = new Set<string>()
  /** What instances say of their handlers beside their names. */
  readonly infos = new Map<string, Partial<HandlerInfo>>()
  /** Those that take assignments. */
  readonly assignments = new Set<string>()
  /** Of handlers that map. */
  readonly kinds = new Map<string, HandlerKind>()
  stoodStill = false
  /** Of instances that have registered one. */
  readonly sessions = new Map<string, string>()

  offering(namespace: string, handler: string) {
    return this.holding(namespace, handler).filter(({ instance }) => !this.isHung(namespace, instance) && !this.cordoned.has(instance))
  }
  holding(_namespace: string, handler: string) {
    return (this.alive.get(handler) ?? []).map((instance) => ({
      instance,
      labels: this.labels.get(instance) ?? {},
      capacity: this.capacity.get(instance) ?? 10,
      session: this.sessions.get(instance),
      ...(this.assignments.has(instance) ? { assignments: true as const } : {}),
      handlers: [{ ...this.infos.get(instance), name: handler }],
    }))
  }
  isHung(_namespace: string, instance: string) {
    return this.hung.has(instance) || this.idle.has(instance)
  }
  hungIdleMs(_namespace: string, instance: string) {
    return this.idle.get(instance)
  }
  isCordoned(_namespace: string, instance: string) {
    return this.cordoned.has(instance)
  }
  offers(namespace: string, handler: string) {
    return this.offering(namespace, handler).length > 0
  }
  kindOf(_namespace: string, handler: string) {
    return this.kinds.get(handler)
  }
  handlers() {
    return [...this.alive.keys()].sort()
  }
  namespaces() {
    return ['default']
  }
  count() {
    return new Set([...this.alive.values()].flat()).size
  }
  services() {
    return new Map<string, Set<string>>()
  }
  readonly versionsThere: ServiceVersion[] = []
  versions() {
    return this.versionsThere
  }
  /** All instances that have not left. */
  isPresent(_namespace: string, instance: string, session: string | null = null) {
    return !this.gone.has(instance) && !this.#isOther(instance, session)
  }
  isLost(_namespace: string, instance: string, session: string | null = null) {
    return this.lost.has(instance) || this.#isOther(instance, session)
  }
  holds(_namespace: string, instance: string, session: string | null) {
    return session !== null && !this.gone.has(instance) && this.sessions.get(instance) === session
  }
  sessionOf(_namespace: string, instance: string) {
    return this.sessions.get(instance)
  }
  #isOther(instance: string, session: string | null) {
    const registered = this.sessions.get(instance)
    return registered !== undefined && session !== null && registered !== session
  }
}

export interface TestOptions {
  /** Default: a fresh one in memory. */
  readonly store?: Store
  readonly clock?: FakeClock
}

/** The parts of one coordinator on a real store, with a clock and a broker that the test controls. Its loops do not run. */
export async function createTestCoordinator(context: TestContext, options: TestOptions = {}) {
  const { clock = new FakeClock() } = options
  const store = options.store ?? (await openStore('sqlite::memory:'))
  if (!options.store) context.after(() => store.close())
  const { log, lines } = createTestLog()
  const fake = new FakeBroker()
  const presence = new FakePresence()
  const { broker, publisher } = fake
  return { ...partsOn({ store, clock, log, broker, publisher, presence }), fake, lines }
}
export type TestCoordinator = Awaited<ReturnType<typeof createTestCoordinator>>

/** What is to be woken. */
interface Armed {
  readonly kind: WakeKind
  readonly id: string
  readonly wakeAt: number
}

/** The dependencies of a coordinator under test. */
export interface TestDependencies {
  readonly store: Store
  readonly clock: FakeClock
  readonly log: Logger
  readonly broker: Broker
  readonly publisher: StreamPublisher
  readonly presence: FakePresence
  /** Default: the real ones. */
  readonly modes?: Modes
}

/** The same parts as in production. */
export function partsOn({ clock: local, presence, modes, ...given }: TestDependencies) {
  const clock = new MeshClock({ local, sources: [], log: given.log, uptimeMs: () => local.monotonic() })
  const batch = { maxItems: 1_000, maxMessages: 1_000, maxInFlight: 1 }
  const { signal: stopping } = new AbortController()
  const service = Object.assign(presence, { start: async () => undefined, stop: async () => undefined, restart: () => undefined })
  const dependencies = {
    ...given,
    id: 'c-1',
    clock,
    modes: modes ?? modesOn(given.store),
    batch,
    remembered: { runs: 1_000, gates: 1_000 },
    retention: DEFAULT_RETENTION,
    hungAfterMs: TIMES.idleHungAfterMs,
    streamReplicas: 1,
    stopping,
  }
  const { parts } = compose({ ...dependencies, presence: () => service, random: () => 0.5 })
  const armed: Armed[] = []
  parts.waker.arm = (kind, { id, wakeAt }) => void armed.push({ kind, id, wakeAt })
  return { ...parts, clock: local, presence, armed }
}

/** Time passes until what is under way is done. */
export async function inTime<Made>({ clock }: { clock: FakeClock }, made: Promise<Made>): Promise<Made> {
  let isDone = false
  const done = () => {
    isDone = true
  }
  made.then(done, done)
  while (!isDone) await clock.advance(10)
  return made
}

/** The stored run of an id, which must be there. */
export async function runOf({ store }: { store: Store }, id: string): Promise<RunRecord> {
  const [run] = await store.runs.get([id])
  if (!run) throw new Error(`there is no run ${id}`)
  return run
}

let sequence = 0
/** A message of stream REPORTS as the consumer passes it on. */
export function reportsFrom(instance: string, ...reports: readonly unknown[]): Incoming {
  return {
    subject: `carillon.default.report.${instance}`,
    namespace: 'default',
    name: instance,
    body: (reports.length === 1 ? reports[0] : reports) as Incoming['body'],
    bytes: 0,
    sequence: ++sequence,
    storedAt: 0,
    traceparent: undefined,
    headerNames: () => [],
    header: () => undefined,
  }
}
