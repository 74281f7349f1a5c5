import {
  CarillonError,
  DEFAULT_BACKOFF,
  type HandlerKind,
  type JobView,
  type jobInputSchema,
  printable,
  subjects,
} from '@carillon/contracts'
import type { Broker, Clock } from '@carillon/runtime'
import { type JobRecord, type RunHead, type Store, shareOf } from '@carillon/store'
import type { z } from 'zod'
import { gatingOf } from '../gates/rules/gating.ts'
import { planOf } from '../modes/rules/request.ts'
import type { Events, Judged, Presence, Runs, SlotJudges, Timers, TriggerChecks } from '../ports.ts'
import { hashKeyOf } from '../routing/rules/hash-key.ts'
import { routingOf } from '../routing/rules/request.ts'
import { isRefused } from '../runs/rules/decision.ts'
import { decideCancel } from '../runs/rules/life.ts'
import { payloadText } from '../runs/rules/new-run.ts'
import { termsOf } from '../runs/rules/terms.ts'
import { jobView } from '../runs/rules/views.ts'
import type { Judge } from '../schedules/rules/exclusions.ts'
import {
  checkSchedule,
  firstSlot,
  isSameSchedule,
  NO_SLOT,
  repairedSlot,
  type SlotTimes,
  slotFrom,
  timesOf,
} from '../schedules/rules/schedule.ts'
import { scheduleWarnings } from '../schedules/rules/warnings.ts'
import { checkCalendars } from './check-calendars.ts'
import { checkExpressions, type JobExpressions } from './check-expressions.ts'
import { jobId, jobNotFound } from './rules/job.ts'

type JobDefinition = z.output<typeof jobInputSchema>
const TRIES_AGAINST_OTHERS = 5
const PAGE = 200

/** Puts, pauses, resumes and removes jobs. */
export class ChangeJobs {
  readonly #store: Store
  readonly #clock: Clock
  readonly #broker: Broker
  readonly #events: Events
  readonly #presence: Presence
  readonly #runs: Runs
  readonly #timers: Timers
  readonly #judges: SlotJudges
  readonly #expressions: JobExpressions
  readonly #triggers: TriggerChecks

  constructor(options: {
    store: Store
    clock: Clock
    broker: Broker
    events: Events
    presence: Presence
    runs: Runs
    timers: Timers
    judges: SlotJudges
    expressions: JobExpressions
    triggers: TriggerChecks
  }) {
    this.#timers = options.timers
    this.#judges = options.judges
    this.#expressions = options.expressions
    this.#triggers = options.triggers
    this.#store = options.store
    this.#clock = options.clock
    this.#broker = options.broker
    this.#events = options.events
    this.#presence = options.presence
    this.#runs = options.runs
  }

