import { CarillonError, type Reason, type Schedule, TIMES } from '@carillon/contracts'
import { type Clock, inIsolation, type Logger, meter } from '@carillon/runtime'
import type { JobMove, JobRecord, RunHead, RunRecord, Store } from '@carillon/store'
import { type DueJob, jobId, largeBytesOf, type WokenJob } from '../jobs/rules/job.ts'
import type { Events, Expressions, FailingJobs, Jobs, Placement, Presence, Runs, SlotJudges, Timers } from '../ports.ts'
import { withHashKey } from '../routing/rules/hash-key.ts'
import { isRefused } from '../runs/rules/decision.ts'
import { decideCancel } from '../runs/rules/life.ts'
import { runOfSlot, skippedRun, unstoredRun } from '../runs/rules/new-run.ts'
import { type AwaitEnds, isAwaiting } from './await-ends.ts'
import { PlaceSlots } from './place-slots.ts'
import { allMayRun, type Judge } from './rules/exclusions.ts'
import { planSlots, type SlotRules } from './rules/plan.ts'
import { nextSlot, slotAfterEnd, slotOfWake, timesAwaiting, timesOf } from './rules/schedule.ts'
import { originOf } from './slot-origin.ts'

/** How long after their slots jobs are moved, where they are many: by then executors, which may be on the same machine, have what was fired. */
export const MOVE_AFTER_MS = 40
/** Jobs that are moved in one turn of the event loop: other work runs in between. */
const SLICE = 100
/** Jobs whose runs are one write, and bytes of their payloads and items. */
const TOGETHER = 500
const BYTES_TOGETHER = 2 * 1024 * 1024
/** Below this delay only the slot itself is fired; further slots cannot have been missed. */
const ON_TIME_MS = 1_000

interface FiredJob {
  readonly job: DueJob
  readonly judge: Judge
  /** The records of its slots, in their order; when they are stored, those that are runs. */
  runIds: readonly string[]
  /** Undefined: still to be found. */
  next: number | null | undefined
}

const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

/** How long before its time a slot is taken: what is slow (the store, the search for the next slot) is over when its time has come. */
export const SLOT_LEAD_MS = 150

/**
 * Fires the slots of jobs: first the runs are stored, under ids derived from (job, slot); when their time has come they are published; then the jobs
 * are moved to their next time. A crash in between is repaired by a repetition.
 */
export class FireSlots {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #runs: Runs
  readonly #clock: Clock
  readonly #events: Events
  readonly #presence: Presence
  readonly #expressions: Expressions
  readonly #judges: SlotJudges
  readonly #placement: Placement
  readonly #slots: PlaceSlots
  readonly #failing: FailingJobs
  readonly #ends: AwaitEnds
  readonly #timers: Timers
  readonly #log: Logger
  readonly #lateness = meter.seconds('carillon.slots.lateness.seconds', 'From planned time to stored run')
  readonly #fired = meter.counter('carillon.slots.fired', 'Slots that were fired')

  constructor(options: {
    store: Store
    jobs: Jobs
    runs: Runs
    clock: Clock
    events: Events
    presence: Presence
    expressions: Expressions
    judges: SlotJudges
    placement: Placement
    failing: FailingJobs
    awaitEnds: AwaitEnds
    timers: Timers
    log: Logger
  }) {
    this.#timers = options.timers
    this.#judges = options.judges
    this.#placement = options.placement
    this.#slots = new PlaceSlots(options)
    this.#failing = options.failing
    this.#ends = options.awaitEnds
    this.#store = options.store
    this.#jobs = options.jobs
    this.#runs = options.runs
    this.#clock = options.clock
    this.#events = options.events
    this.#presence = options.presence
    this.#expressions = options.expressions
    this.#log = options.log
  }

