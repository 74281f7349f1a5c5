import {
  type Composition,
  type Connected,
  controllerOf,
  type MeshClock,
  RecordTurns,
  RejectedMessages,
  type Service,
} from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { calendarsController } from './calendars/calendars.controller.ts'
import { ChangeCalendars } from './calendars/change-calendars.ts'
import { CalendarCache, ReadCalendars } from './calendars/read-calendars.ts'
import type { ParentTasks } from './child-ports.ts'
import { ChangeLetters } from './dead-letters/change-letters.ts'
import { deadLettersController } from './dead-letters/dead-letters.controller.ts'
import { KeepLetters } from './dead-letters/keep-letters.ts'
import { AssignRuns } from './dispatch/assign-runs.ts'
import { ClaimTask } from './dispatch/claim-task.ts'
import { dispatchController } from './dispatch/dispatch.controller.ts'
import { OfferLegs } from './dispatch/offer-legs.ts'
import { WorkPublisher } from './dispatch/publish-work.ts'
import { ReportBarrier } from './dispatch/report-barrier.ts'
import { SendOffer } from './dispatch/send-offer.ts'
import { WorkStream } from './dispatch/work-stream.ts'
import { gatesController } from './gates/gates.controller.ts'
import { gatesOf } from './gates/gates.ts'
import { whyAtGate } from './gates/why-waiting.ts'
import { CheckHealth } from './health/check-health.ts'
import { healthController } from './health/health.controller.ts'
import { CalendarUsers } from './jobs/calendar-users.ts'
import { ChangeJobs } from './jobs/change-jobs.ts'
import { newJobExpressions } from './jobs/check-expressions.ts'
import { ReactToFailures } from './jobs/failing-jobs.ts'
import { jobsController } from './jobs/jobs.controller.ts'
import { KeepMemory } from './jobs/keep-memory.ts'
import { PreviewJobs } from './jobs/preview-job.ts'
import { JobCache, ReadJobs } from './jobs/read-jobs.ts'
import { averageMs } from './jobs/recent-runs.ts'
import { keeperOf } from './kept-streams.ts'
import { Waker } from './loops/waker.ts'
import { mapController } from './modes/map/map.controller.ts'
import { MapTasks } from './modes/map/map-tasks.ts'
import { ReadResults } from './modes/map/read-results.ts'
import type { Modes } from './modes/mode.ts'
import { ChangeNodes } from './modes/workflow/change-nodes.ts'
import { DecideApprovals } from './modes/workflow/decide-approvals.ts'
import { PublishNodes } from './modes/workflow/publish-nodes.ts'
import { ReadApprovers } from './modes/workflow/read-approvers.ts'
import { SettleChildren } from './modes/workflow/settle-children.ts'
import { workflowController } from './modes/workflow/workflow.controller.ts'
import type { Expressions, Gates, Offers, Presence, Reconciler, Routes, RunEnds, Timers } from './ports.ts'
import { ListPrograms } from './programs/list-programs.ts'
import { LivePrograms } from './programs/live-programs.ts'
import { MoveRuns } from './programs/move-runs.ts'
import { programsController } from './programs/programs.controller.ts'
import { Auditor } from './recovery/auditor.ts'
import { EndHung } from './recovery/end-hung.ts'
import { Membership } from './recovery/membership.ts'
import { RepairQueue } from './recovery/repair-queue.ts'
import { ResumeParents } from './recovery/resume-parents.ts'
import { TakeOverInstance } from './recovery/take-over-instance.ts'
import { watchLosses } from './recovery/watch-losses.ts'
import { retentionController } from './retention/retention.controller.ts'
import { retentionOf } from './retention/retention.ts'
import type { RetentionPolicy } from './retention/retention-rules.ts'
import { InstanceLoads } from './routing/instance-loads.ts'
import { MatchInstances } from './routing/match-instances.ts'
import { PickMemories } from './routing/pick-memories.ts'
import { RouteTasks } from './routing/route-tasks.ts'
import { routingController } from './routing/routing.controller.ts'
import { AdvanceRun } from './runs/advance-run.ts'
import { Announcer } from './runs/announce.ts'
import { ApplyReports } from './runs/apply-reports.ts'
import { ChangeRuns } from './runs/change-runs.ts'
import { manyRuns } from './runs/many-runs.ts'
import { ReadEnded } from './runs/read-ended.ts'
import { ReadRuns } from './runs/read-runs.ts'
import { ReadTree } from './runs/read-tree.ts'
import { RefusedReports } from './runs/refused-reports.ts'
import { TaskFinder } from './runs/running-tasks.ts'
import { runsController } from './runs/runs.controller.ts'
import { StartRuns } from './runs/start-runs.ts'
import { TakeTriggers } from './runs/take-triggers.ts'
import { WakeLives } from './runs/wake-lives.ts'
import { LifeWriter } from './runs/write-lives.ts'
import { RunWriter } from './runs/write-runs.ts'
import { TaskWriter } from './runs/write-tasks.ts'
import { AwaitEnds } from './schedules/await-ends.ts'
import { BackfillSlots } from './schedules/backfill-slots.ts'
import { ChooseSlots } from './schedules/choose-slot.ts'
import { FireSlots, SLOT_LEAD_MS } from './schedules/fire-slots.ts'
import { JudgeSlots } from './schedules/judge-slots.ts'
import { JumpWatch } from './schedules/jump-watch.ts'
import { RepairTimes } from './schedules/repair-times.ts'
import { schedulesController } from './schedules/schedules.controller.ts'
import { SettleWaits } from './signals/settle-waits.ts'
import { signalsController } from './signals/signals.controller.ts'
import { signalsOf } from './signals/signals.ts'
import { SHARE_OF_COUNTING } from './stats/count-ends.ts'
import { PublishedEnds } from './stats/published-ends.ts'
import { statsController } from './stats/stats.controller.ts'
import { statsOf } from './stats/stats.ts'
import { KeepSteps } from './steps/keep-steps.ts'
import { SettleParents } from './steps/parent-tasks.ts'
import { RunChild } from './steps/run-child.ts'
import { stepsController } from './steps/steps.controller.ts'
import type { Children } from './trigger-ports.ts'
import { triggersOf } from './triggers/triggers.ts'