  /** Creates or replaces; a paused job stays paused. @throws CarillonError of its schedule or payload */
  async put(namespace: string, input: JobDefinition): Promise<JobView> {
    const now = this.#clock.now()
    const kind = this.#presence.kindOf(namespace, input.handler ?? input.name)
    const id = jobId(namespace, input.name)
    checkExpressions(this.#expressions, input)
    await this.#triggers.check(namespace, input)
    await checkCalendars(this.#store, { namespace, schedule: input.schedule ?? null })
    const [judge] = await this.#judges.judgesOf([plainJob(namespace, input)])
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const [there] = await this.#store.jobs.get([id])
      // A service declares its jobs at each start: the date of a one-time job may be over.
      if (input.schedule && !(there && isSameSchedule(there.schedule, input.schedule))) checkSchedule(input.schedule, now, judge)
      const fresh = recordOf(namespace, input, { now, kind, judge })
      hashKeyOf(fresh, this.#expressions)
      if (!there) {
        if ((await this.#store.jobs.insert(fresh)) === 'created') return this.#put(fresh)
        continue
      }
      const [judgeThere] = await this.#judges.judgesOf([{ ...fresh, resumedAt: there.resumedAt }])
      const merged = mergeOf(there, fresh, judgeThere)
      if ((await this.#store.jobs.replace(merged, { revision: there.revision })) === 'applied') return this.#put(merged)
    }
    throw busy(input.name)
  }

  /** @param note why */
  pause(namespace: string, name: string, note?: string): Promise<JobView> {
    return this.#set(namespace, name, (job) => ({ ...job, state: 'paused', note: note ?? job.note, ...NO_SLOT }))
  }

  /** From now on: slots that were missed while the job was paused are not fired. */
  resume(namespace: string, name: string): Promise<JobView> {
    return this.#set(namespace, name, (job, { now, judge }) => {
      if (job.state !== 'paused') return job
      const slot = job.schedule && slotFrom(job.schedule, now)
      const times = timesOf(job, slot, judge)
      return { ...job, ...times, note: null, resumedAt: now, state: job.schedule && slot === null ? 'finished' : 'active' }
    })
  }

  /** Delayed runs are cancelled with their job, unless they are to be kept; runs that are queued or running go on. */
  async remove(namespace: string, name: string, options: { keepRuns: boolean }): Promise<{ removed: true }> {
    if (!(await this.#store.jobs.remove(jobId(namespace, name)))) throw jobNotFound(name)
    await this.#publishEvent({ namespace, name }, 'removed', { name })
    if (!options.keepRuns) await this.#cancelWaiting(namespace, name)
    return { removed: true }
  }

  async #cancelWaiting(namespace: string, job: string): Promise<void> {
    await this.#cancelAll({ namespace, job, state: 'waiting' }, () => true)
    await this.#cancelAll({ namespace, job, state: 'delayed' }, ({ reason }) => reason === 'delay')
    // A slot that is stored before its time is the newest of all.
    const newest = await this.#store.runs.list({ namespace, job, state: 'queued', limit: 10 })
    await this.#cancel(newest.items.filter(({ slot }) => slot !== null && slot > this.#clock.now()))
  }

  async #cancelAll(
    query: { namespace: string; job: string; state: 'waiting' | 'delayed' },
    isMeant: (run: RunHead) => boolean,
  ): Promise<void> {
    let cursor: string | undefined
    do {
      const slice = await this.#store.runs.list({ ...query, cursor, limit: PAGE })
      await this.#cancel(slice.items.filter(isMeant))
      cursor = slice.cursor
    } while (cursor !== undefined)
  }

  async #cancel(runs: readonly RunHead[]): Promise<void> {
    const now = this.#clock.now()
    const changes = runs.flatMap((run) => {
      const decision = decideCancel(run, now, 'job-removed')
      return isRefused(decision) ? [] : [{ run, decision }]
    })
    await this.#runs.write(changes)
  }

  async #set(
    namespace: string,
    name: string,
    change: (job: JobRecord, at: { now: number; judge: Judge | undefined }) => JobRecord,
  ): Promise<JobView> {
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const [there] = await this.#store.jobs.get([jobId(namespace, name)])
      if (!there) throw jobNotFound(name)
      const now = this.#clock.now()
      const [judge] = await this.#judges.judgesOf([{ ...there, resumedAt: now }])
      const changed = { ...change(there, { now, judge }), revision: there.revision + 1, updatedAt: now }
      if (changed.state === there.state && changed.nextSlotAt === there.nextSlotAt && changed.note === there.note) return jobView(there)
      if ((await this.#store.jobs.replace(changed, { revision: there.revision })) === 'applied')
        return this.#changed(changed, changed.state === 'paused' ? 'paused' : 'resumed')
    }
    throw busy(name)
  }

  async #put(job: JobRecord): Promise<JobView> {
    const view = await this.#changed(job, 'put')
    const warnings = job.schedule ? scheduleWarnings(job.schedule) : []
    return warnings.length > 0 ? { ...view, warnings } : view
  }

  async #changed(job: JobRecord, what: string): Promise<JobView> {
    if (job.wakeAt !== null) this.#timers.arm('jobs', { id: job.id, wakeAt: job.wakeAt })
    const view = jobView(job)
    await this.#publishEvent(job, what, view)
    return view
  }

  /** The signal reaches the server before the answer: no start that follows the answer finds the old job in a coordinator's cache. */
  async #publishEvent({ namespace, name }: { namespace: string; name: string }, what: string, body: object): Promise<void> {
    this.#broker.connection.publish(subjects.live(namespace, 'job', name, 'changed'), JSON.stringify({ name, what }))
    this.#events.changed('job', { namespace, name, what, body })
    await this.#broker.connection.flush()
  }
}

