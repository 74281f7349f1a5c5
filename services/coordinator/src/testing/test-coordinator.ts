import type { TestContext } from 'node:test'
import { type Broker, type Incoming, type Logger, RejectedMessages, type StreamPublisher } from '@carillon/runtime'
import { createTestLog, FakeClock } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { ClaimTask } from '../dispatch/claim-task.ts'
import { OfferLegs } from '../dispatch/offer-legs.ts'
import type { PresenceWatch } from '../dispatch/presence.ts'
import { WorkPublisher } from '../dispatch/publish-work.ts'
import { ChangeJobs } from '../jobs/change-jobs.ts'
import { JobCache } from '../jobs/read-jobs.ts'
import { MapTasks } from '../modes/map/map-tasks.ts'
import { ReadResults } from '../modes/map/read-results.ts'
import { MODES } from '../modes/table.ts'
import type { Timers, WakeKind } from '../ports.ts'
import { LoseInstance } from '../recovery/lose-instance.ts'
import { RepairQueue } from '../recovery/repair-queue.ts'
import { AdvanceRun } from '../runs/advance-run.ts'
import { Announcer } from '../runs/announce.ts'
import { ApplyReports } from '../runs/apply-reports.ts'
import { ChangeRuns } from '../runs/change-runs.ts'
import { ReadRuns } from '../runs/read-runs.ts'
import { ReadTree } from '../runs/read-tree.ts'
import { RefusedReports } from '../runs/refused-reports.ts'
import type { Lived } from '../runs/rules/timing.ts'
import { StartRuns } from '../runs/start-runs.ts'
import type { TaskOfRun } from '../runs/tasks-of-runs.ts'
import { WakeRuns } from '../runs/wake-runs.ts'
import { WakeTasks } from '../runs/wake-tasks.ts'
import { RunWriter } from '../runs/write-runs.ts'
import { TaskWriter } from '../runs/write-tasks.ts'
import { FireSlots } from '../schedules/fire-slots.ts'
import { SetRight } from '../schedules/set-right.ts'
import { KeepSteps } from '../steps/keep-steps.ts'
import { FakeBroker } from './fake-broker.ts'

/** Who is alive, as a test says. */
export class FakePresence {
  /** Instances by handler. */
  readonly alive = new Map<string, string[]>()
  readonly lost = new Set<string>()
  readonly gone = new Set<string>()
  readonly hung = new Set<string>()
  stoodStill = false
  /** Of instances that have registered one. */
  readonly sessions = new Map<string, string>()

  offering(namespace: string, handler: string) {
    return this.holding(namespace, handler).filter(({ instance }) => !this.hung.has(instance))
  }
  holding(_namespace: string, handler: string) {
    return (this.alive.get(handler) ?? []).map((instance) => ({ instance }))
  }
  isHung(_namespace: string, instance: string) {
    return this.hung.has(instance)
  }
  offers(namespace: string, handler: string) {
    return this.offering(namespace, handler).length > 0
  }
  kindOf() {
    return undefined
  }
  handlers() {
    return [...this.alive.keys()].sort()
  }
  /** Everyone but who has gone. */
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

/** The use cases of one coordinator on a real store, with time and a broker that the test holds. */
export async function createTestCoordinator(context: TestContext, options: TestOptions = {}) {
  const { clock = new FakeClock() } = options
  const store = options.store ?? (await openStore('sqlite::memory:'))
  if (!options.store) context.after(() => store.close())
  const { log, lines } = createTestLog()
  const fake = new FakeBroker()
  const presence = new FakePresence()
  const { broker, publisher } = fake
  const repair = { reportsApplied: async () => true } as unknown as RepairQueue
  return { ...useCasesOn({ store, clock, log, broker, publisher, presence, repair }), fake, lines, presence }
}
export type TestCoordinator = Awaited<ReturnType<typeof createTestCoordinator>>

/** What is to be woken. */
interface Armed {
  readonly kind: WakeKind
  readonly id: string
  readonly wakeAt: number
}

/** What the use cases of a coordinator stand on in a test. */
export interface TestGround {
  readonly store: Store
  readonly clock: FakeClock
  readonly log: Logger
  readonly broker: Broker
  readonly publisher: StreamPublisher
  readonly presence: FakePresence
  /** Default: the real one. */
  readonly repair?: RepairQueue
  /** Default: the real ones. */
  readonly modes?: typeof MODES
}

export function useCasesOn(given: TestGround) {
  const { store, clock, log, broker, publisher } = given
  const rejected = new RejectedMessages(publisher, log)
  const announcer = new Announcer({ broker, publisher, log })
  const work = new WorkPublisher({ store, broker, publisher, clock, log })
  const since = (time: number) => Math.max(0, clock.now() - time)
  const lived: Lived = { since, awakeSince: since }
  const armed: Armed[] = []
  const timers: Timers = { arm: (kind, { id, wakeAt }) => void armed.push({ kind, id, wakeAt }) }
  const presence = given.presence as unknown as PresenceWatch
  const ground = { store, lived, work, announcer, broker, clock, log, rejected, presence, timers }
  const later = {
    reconciler: { soon: (runId: string) => advance.soon(runId) },
    offers: { soon: (leg: TaskOfRun) => offers.soon(leg) },
  }
  const writer = new RunWriter({ ...ground, ...later })
  const tasks = new TaskWriter({ ...ground, ...later, writer })
  const offers = new OfferLegs({ ...ground, tasks })
  const advance = new AdvanceRun({ ...ground, writer, tasks, modes: given.modes ?? MODES })
  const repair = given.repair ?? new RepairQueue(ground)
  const refused = new RefusedReports({ log })
  const base = {
    ...ground,
    refused,
    writer,
    tasks,
    offers,
    advance,
    repair,
    jobs: new JobCache(store, clock),
    batch: { maxItems: 1_000, maxInFlight: 1 },
  }
  const reads = new ReadRuns(base)
  return {
    ...base,
    armed,
    reads,
    readTree: new ReadTree({ store, clock }),
    startRuns: new StartRuns(base),
    changeJobs: new ChangeJobs(base),
    changeRuns: new ChangeRuns({ store, writer, reads }),
    claimTask: new ClaimTask(base),
    mapTasks: new MapTasks(base),
    keepSteps: new KeepSteps(base),
    readResults: new ReadResults(base),
    fireSlots: new FireSlots(base),
    wakeRuns: new WakeRuns(base),
    wakeTasks: new WakeTasks(base),
    setRight: new SetRight(base),
    loseInstance: new LoseInstance(base),
    applyReports: new ApplyReports(base),
  }
}

/** The stored run of an id, which must be there. */
export async function runOf({ store }: { store: Store }, id: string): Promise<RunRecord> {
  const [run] = await store.runs.get([id])
  if (!run) throw new Error(`there is no run ${id}`)
  return run
}

let sequence = 0
/** A message of the stream of reports as the consumer hands it on. */
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