  /** Call when the slots of these jobs are due, or `SLOT_LEAD_MS` before. */
  async execute(ids: readonly string[]): Promise<void> {
    for (let left = ids; left.length > 0; ) {
      const { jobs, rest } = await this.#jobs.toFire(left, this.#clock.now() + SLOT_LEAD_MS)
      await this.#fireAll(jobs.filter(hasSlot))
      await this.#ends.execute(jobs.filter(isAwaiting))
      left = rest
    }
  }

  async #fireAll(due: readonly DueJob[]): Promise<void> {
    const paused = await this.#failing.paused(due)
    const jobs = paused.size > 0 ? due.filter(({ id }) => !paused.has(id)) : due
    const time = Math.max(...jobs.map(({ wakeAt }) => wakeAt))
    const isAhead = this.#clock.now() < time
    // Each waits for its time: the last of many must not begin to when the first ones are through.
    const firing: Promise<FiredJob[]>[] = []
    for (const together of groupsOf(jobs)) {
      firing.push(this.#fire(together))
      await turnOfLoop()
    }
    const outcomes = await Promise.allSettled(firing)
    if (isAhead && jobs.length > SLICE) await this.#reached(time + MOVE_AFTER_MS)
    await this.#moveAll(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : [])))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #moveAll(fired: readonly FiredJob[]): Promise<void> {
    for (let i = 0; i < fired.length; i += SLICE) {
      await this.#move(fired.slice(i, i + SLICE))
      await turnOfLoop()
    }
  }