/** The dependencies of a coordinator. */
export interface CoordinatorDependencies extends Connected {
  readonly store: Store
  /** Live instances. */
  readonly presence: (on: PresenceEvents) => Presence & Service & { restart(): void }
  /** From 0 to less than 1. */
  readonly random: () => number
  readonly modes: Modes
  readonly clock: MeshClock
  /** Items of one write, messages of one batch, and writes under way. */
  readonly batch: { readonly maxItems: number; readonly maxMessages: number; readonly maxInFlight: number }
  /** Runs and gates that are kept in memory at most: it is allocated as a coordinator starts. */
  readonly remembered: { readonly runs: number; readonly gates: number }
  readonly retention: RetentionPolicy
  readonly hungAfterMs: number
}

/** What the view of live instances calls. */
export interface PresenceEvents {
  /** An instance has left, for any reason. */
  readonly onGone: (namespace: string, instance: string) => void
  /** Instances of a namespace have come, gone or changed. */
  readonly onChanged: (namespace: string) => void
}

/** Dependencies on parts that are created later. */
interface Later {
  readonly timers: Timers
  readonly onGone: (namespace: string, instance: string) => void
  readonly shares: () => readonly number[]
}

/** Live instances, their load, and which of them may have a task. */
function instancesOf(given: CoordinatorDependencies, { onGone, onChanged }: PresenceEvents, expressions: Expressions) {
  const loads = new InstanceLoads(given)
  const presence = given.presence({
    onChanged,
    onGone: (namespace, instance) => {
      loads.gone(namespace, instance)
      onGone(namespace, instance)
    },
  })
  const matching = new MatchInstances({ presence, loads, expressions })
  return { programs: new LivePrograms({ presence }), presence, loads, matching, sender: new SendOffer({ ...given, presence }) }
}

