import type { JobRecord } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Calendars, SlotJudges } from '../ports.ts'
import { allMayRun, calendarsOf, type Judge, judgeOf } from './rules/exclusions.ts'

type Scheduled = Pick<JobRecord, 'namespace' | 'schedule' | 'chosenSlotAt'>

/** Reads what excludes slots of jobs. A job without calendars costs nothing. */
export class JudgeSlots implements SlotJudges {
  readonly #calendars: Calendars

  constructor(calendars: Calendars) {
    this.#calendars = calendars
  }

  async judgesOf(jobs: readonly Scheduled[]): Promise<Judge[]> {
    const places = jobs.flatMap((job) => calendarsOf(job).map((name) => ({ namespace: job.namespace, name })))
    const days = places.length > 0 ? await this.#calendars.daysOf(places) : new Map<string, ReadonlySet<string>>()
    return jobs.map((job) => {
      const names = calendarsOf(job)
      if (job.schedule === null || names.length === 0) return allMayRun
      const calendars = new Map(names.map((name) => [name, days.get(jobId(job.namespace, name)) ?? new Set<string>()]))
      return withChoice(judgeOf(job.schedule, { calendars, backoffUntil: null }), job.chosenSlotAt)
    })
  }
}

/** A slot that a run has chosen is not excluded. */
function withChoice(judge: Judge, chosenSlotAt: number | null): Judge {
  if (chosenSlotAt === null) return judge
  return (slot) => (slot === chosenSlotAt ? { reason: undefined, until: slot + 1 } : judge(slot))
}
