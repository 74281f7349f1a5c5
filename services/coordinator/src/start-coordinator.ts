import {
  type Broker,
  type Clock,
  connectBroker,
  ensureStream,
  freshServiceId,
  inOrder,
  type Logger,
  MeshTransport,
  RejectedMessages,
  type Running,
  type Service,
  StreamPublisher,
  startMicroservice,
  systemClock,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { AdvanceBroadcast } from './app/advance-broadcast.ts'
import { Announcer } from './app/announce.ts'
import { ApplyReports } from './app/apply-reports.ts'
import { ApplyTaskReports } from './app/apply-task-reports.ts'
import { ChangeJobs } from './app/change-jobs.ts'
import { ChangeRuns } from './app/change-runs.ts'
import { CheckHealth } from './app/check-health.ts'
import { ClaimTask } from './app/claim-task.ts'
import { FireSlots } from './app/fire-slots.ts'
import { LoseInstance } from './app/lose-instance.ts'
import { PresenceWatch } from './app/presence.ts'
import { WorkPublisher } from './app/publish-work.ts'
import { JobCache, ReadJobs } from './app/read-jobs.ts'
import { ReadRuns } from './app/read-runs.ts'
import { RepairQueue } from './app/repair-queue.ts'
import { StartRuns } from './app/start-runs.ts'
import { TakeTriggers } from './app/take-triggers.ts'
import { WakeRuns } from './app/wake-runs.ts'
import { RunWriter } from './app/write-runs.ts'
import { Auditor } from './loops/auditor.ts'
import { Membership } from './loops/membership.ts'
import { Waker } from './loops/waker.ts'
import { HealthController } from './transport/health.controller.ts'
import { JobsController } from './transport/jobs.controller.ts'
import { RunsController } from './transport/runs.controller.ts'

export interface CoordinatorOptions {
  /** Addresses of the broker, separated by commas. */
  readonly natsUrl: string
  readonly store: Store
  readonly log: Logger
  /** Default: a random one. */
  readonly id?: string
  readonly clock?: Clock
  /** Copies of each stream in a cluster. Default 1. */
  readonly streamReplicas?: number
}

/** What a store takes at once: SQLite works while we wait, so more than one batch under way gains nothing. */
const BATCHES = {
  sqlite: { maxItems: 1_000, maxMessages: 1_000, maxInFlight: 1 },
  mongodb: { maxItems: 500, maxMessages: 100, maxInFlight: 2 },
} as const

/** Starts a coordinator; any number may run. It answers calls when this resolves. @throws CarillonError of the broker or the store */
export async function startCoordinator(options: CoordinatorOptions): Promise<Running> {
  const id = options.id ?? freshServiceId('coordinator')
  const log = options.log.child({ service: 'coordinator', id })
  const broker = await connectBroker({ natsUrl: options.natsUrl, name: id, log })
  try {
    return await compose({ ...options, id, log, broker, clock: options.clock ?? systemClock })
  } catch (error) {
    await broker.close()
    throw error
  }
}

type Parts = Required<Pick<CoordinatorOptions, 'id' | 'log' | 'clock'>> & CoordinatorOptions & { readonly broker: Broker }

async function compose(parts: Parts): Promise<Running> {
  const { store, clock, log, broker, id } = parts
  const batch = BATCHES[store.describe().startsWith('sqlite') ? 'sqlite' : 'mongodb']
  const publisher = new StreamPublisher(broker.connection, clock)
  const rejected = new RejectedMessages(publisher, log)
  const presence = new PresenceWatch({ broker, clock, log })
  const announcer = new Announcer({ broker, publisher, log })
  const work = new WorkPublisher({ broker, publisher, clock, log })
  const writer = new RunWriter({ store, work, announcer, broker, presence, clock })
  const broadcast = new AdvanceBroadcast({ store, writer, presence, broker, clock, log })
  const repair = new RepairQueue({ store, broker, work, clock, log })
  const jobs = new JobCache(store, clock)
  const starts = new StartRuns({ writer, store, jobs, batch })
  const changeJobs = new ChangeJobs({ store, clock, broker, announcer })
  const reads = new ReadRuns({ store, presence })
  const slots = new FireSlots({ store, writer, clock, announcer, log })
  const wake = new WakeRuns({ store, writer, presence, broadcast, clock })
  const lose = new LoseInstance({ store, writer, broadcast, presence, clock, log })
  const stopping = new AbortController()

  const takeOver = async (dead: { publishedBefore: number }) =>
    void (await repair.span({ from: dead.publishedBefore, before: clock.now() }, stopping.signal))
  const membership = new Membership({ id, store, clock, log, publishedBefore: () => work.publishedBefore(), takeOver })
  const shares = () => membership.shares
  const waker = new Waker({
    store,
    clock,
    log,
    shares,
    handlers: { jobs: (ids) => slots.execute(ids), runs: (ids) => wake.execute(ids), tasks: (ids) => wakeTasks(broadcast, ids) },
  })
  const auditor = new Auditor({ repair, work, clock, log, shares })

  writer.arm = (due) => waker.arm('runs', due)
  writer.advanceBroadcast = (run) => broadcast.soon(run.id)
  broadcast.arm = (due) => waker.arm('tasks', due)
  changeJobs.arm = slots.arm = (job) => job.wakeAt !== null && waker.arm('jobs', { id: job.id, wakeAt: job.wakeAt })
  presence.onGone = (namespace, instance) =>
    void lose
      .execute(namespace, instance)
      .catch((error: unknown) =>
        log.error({ evt: 'take-over.failed', instance, err: error }, 'could not take over; the runs are looked at again later'),
      )

  const ensure = () => ensureStreams(broker, parts.streamReplicas ?? 1)
  const rebuild = async () => {
    await ensure()
    return repair.span({ from: 0, before: clock.now() + 1 }, stopping.signal)
  }
  const wiped = await ensure()
  broker.onReconnect(async () => void ((await ensure()) && (await rebuild())))

  const transport = new MeshTransport({ service: 'coordinator', broker, log, clock, rejected, batches: batch })
  const health = new CheckHealth({ id, store, clock, shares, refused: () => work.refused.size, rejected: () => rejected.count })
  const providers = {
    ChangeJobs: changeJobs,
    ReadJobs: new ReadJobs(store),
    JobCache: jobs,
    StartRuns: starts,
    ReadRuns: reads,
    ChangeRuns: new ChangeRuns({ store, writer, reads }),
    ClaimTask: new ClaimTask({ store, writer }),
    ApplyReports: new ApplyReports({ writer, tasks: new ApplyTaskReports({ store, clock, broadcast }), rejected }),
    TakeTriggers: new TakeTriggers({ start: starts, rejected, now: () => clock.now() }),
    CheckHealth: health,
    Rebuild: rebuild,
  }
  const loops = inOrder([presence, membership, waker, auditor] satisfies Service[])
  await loops.start()
  const microservice = await startMicroservice({
    controllers: [JobsController, RunsController, HealthController],
    providers,
    transport,
    log,
  })
  if (wiped)
    void rebuild().catch((error: unknown) =>
      log.error({ evt: 'rebuild.failed', err: error }, 'the queue could not be rebuilt; the auditor will'),
    )
  log.info({ evt: 'coordinator.ready', store: store.describe() }, 'coordinator is ready')
  return {
    stop: async () => {
      stopping.abort()
      await microservice.stop()
      await loops.stop()
      publisher.close()
      await broker.close()
    },
  }
}

async function wakeTasks(broadcast: AdvanceBroadcast, ids: readonly string[]): Promise<void> {
  for (const taskId of ids) await broadcast.wakeTask(taskId)
}

/** Answers whether the stream of work was missing: the broker is new, or was wiped. */
async function ensureStreams(broker: Broker, replicas: number): Promise<boolean> {
  const outcomes = await Promise.all(
    (['WORK', 'TRIGGERS', 'REPORTS', 'EVENTS'] as const).map((name) => ensureStream(broker.manager, name, replicas)),
  )
  return outcomes[0] === 'created'
}