  /** Stores the runs of what is due, and has them published when it is. */
  async #fire(jobs: readonly DueJob[]): Promise<FiredJob[]> {
    const now = this.#clock.now()
    const slots: RunRecord[] = []
    const fired: FiredJob[] = []
    const waits: { job: JobRecord; last: RunHead }[] = []
    const [judges, lastRuns] = [await this.#judges.judgesOf(jobs), await this.#slots.lastOf(jobs)]
    /** By place in `slots`: when its slot is to be fired. */
    const dueAt = new Map<number, number>()
    for (const [i, job] of jobs.entries()) {
      this.#unlessFaulty(job, () => {
        const judge = judges[i] as Judge
        const onTime = now - job.wakeAt < ON_TIME_MS && judge === allMayRun
        // A slot that was postponed on purpose is not late.
        const postponedMs = job.wakeAt - (slotOfWake(job, judge) ?? job.wakeAt)
        const plan = onTime
          ? { fire: [job.nextSlotAt], skipped: [], next: undefined }
          : planSlots(rulesOf(job, judge), job.nextSlotAt, now - postponedMs)
        const kind = this.#presence.kindOf(job.namespace, job.handler)
        const fresh = plan.fire.map((slot) => {
          const run = runOfSlot(job, slot, { ...originOf(job, slot, { now }), kind })
          return job.routing === null ? run : withHashKey(run, this.#expressions)
        })
        const placed = this.#slots.place(job, fresh, lastRuns.get(job.id))
        for (const run of placed.runs) {
          dueAt.set(slots.length, (run.slot ?? now) + postponedMs)
          slots.push(run)
        }
        if (placed.waitsFor) waits.push({ job, last: placed.waitsFor })
        const skipped = placed.skipped.map((slot) => overlappingRun(job, slot, now))
        slots.push(...skipped)
        for (const unfired of plan.skipped)
          slots.push(skippedRun(job, unfired, originOf(job, unfired.from, { now, reason: unfired.reason })))
        fired.push({ job, judge, next: plan.next, runIds: [...placed.runs, ...skipped].map(({ id }) => id) })
      })
    }
    if (waits.length > 0) await this.#placement.holdFor(waits)
    const runs = await this.#placement.ordered(slots)
    const time = Math.max(...jobs.map(({ wakeAt }) => wakeAt))
    const outcomes = await this.#runs.insert(runs, {
      until: async () => {
        if (time <= this.#clock.now()) return new Set()
        await this.#reach(time, fired)
        return this.#withdrawn(fired, runs)
      },
    })
    await this.#skipUnstored(runs, outcomes)
    const skipped = await this.#skippedOf(runs, outcomes)
    for (const entry of fired) entry.runIds = entry.runIds.filter((id) => !skipped.has(id))
    const firedAt = this.#clock.now()
    for (const time of dueAt.values()) this.#lateness.record(firedAt - time)
    this.#fired.add(dueAt.size)
    return fired
  }

  /** A run that cannot be stored delays neither its job nor the others: its slot is recorded as skipped. */
  async #skipUnstored(runs: readonly RunRecord[], outcomes: readonly unknown[]): Promise<void> {
    const skipped: RunRecord[] = []
    for (const [i, run] of runs.entries()) {
      const error = outcomes[i]
      if (!CarillonError.is(error)) continue
      this.#log.error(
        { evt: 'slot.unstored', job: run.job, runId: run.id, err: error },
        'the run of a slot could not be stored; the slot is skipped',
      )
      skipped.push(unstoredRun(run, { error, now: this.#clock.now() }))
    }
    if (skipped.length > 0) await this.#runs.insert(skipped)
  }

  /** The slots that have no run. Of one that was fired before, because a coordinator stopped or two of them did it, the record that was stored first counts. */
  async #skippedOf(runs: readonly RunRecord[], outcomes: readonly unknown[]): Promise<ReadonlySet<string>> {
    const unsure = runs.flatMap(({ id }, i) => (outcomes[i] === 'created' ? [] : [id]))
    const heads = unsure.length > 0 ? await this.#store.runs.heads(unsure) : []
    const created = runs.filter((_, i) => outcomes[i] === 'created')
    return new Set([...created, ...heads].flatMap((run) => (run?.state === 'skipped' ? [run.id] : [])))
  }

  /** Waits until slots are to be fired. There is time to find the next ones. */
  async #reach(time: number, fired: readonly FiredJob[]): Promise<void> {
    for (const entry of fired) this.#unlessFaulty(entry.job, () => (entry.next ??= nextSlot(scheduleOf(entry.job), entry.job.nextSlotAt)))
    await this.#reached(time)
  }

  /** Timers may be a millisecond early. A clock that was set back is not waited for. */
  async #reached(time: number): Promise<void> {
    for (let leftMs = time - this.#clock.now(); leftMs > 0 && leftMs <= SLOT_LEAD_MS; leftMs = time - this.#clock.now())
      await new Promise<void>((resolve) => this.#clock.after(leftMs, resolve))
  }

  /** Cancels slots that were stored before their time, and whose job was removed or paused since. */
  async #withdrawn(fired: readonly FiredJob[], runs: readonly RunRecord[]): Promise<ReadonlySet<string>> {
    const now = this.#clock.now()
    const jobs = await this.#jobs.find(fired.map(({ job }) => job))
    const reasons = new Map<string, Reason>()
    for (const [i, { job }] of fired.entries()) {
      if (jobs[i] === undefined) reasons.set(job.id, 'job-removed')
      else if (jobs[i].state === 'paused') reasons.set(job.id, 'job-paused')
    }
    if (reasons.size === 0) return new Set()
    const changes = runs.flatMap((run) => {
      const reason = reasons.get(jobId(run.namespace, run.job ?? ''))
      const decision = reason && decideCancel(run, now, reason)
      return decision && !isRefused(decision) ? [{ run, decision }] : []
    })
    await this.#runs.write(changes)
    return new Set(changes.map(({ run }) => run.id))
  }

  /** Moves jobs to their next slot. Finding it takes longer than firing: late slots are fired first. */
  async #move(fired: readonly FiredJob[]): Promise<void> {
    const moves: (JobMove & { job: DueJob })[] = []
    const now = this.#clock.now()
    for (const { job, judge, next, runIds } of fired) {
      this.#unlessFaulty(job, () => {
        const nextSlotAt = next === undefined ? nextSlot(scheduleOf(job), job.nextSlotAt) : next
        const expect = { revision: job.revision, nextSlotAt: job.nextSlotAt, awaits: job.awaits }
        moves.push({ job, id: job.id, expect, set: setAfter(job, { nextSlotAt, judge, lastRunId: runIds.at(-1), now }) })
      })
    }
    const outcomes = await inIsolation(
      moves,
      (some) => this.#store.jobs.advance(some.map(({ id, expect, set }) => ({ id, expect, set }))),
      ({ job }, error) => {
        this.#log.error({ evt: 'slot.failed', job: job.id, err: error }, 'a job could not be moved to its next slot; it is tried again')
        return undefined
      },
    )
    const awaiting: JobRecord[] = []
    for (const [i, { job, set }] of moves.entries()) {
      if (outcomes[i] !== 'applied') {
        this.#jobs.forget(job.namespace, job.name)
        continue
      }
      const moved: JobRecord = { ...job, ...set }
      this.#jobs.keep([moved])
      if (set.awaits !== null) awaiting.push(moved)
      else if (set.wakeAt !== null) this.#timers.arm('jobs', { id: job.id, wakeAt: set.wakeAt })
      else if (set.state === 'finished')
        this.#events.changed('job', { namespace: job.namespace, name: job.name, what: 'finished', body: { name: job.name } })
    }
    // A short run may have ended before its job began to wait for it.
    await this.#ends.execute(awaiting.filter(isAwaiting))
  }

  /** A job whose slots cannot be computed does not affect the others. */
  #unlessFaulty(job: JobRecord, step: () => unknown): void {
    try {
      step()
    } catch (error) {
      this.#log.error({ evt: 'slot.failed', job: job.id, err: error }, 'the slots of a job could not be planned')
    }
  }
}

