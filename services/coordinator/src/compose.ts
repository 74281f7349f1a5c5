import { PRESENCE_STREAM } from '@carillon/contracts'
import {
  type Composition,
  type Connected,
  controllerOf,
  keptStream,
  LOSSES,
  type MeshClock,
  RejectedMessages,
  StreamKeeper,
  seeStream,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { ClaimTask } from './dispatch/claim-task.ts'
import { dispatchController } from './dispatch/dispatch.controller.ts'
import { OfferLegs } from './dispatch/offer-legs.ts'
import { PresenceWatch } from './dispatch/presence.ts'
import { WorkPublisher } from './dispatch/publish-work.ts'
import { CheckHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import { ChangeJobs } from './jobs/change-jobs.ts'
import { jobsController } from './jobs/jobs.controller.ts'
import { JobCache, ReadJobs } from './jobs/read-jobs.ts'
import { Waker } from './loops/waker.ts'
import { mapController } from './modes/map/map.controller.ts'
import { MapTasks } from './modes/map/map-tasks.ts'
import { ReadResults } from './modes/map/read-results.ts'
import { MODES } from './modes/table.ts'
import type { Timers } from './ports.ts'
import { Auditor } from './recovery/auditor.ts'
import { LoseInstance } from './recovery/lose-instance.ts'
import { Membership } from './recovery/membership.ts'
import { RepairQueue } from './recovery/repair-queue.ts'
import { CautiousTime } from './retention/cautious-time.ts'
import { PruneRuns } from './retention/prune-runs.ts'
import { RemoveRuns } from './retention/remove-runs.ts'
import { retentionController } from './retention/retention.controller.ts'
import type { RetentionPolicy } from './retention/retention-rules.ts'
import { Sweeper } from './retention/sweeper.ts'
import { unappliedSince } from './retention/unapplied-messages.ts'
import { AdvanceRun } from './runs/advance-run.ts'
import { Announcer } from './runs/announce.ts'
import { ApplyReports } from './runs/apply-reports.ts'
import { ChangeRuns } from './runs/change-runs.ts'
import { ReadRuns } from './runs/read-runs.ts'
import { ReadTree } from './runs/read-tree.ts'
import { RefusedReports } from './runs/refused-reports.ts'
import { runsController } from './runs/runs.controller.ts'
import { StartRuns } from './runs/start-runs.ts'
import { TakeTriggers } from './runs/take-triggers.ts'
import type { TaskOfRun } from './runs/tasks-of-runs.ts'
import { WakeRuns } from './runs/wake-runs.ts'
import { WakeTasks } from './runs/wake-tasks.ts'
import { RunWriter } from './runs/write-runs.ts'
import { TaskWriter } from './runs/write-tasks.ts'
import { FireSlots, SLOT_LEAD_MS } from './schedules/fire-slots.ts'
import { JumpWatch } from './schedules/jump-watch.ts'
import { SetRight } from './schedules/set-right.ts'
import { KeepSteps } from './steps/keep-steps.ts'
import { stepsController } from './steps/steps.controller.ts'

/** What a coordinator is made on. */
export interface Ground extends Connected {
  readonly store: Store
  readonly clock: MeshClock
  /** Items of one write, messages that are taken at once, and writes under way. */
  readonly batch: { readonly maxItems: number; readonly maxMessages: number; readonly maxInFlight: number }
  readonly retention: RetentionPolicy
}

/** What parts need of others that are made after them. */
interface Later {
  readonly timers: Timers
  readonly onGone: (namespace: string, instance: string) => void
}

/** The parts that every use case stands on. */
function foundation(ground: Ground & Later) {
  const { broker, publisher, clock, log, store, timers } = ground
  const rejected = new RejectedMessages(publisher, log)
  const keeper = keeperOf(ground)
  const presence = new PresenceWatch(ground)
  const announcer = new Announcer({ broker, publisher, log })
  const work = new WorkPublisher({ store, broker, publisher, clock, log })
  const later = {
    reconciler: { soon: (runId: string) => advance.soon(runId) },
    offers: { soon: (leg: TaskOfRun) => offers.soon(leg) },
  }
  const writer = new RunWriter({ store, work, announcer, broker, presence, timers, clock, log, ...later })
  const tasks = new TaskWriter({ store, work, writer, timers, clock, log, ...later })
  const offers = new OfferLegs({ store, tasks, presence, timers, broker, clock, log })
  const advance = new AdvanceRun({ store, writer, tasks, work, presence, timers, clock, log, modes: MODES })
  const repair = new RepairQueue({ store, broker, work, clock, log })
  const jobs = new JobCache(store, clock)
  const refused = new RefusedReports({ log })
  return {
    ...ground,
    lived: clock,
    refused,
    jobs,
    rejected,
    keeper,
    presence,
    announcer,
    work,
    writer,
    tasks,
    offers,
    advance,
    repair,
  }
}

const STREAMS = ['WORK', 'TRIGGERS', 'REPORTS', 'EVENTS'] as const

/** The streams that a coordinator makes where they are missing, and the registry's bucket, which it only reads. */
function keeperOf({ store, broker, clock, log, streamReplicas }: Ground): StreamKeeper {
  const presence = { stream: PRESENCE_STREAM, ensure: () => seeStream(broker.manager, PRESENCE_STREAM) }
  const kept = STREAMS.map((name) =>
    keptStream(broker, name, { replicas: streamReplicas, storeId: name === 'WORK' ? store.id : undefined }),
  )
  return new StreamKeeper({ broker, clock, log, kept: [...kept, presence] })
}

type Foundation = ReturnType<typeof foundation>

function useCases(base: Foundation) {
  const { store, clock, writer } = base
  const starts = new StartRuns(base)
  const reads = new ReadRuns(base)
  return {
    changeJobs: new ChangeJobs(base),
    readJobs: new ReadJobs(store),
    jobs: base.jobs,
    startRuns: starts,
    readRuns: reads,
    readTree: new ReadTree({ store, clock }),
    changeRuns: new ChangeRuns({ store, writer, reads }),
    claimTask: new ClaimTask(base),
    mapTasks: new MapTasks(base),
    keepSteps: new KeepSteps(base),
    readResults: new ReadResults(base),
    applyReports: new ApplyReports(base),
    takeTriggers: new TakeTriggers({ ...base, start: starts, now: () => clock.now() }),
  }
}

function loopsOf(base: Foundation, stopping: AbortSignal) {
  const { clock, log, repair, work } = base
  const slots = new FireSlots(base)
  const wake = new WakeRuns(base)
  const wakeTasks = new WakeTasks(base)
  const takeOver = async (dead: { publishedBefore: number }) => {
    await repair.span({ from: dead.publishedBefore, before: clock.now() }, stopping)
  }
  const membership = new Membership({ ...base, publishedBefore: () => work.publishedBefore(), takeOver })
  const shares = () => membership.shares
  const sources = { jobs: base.jobs, runs: base.store.runs, tasks: base.store.tasks }
  const waker = new Waker({
    ...base,
    sources,
    shares,
    jobsLeadMs: SLOT_LEAD_MS,
    handlers: { jobs: (ids) => slots.execute(ids), runs: (ids) => wake.execute(ids), tasks: (ids) => wakeTasks.execute(ids) },
  })
  const setRight = new SetRight(base)
  const jumps = new JumpWatch({ setRight, clock, log, shares })
  clock.onJump(() => jumps.again())
  return { jumps, waker, shares, membership, auditor: new Auditor({ repair, work, clock, log, shares }) }
}

/** What removes runs that were kept for their time: by itself, and on request. */
function retentionOf(base: Foundation, { shares, stopping }: { shares: () => readonly number[]; stopping: AbortSignal }) {
  const { broker, clock, retention: policy } = base
  const ground = {
    ...base,
    policy,
    time: new CautiousTime(clock),
    unappliedSince: () => unappliedSince(broker),
    remove: new RemoveRuns(base),
  }
  return { sweeper: new Sweeper({ ...ground, shares }), prune: new PruneRuns({ ...ground, stopping }) }
}

/** What the broker has lost is published again; after a start, its own or the broker's, nobody knows. */
function followLosses({
  broker,
  keeper,
  presence,
  repair,
  auditor,
}: Pick<Foundation, 'broker' | 'keeper' | 'presence' | 'repair'> & { auditor: Auditor }): void {
  let server = broker.connection.info?.server_id
  repair.executorsReconnect()
  auditor.passSoon({ why: 'this coordinator was started', isLoss: false })
  keeper.onLoss((stream, loss) => {
    if (stream === PRESENCE_STREAM) presence.restart()
    if (stream === 'WORK') auditor.passSoon({ why: `stream WORK ${LOSSES[loss]}`, isLoss: true })
  })
  broker.onReconnect(async () => {
    const serverNow = broker.connection.info?.server_id
    if (server !== serverNow) repair.executorsReconnect()
    await keeper.whenKept()
    if (server !== serverNow && auditor.loss === undefined) auditor.passSoon({ why: 'the broker was started again', isLoss: false })
    server = serverNow
  })
}

/** Puts a coordinator together: what it answers, takes and hears, and the loops that run beside that. */
export function compose(ground: Ground): Composition {
  const { stopping } = ground
  const base = foundation({
    ...ground,
    timers: { arm: (kind, due) => waker.arm(kind, due) },
    onGone: (namespace, instance) => takeOver(namespace, instance),
  })
  const cases = useCases(base)
  const { jumps, waker, shares, membership, auditor } = loopsOf(base, stopping)
  const { presence, work, rejected, refused, clock, log, repair, keeper } = base
  const { sweeper, prune } = retentionOf(base, { shares, stopping })

  followLosses({ ...base, auditor })
  const lose = new LoseInstance(base)
  const takeOver = (namespace: string, instance: string) => {
    lose
      .execute(namespace, instance, stopping)
      .catch((error: unknown) =>
        log.error({ evt: 'take-over.failed', instance, err: error }, 'could not take over; the runs are looked at again later'),
      )
  }
  const health = new CheckHealth({
    ...base,
    shares,
    coordinators: () => membership.company,
    streams: () => keeper.check(),
    refused: () => ({ count: work.refused.size, why: work.refusedWhy }),
    loss: () => auditor.loss,
    lately: () => auditor.lately,
    rejected: () => rejected.count,
    reports: () => refused.describe(),
    retention: () => sweeper.describe(),
  })
  /** Publishes all work again that the broker should have and does not (architecture §4 rule 9). */
  const rebuild = async () => {
    await keeper.whenKept()
    return repair.span({ from: 0, before: clock.now() + 1 }, stopping)
  }
  return {
    keeper,
    needed: [clock, presence, membership],
    controller: controllerOf('coordinator', [
      jobsController(cases),
      runsController(cases),
      dispatchController(cases),
      mapController(cases),
      stepsController(cases),
      retentionController({ pruneRuns: prune }),
      healthController({ checkHealth: health, rebuild }),
    ]),
    batches: ground.batch,
    rejected,
    clock,
    loops: [jumps, waker, auditor, sweeper],
    health: () => health.execute(),
  }
}