/** Parts that depend on each other. */
interface Mutual {
  readonly parents: ParentTasks
  readonly advance: Reconciler
  readonly offers: Offers
  readonly routes: Routes
  readonly triggers: { readonly startChildren: Children }
  readonly gates: Pick<ReturnType<typeof gatesOf>, 'gateHints' | 'recheckGates'>
}

/** Ports of parts that depend on each other. */
function portsOf(parts: () => Mutual) {
  return {
    children: (): Children => parts().triggers.startChildren,
    parents: {
      childrenEnded: (ended) => parts().parents.childrenEnded(ended),
      changed: (runId) => parts().parents.changed(runId),
      begin: (children) => parts().parents.begin(children),
      check: (children) => parts().parents.check(children),
    } satisfies ParentTasks,
    reconciler: { soon: (runId: string) => parts().advance.soon(runId) } satisfies Reconciler,
    offers: {
      soon: (leg) => parts().offers.soon(leg),
      loss: (leg) => parts().offers.loss(leg),
      afterDeath: (change) => parts().offers.afterDeath(change),
    } satisfies Offers,
    routes: {
      soon: (task) => parts().routes.soon(task),
      check: (task) => parts().routes.check(task),
      written: (task, decision) => parts().routes.written(task, decision),
    } satisfies Routes,
    gates: {
      arrived: (run) => parts().gates.gateHints.arrived(run),
      rulesChanged: (job) => parts().gates.recheckGates.execute(job),
    } satisfies Gates,
  }
}

/** The parts that every use case depends on. */
function foundation(given: CoordinatorDependencies, ports: Later) {
  const { broker, clock, log, publisher, store } = given
  const expressions = newJobExpressions()
  const instances = instancesOf(given, { ...ports, onChanged: (namespace) => routes.changed(namespace) }, expressions)
  const storedWork = new WorkStream(broker)
  const later = {
    ...portsOf(() => ({ advance, offers, routes, triggers, gates, parents })),
    ends: {
      ended: (run) => {
        awaitEnds.ended(run)
        failing.ended(run)
        gates.gateHints.ended(run)
      },
    } satisfies RunEnds,
  }
  const publishedEnds = new PublishedEnds({ isCounting: () => ports.shares().includes(SHARE_OF_COUNTING) })
  const own = { storedWork, expressions, publishedEnds, rejected: new RejectedMessages(publisher, log) }
  const base = { ...given, ...ports, ...later, ...own, ...instances, elapsed: clock, turns: new RecordTurns(clock) }
  const events = new Announcer(base)
  const work = new WorkPublisher({ ...base, stream: storedWork })
  const assignments = new AssignRuns({ ...base, runs: () => runs, reports: { passed: () => reportBarrier.passed() } })
  const runs: RunWriter = new RunWriter({ ...base, assignments, events, work })
  const tasks = new TaskWriter({ ...base, events, work, runs })
  const offers = new OfferLegs({ ...base, tasks })
  const routes = new RouteTasks({ ...base, runs, memories: new PickMemories(store) })
  const calendars = new CalendarCache(store, clock)
  const jobs = new JobCache(store, clock)
  const failing: ReactToFailures = new ReactToFailures({
    ...base,
    jobs,
    judgesOf: (some) => judges.judgesOf(some),
    pause: (namespace, name, change) => changeJobs.pause(namespace, name, change),
  })
  const judges = new JudgeSlots({ calendars, failing })
  const gates = gatesOf({ ...base, jobs, runs, tasks })
  const start = new StartRuns({ ...base, ...gates, jobs, runs })
  const triggers = triggersOf({ ...base, jobs, start, letters: new KeepLetters({ ...base, events }) })
  const changeJobs = new ChangeJobs({ ...base, ...triggers, events, runs, judges, jobs })
  const awaitEnds = new AwaitEnds({ ...base, jobs, failing })
  const lives = new LifeWriter({ ...base, runs, tasks })
  const waits = new SettleWaits({ ...base, lives })
  const reads = new ReadRuns({ ...base, whyAtGate: (run) => whyAtGate({ ...base, ...gates, jobs, store }, run) })
  const changeRuns = new ChangeRuns({ ...base, ...gates, runs, reads, tasks, work })
  const parents = new SettleParents({ ...base, waits, changes: changeRuns })
  const childRuns = new SettleChildren({ ...base, start, runs, tasks, restarts: () => changeRuns })
  const advance = new AdvanceRun({ ...base, runs, tasks, work, waits, childRuns, messages: new PublishNodes({ ...base, tasks }) })
  const repair = new RepairQueue({ ...base, work })
  // A check of assigned runs comes again: it can wait for reports that are late, while a claim keeps a task waiting.
  const reportBarrier = new ReportBarrier({ ...base, reports: repair, givesUp: false })
  return {
    ...base,
    ...{ events, work, assignments, runs, tasks, offers, routes, lives, waits, reads, changeRuns },
    running: new TaskFinder({ store, lives }),
    ...{ awaitEnds, advance, repair, jobs, calendars, judges, failing, changeJobs },
    reports: repair,
    ...gates,
    start,
    ...triggers,
    refused: new RefusedReports({ log }),
    keeper: keeperOf(given),
  }
}