/** What else decides about a job that is put. */
interface Put {
  readonly now: number
  readonly kind: HandlerKind | undefined
  readonly judge: Judge | undefined
}

function recordOf(namespace: string, input: JobDefinition, { now, kind, judge }: Put): JobRecord {
  const id = jobId(namespace, input.name)
  const { schedule = null } = input
  const planned = planOf(input, { kind })
  return {
    id,
    namespace,
    name: input.name,
    handler: input.handler ?? input.name,
    state: 'active',
    description: input.description ?? null,
    schedule,
    payload: payloadText(input.payload ?? null),
    ...planned,
    attempts: input.attempts ?? 1,
    backoff: input.backoff ?? DEFAULT_BACKOFF,
    timeoutMs: input.timeoutMs ?? null,
    routing: routingOf(input, { mode: planned.mode }),
    terms: termsOf(input),
    triggers: triggersOf(input),
    misfire: input.misfire ?? 'once',
    pauseAfterFailures: input.pauseAfterFailures ?? null,
    failureBackoff: input.failureBackoff ?? null,
    gating: gatingOf(input),
    lastRunId: null,
    note: null,
    resumedAt: null,
    data: null,
    revision: 1,
    share: shareOf(id),
    ...timesOf({ id, schedule }, schedule && firstSlot(schedule, now), judge),
    createdAt: now,
    updatedAt: now,
  }
}

function triggersOf({ on, afterJobs }: JobDefinition): JobRecord['triggers'] {
  return on || afterJobs ? { ...(on ? { on } : {}), ...(afterJobs ? { afterJobs } : {}) } : null
}

/** An unchanged schedule keeps its next slot, so that putting a job again does not shift a fixed rate. */
function mergeOf(there: JobRecord, fresh: JobRecord, judge: Judge | undefined): JobRecord {
  const times = there.state === 'paused' ? NO_SLOT : keptTimes(there, fresh.updatedAt, judge)
  const kept = isSameSchedule(there.schedule, fresh.schedule) || there.state === 'paused' ? { state: there.state, ...times } : {}
  return {
    ...fresh,
    ...kept,
    lastRunId: there.lastRunId,
    note: there.note,
    resumedAt: there.resumedAt,
    revision: there.revision + 1,
    createdAt: there.createdAt,
  }
}

/** What a schedule alone decides. */
function plainJob(namespace: string, { name, schedule }: JobDefinition): Judged {
  const withoutRules = { chosenSlotAt: null, pauseAfterFailures: null, failureBackoff: null, resumedAt: null }
  return { namespace, name, schedule: schedule ?? null, ...withoutRules }
}

function keptTimes(there: JobRecord, now: number, judge: Judge | undefined): SlotTimes {
  const repaired = repairedSlot(there, now)
  if (repaired !== undefined) return timesOf(there, repaired, judge)
  const { nextSlotAt, wakeAt, awaits, chosenSlotAt } = there
  return { nextSlotAt, wakeAt, awaits, chosenSlotAt }
}

function busy(name: string): CarillonError {
  return new CarillonError('CONCURRENT_CHANGE', `job ${printable(name)} is being changed by others`, {
    field: 'name',
    value: printable(name),
  })
}