/** Jobs whose runs are one write. */
function groupsOf(jobs: readonly DueJob[]): DueJob[][] {
  const groups: DueJob[][] = []
  let bytes = 0
  for (const job of jobs) {
    const group = groups.at(-1)
    bytes += largeBytesOf(job)
    if (group && group.length < TOGETHER && bytes <= BYTES_TOGETHER) group.push(job)
    else {
      groups.push([job])
      bytes = largeBytesOf(job)
    }
  }
  return groups
}

const hasSlot = (job: WokenJob): job is DueJob => job.nextSlotAt !== null

/** A job without a schedule has a slot if one of its runs has chosen it. */
const scheduleOf = ({ schedule, nextSlotAt }: DueJob): Schedule => schedule ?? { at: new Date(nextSlotAt).toISOString() }

/** What becomes of a job whose due slots are decided. */
function setAfter(
  job: DueJob,
  after: { nextSlotAt: number | null; judge: Judge; lastRunId: string | undefined; now: number },
): JobMove['set'] {
  const { schedule } = job
  const { lastRunId } = after
  if (schedule && 'afterMs' in schedule) {
    if (lastRunId !== undefined) return { ...timesAwaiting(lastRunId, after.now), state: 'active', lastRunId }
    const slot = slotAfterEnd(schedule, after.now)
    return { ...timesOf(job, slot), state: slot === null ? 'finished' : 'active' }
  }
  const state = schedule && after.nextSlotAt === null ? 'finished' : 'active'
  return { ...timesOf(job, after.nextSlotAt, after.judge), state, ...(lastRunId === undefined ? {} : { lastRunId }) }
}

const rulesOf = (job: DueJob, judge: Judge): SlotRules => ({
  schedule: scheduleOf(job),
  misfire: job.misfire,
  misfireAfterMs: job.misfireAfterMs ?? TIMES.misfireAfterMs,
  judge,
})

/**
 * A slot that is skipped because an earlier run is open. It has the id of the run that it would have had: a coordinator that fires the slot once more may find
 * that the earlier run has ended, and the slot has one record nevertheless.
 */
function overlappingRun(job: JobRecord, slot: number, now: number): RunRecord {
  return skippedRun(job, { reason: 'overlap', from: slot, to: slot, count: 1 }, originOf(job, slot, { now }))
}