type Foundation = ReturnType<typeof foundation>

function useCasesOf(base: Foundation) {
  const { start, changeRuns } = base
  return {
    changeJobs: base.changeJobs,
    readJobs: new ReadJobs(base.store),
    changeCalendars: new ChangeCalendars({ ...base, users: new CalendarUsers(base) }),
    readCalendars: new ReadCalendars(base),
    previewJobs: new PreviewJobs(base),
    keepMemory: new KeepMemory(base),
    chooseSlots: new ChooseSlots(base),
    backfillSlots: new BackfillSlots(base),
    startRuns: start,
    ...{ readEnded: new ReadEnded(base), readRuns: base.reads, readTree: new ReadTree(base), ...manyRuns(base) },
    changeRuns,
    changeNodes: new ChangeNodes({ ...base, restarts: changeRuns, reconciler: base.advance }),
    decideApprovals: new DecideApprovals({ ...base, restarts: changeRuns }),
    changeLetters: new ChangeLetters({ ...base, restarts: changeRuns }),
    claimTask: new ClaimTask(base),
    mapTasks: new MapTasks(base),
    ...signalsOf({ ...base, approvers: new ReadApprovers(base) }),
    keepSteps: new KeepSteps(base),
    runChild: new RunChild(base),
    listPrograms: new ListPrograms(base),
    moveRuns: new MoveRuns({ ...base, restarts: changeRuns }),
    readResults: new ReadResults(base),
    applyReports: new ApplyReports(base),
    takeTriggers: new TakeTriggers({ ...base, start }),
    fireSlots: new FireSlots(base),
    wakeLives: new WakeLives({ ...base, restarts: changeRuns }),
    repairTimes: new RepairTimes(base),
    takeOverInstance: new TakeOverInstance(base),
    endHung: new EndHung({ ...base, averages: (job) => averageMs(base.store, job) }),
  }
}
type UseCases = ReturnType<typeof useCasesOf>

