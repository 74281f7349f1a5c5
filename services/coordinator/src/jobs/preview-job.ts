import { CarillonError, type JobPreview, type PreviewJob, parseInstant, printable, type Schedule, TIMES } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { JobRecord, Store } from '@carillon/store'
import type { SlotJudges } from '../ports.ts'
import { type Judge, permittedOf } from '../schedules/rules/exclusions.ts'
import { excludedUntil, planSlots, type SkippedSlots, type SlotRules } from '../schedules/rules/plan.ts'
import { checkSchedule, firstSlot, isSameSchedule, jitterOf } from '../schedules/rules/schedule.ts'
import { sequenceOf, zoneOf } from '../schedules/rules/sequence.ts'
import { scheduleWarnings } from '../schedules/rules/warnings.ts'
import { checkCalendars } from './check-calendars.ts'
import { jobId, jobNotFound } from './rules/job.ts'

/** Says when a job fires, without storing anything: its next slots, and what a time without coordinators would have done to it. */
export class PreviewJobs {
  readonly #store: Store
  readonly #judges: SlotJudges
  readonly #clock: Clock

  constructor(options: { store: Store; judges: SlotJudges; clock: Clock }) {
    this.#store = options.store
    this.#judges = options.judges
    this.#clock = options.clock
  }

  /** @throws CarillonError JOB_NOT_FOUND, INVALID_DATE, those of the schedule */
  async execute(namespace: string, preview: PreviewJob): Promise<JobPreview> {
    const now = this.#clock.now()
    const { name = 'preview' } = preview
    const [there] = preview.name === undefined ? [] : await this.#store.jobs.get([jobId(namespace, preview.name)])
    if (!there && preview.schedule === undefined) throw jobNotFound(name)
    const schedule = preview.schedule ?? there?.schedule ?? undefined
    if (schedule === undefined) throw withoutSchedule(name)
    await checkCalendars(this.#store, { namespace, schedule })
    const [judge] = (await this.#judges.judgesOf([{ ...(there ?? NO_RULES), namespace, name, schedule, chosenSlotAt: null }])) as [Judge]
    if (!there || !isSameSchedule(there.schedule, schedule)) checkSchedule(schedule, now, judge)
    const job = { id: jobId(namespace, name), schedule }
    // A slot that is due at this moment is still to come.
    const first = nextSlotOf(there, schedule) ?? firstSlot(schedule, now)
    const slots = slotsFrom(schedule, judge, { first, count: preview.count })
    const last = slots.at(-1)
    return {
      schedule,
      slots: slots.map((slot) => ({ slot: iso(slot), local: localText(schedule, slot), fireAt: iso(slot + jitterOf(job, slot)) })),
      skipped:
        first === null || last === undefined
          ? []
          : excludedUntil(sequenceOf(schedule, first), judge, { slot: first, until: last }).map(skippedView),
      warnings: scheduleWarnings(schedule),
      ...(preview.missed ? { missed: this.#missed({ schedule, judge, ...misfireOf(preview, there) }, preview.missed) } : {}),
    }
  }

  #missed(rules: SlotRules, window: { from: string; to: string }): NonNullable<JobPreview['missed']> {
    const [from, to] = [parseInstant(window.from) as number, parseInstant(window.to) as number]
    if (to <= from)
      throw new CarillonError('INVALID_DATE', `the window ends at ${window.to}, before it begins`, {
        field: 'missed.to',
        value: printable(window.to),
        hint: 'Use a time after missed.from.',
      })
    const first = sequenceOf(rules.schedule, from)(from - 1)
    if (first === null || first > to) return { run: [], skipped: [] }
    const { fire, skipped } = planSlots(rules, first, to)
    return { run: fire.map(iso), skipped: skipped.map(skippedView) }
  }
}

/** How missed slots of a schedule are treated: as is asked, else as the stored job says. */
function misfireOf(preview: PreviewJob, there: JobRecord | undefined): Pick<SlotRules, 'misfire' | 'misfireAfterMs'> {
  return {
    misfire: preview.misfire ?? there?.misfire ?? 'once',
    misfireAfterMs: preview.misfireAfterMs ?? there?.misfireAfterMs ?? TIMES.misfireAfterMs,
  }
}

const NO_RULES = { pauseAfterFailures: null, failureBackoff: null, resumedAt: null }

/** The stored next slot of an active job, while its schedule is the one that is asked about. */
const nextSlotOf = (job: JobRecord | undefined, schedule: Schedule) =>
  job?.state === 'active' && isSameSchedule(job.schedule, schedule) ? job.nextSlotAt : null

function slotsFrom(schedule: Schedule, judge: Judge, { first, count }: { first: number | null; count: number }): number[] {
  if (first === null) return []
  const permitted = permittedOf(sequenceOf(schedule, first), judge)
  const slots: number[] = []
  let next = judge(first).reason === undefined ? first : permitted(first)
  while (next !== null && slots.length < count) {
    slots.push(next)
    next = permitted(next)
  }
  return slots
}

const iso = (ms: number) => new Date(ms).toISOString()
const skippedView = ({ reason, from, to, count, atLeast }: SkippedSlots) => ({
  reason,
  from: iso(from),
  to: iso(to),
  count,
  ...(atLeast ? { atLeast } : {}),
})

/** The wall-clock time in the zone of the schedule, with its offset: 2026-10-25T02:30:00+02:00. */
function localText(schedule: Schedule, slot: number): string {
  const offset = Math.round(zoneOf(schedule).offsetAt(slot) / 60_000)
  const digits = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const wall = new Date(slot + offset * 60_000).toISOString().replace(/(\.000)?Z$/, '')
  return `${wall}${offset < 0 ? '-' : '+'}${digits(Math.abs(offset) / 60)}:${digits(Math.abs(offset) % 60)}`
}

function withoutSchedule(name: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `job ${printable(name)} has no schedule: it fires when it is asked to`, {
    field: 'schedule',
    value: 'undefined',
    hint: 'Give a schedule to see its slots.',
  })
}
