import { DEFAULT_BACKOFF, fieldChanges, type HandlerKind, type JobView, type jobInputSchema } from '@carillon/contracts'
import { type JobRecord, shareOf } from '@carillon/store'
import type { z } from 'zod'
import { gatingOf } from '../../gates/rules/gating.ts'
import { planOf } from '../../modes/rules/request.ts'
import type { Judged } from '../../ports.ts'
import { routingOf } from '../../routing/rules/request.ts'
import { checkTogether, payloadText } from '../../runs/rules/new-run.ts'
import { termsOf } from '../../runs/rules/terms.ts'
import { jobView } from '../../runs/rules/views.ts'
import type { Judge } from '../../schedules/rules/exclusions.ts'
import { firstSlot, isSameSchedule, NO_SLOT, repairedSlot, type SlotTimes, timesOf } from '../../schedules/rules/schedule.ts'
import { jobId } from './job.ts'

/** A job as it is put or declared. */
export type JobDefinition = z.output<typeof jobInputSchema>

/** What else decides about a job that is put. */
export interface Put {
  readonly now: number
  readonly kind: HandlerKind | undefined
  readonly judge: Judge | undefined
}

/** The record of a new job. @throws CarillonError of the payload or the plan */
export function recordOf(namespace: string, input: JobDefinition, { now, kind, judge }: Put): JobRecord {
  const id = jobId(namespace, input.name)
  const { schedule = null } = input
  const planned = planOf(input, { kind })
  const payload = payloadText(input.payload ?? null)
  checkTogether({ payload, items: planned.items })
  return {
    id,
    namespace,
    name: input.name,
    handler: input.handler ?? input.name,
    state: 'active',
    description: input.description ?? null,
    schedule,
    payload,
    ...planned,
    attempts: input.attempts ?? 1,
    backoff: input.backoff ?? DEFAULT_BACKOFF,
    timeoutMs: input.timeoutMs ?? null,
    routing: routingOf(input, { mode: planned.mode }),
    terms: termsOf(input),
    triggers: triggersOf(input),
    misfire: input.misfire ?? 'once',
    misfireAfterMs: input.misfireAfterMs ?? null,
    pauseAfterFailures: input.pauseAfterFailures ?? null,
    failureBackoff: input.failureBackoff ?? null,
    gating: gatingOf(input),
    lastRunId: null,
    note: null,
    resumedAt: null,
    data: null,
    change: null,
    declared: null,
    declaration: null,
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

/** A stored job with another definition. An unchanged schedule keeps its next slot, so that putting a job again does not shift a fixed rate. */
export function mergeOf(there: JobRecord, fresh: JobRecord, judge: Judge | undefined): JobRecord {
  const times = there.state === 'paused' ? NO_SLOT : keptTimes(there, fresh.updatedAt, judge)
  const kept = isSameSchedule(there.schedule, fresh.schedule) || there.state === 'paused' ? { state: there.state, ...times } : {}
  return {
    ...fresh,
    ...kept,
    lastRunId: there.lastRunId,
    note: there.note,
    resumedAt: there.resumedAt,
    change: there.change,
    declared: there.declared,
    declaration: there.declaration,
    revision: there.revision + 1,
    createdAt: there.createdAt,
  }
}

function keptTimes(there: JobRecord, now: number, judge: Judge | undefined): SlotTimes {
  const repaired = repairedSlot(there, now)
  if (repaired !== undefined) return timesOf(there, repaired, judge)
  const { nextSlotAt, wakeAt, awaits, chosenSlotAt } = there
  return { nextSlotAt, wakeAt, awaits, chosenSlotAt }
}

/** What a schedule alone decides. */
export function plainJob(namespace: string, { name, schedule }: JobDefinition): Judged {
  const withoutRules = { chosenSlotAt: null, pauseAfterFailures: null, failureBackoff: null, resumedAt: null }
  return { namespace, name, schedule: schedule ?? null, ...withoutRules }
}

/** What is kept of a job in its history: what someone has said of it, and not what changes by itself. */
export function historyOf(job: JobRecord): object {
  const { nextAt: _next, data: _data, createdAt: _created, updatedAt: _updated, revision: _revision, by: _by, ...said } = jobView(job)
  return said
}

/** The same without its state, and what is said of that. */
export function definitionOf(job: JobRecord): object {
  const { state: _state, note: _note, version: _version, edited: _edited, ...definition } = historyOf(job) as JobView
  return definition
}

/** Whether a change says nothing new. */
export function isSameJob(one: JobRecord, other: JobRecord): boolean {
  const isTimed = one.nextSlotAt === other.nextSlotAt && one.wakeAt === other.wakeAt
  return isTimed && one.declaration === other.declaration && fieldChanges(historyOf(one), historyOf(other)).length === 0
}