function loopsOf(base: Foundation, cases: UseCases, stopping: AbortSignal) {
  const { clock, repair, store, work } = base
  const parents = new ResumeParents(base)
  const membership = new Membership({
    ...base,
    publishedBefore: () => work.publishedBefore(),
    takeOver: async ({ publishedBefore }) => {
      await parents.execute(publishedBefore, stopping)
      await repair.span({ from: publishedBefore, before: clock.now(), isOrphaned: true }, stopping)
    },
  })
  const shares = () => membership.shares
  const wake = (ids: readonly string[]) => cases.wakeLives.execute(ids)
  const waker = new Waker({
    ...base,
    sources: { jobs: base.jobs, runs: store.runs, tasks: store.tasks, gates: store.gates, signals: store.signals },
    shares,
    jobsLeadMs: SLOT_LEAD_MS,
    handlers: {
      jobs: (ids) => cases.fireSlots.execute(ids),
      runs: wake,
      tasks: wake,
      gates: (ids) => base.waitingChecks.execute(ids),
      signals: (ids) => cases.wakeSignals.execute(ids),
    },
  })
  const jumps = new JumpWatch({ ...base, repairTimes: cases.repairTimes, shares })
  clock.onJump(() => jumps.again())
  return { jumps, waker, shares, membership, auditor: new Auditor({ ...base, shares }) }
}

/** Composes a coordinator: its controllers, and the loops that run beside them. */
export function compose(given: CoordinatorDependencies) {
  const { stopping } = given
  const base = foundation(given, {
    timers: { arm: (kind, due) => loops.waker.arm(kind, due) },
    shares: () => loops.shares(),
    onGone: (namespace, instance) => takeOver(namespace, instance),
  })
  const cases = useCasesOf(base)
  const loops = loopsOf(base, cases, stopping)
  const { presence, work, rejected, refused, clock, log, repair, keeper } = base
  const { membership, shares, auditor, jumps, waker } = loops
  const stats = statsOf({ ...base, shares })
  const { sweeper, prune } = retentionOf({ ...base, shares, countedUntil: () => stats.countEnds.countedUntil() })
  const takeOver = (namespace: string, instance: string) => {
    cases.takeOverInstance
      .execute(namespace, instance, stopping)
      .catch((error: unknown) =>
        log.error({ evt: 'take-over.failed', instance, err: error }, 'could not take over; the runs are reconciled later'),
      )
  }
  const health = new CheckHealth({
    ...base,
    shares,
    coordinators: () => membership.counts,
    streams: () => keeper.check(),
    unconfirmed: () => ({ count: work.unconfirmedIds.size, why: work.unconfirmedWhy }),
    loss: () => auditor.loss,
    recentRepair: () => auditor.recentRepair,
    rejected: () => rejected.count,
    reports: () => refused.describe(),
    retention: () => sweeper.describe(),
    stats: () => stats.countEnds.describe(),
  })
  const losses = watchLosses({ ...base, auditor })
  /** Publishes again all work messages that the broker should have and has not. */
  const rebuild = async () => {
    await keeper.whenKept()
    return repair.span({ from: 0, before: clock.now() + 1 }, stopping)
  }
  return {
    keeper,
    needed: [losses, clock, presence, membership],
    controller: controllerOf('coordinator', [
      jobsController({ ...cases, jobs: base.jobs, triggers: base, gateHints: base.gateHints }),
      calendarsController({ ...cases, calendars: base.calendars }),
      schedulesController(cases),
      runsController(cases),
      deadLettersController({ ...base, ...cases }),
      dispatchController(cases),
      routingController({ ...base, ...cases }),
      mapController(cases),
      workflowController(cases),
      stepsController(cases),
      signalsController(cases),
      programsController(cases),
      gatesController(base),
      statsController(stats),
      retentionController({ pruneRuns: prune }),
      healthController({ checkHealth: health, rebuild }),
    ]),
    batches: given.batch,
    rejected,
    clock,
    loops: [base.triggered, base.listenEvents, jumps, waker, auditor, sweeper, stats.countEnds, stats.sampleGauges],
    health: () => health.execute(),
    /** For tests, which call them one by one. */
    parts: { ...base, ...cases, ...stats, waker, membership },
  } satisfies Composition & { parts: object }
}
