import { jobId } from '../jobs/rules/job.ts'
import type { Calendars, FailingJobs, Judged, SlotJudges } from '../ports.ts'
import { allMayRun, calendarsOf, type Judge, judgeOf } from './rules/exclusions.ts'

/** Reads what excludes slots of jobs. A job without calendars costs nothing. */
export class JudgeSlots implements SlotJudges {
  readonly #calendars: Calendars
  readonly #failing: FailingJobs

  constructor({ calendars, failing }: { calendars: Calendars; failing: FailingJobs }) {
    this.#calendars = calendars
    this.#failing = failing
  }

  async judgesOf(jobs: readonly Judged[]): Promise<Judge[]> {
    const places = jobs.flatMap((job) => calendarsOf(job).map((name) => ({ namespace: job.namespace, name })))
    const days = places.length > 0 ? await this.#calendars.daysOf(places) : new Map<string, ReadonlySet<string>>()
    const failing = jobs.filter(isBackedOff)
    const backoffs = failing.length > 0 ? await this.#failing.backoffsOf(failing) : []
    return jobs.map((job) => {
      const names = calendarsOf(job)
      const backoffUntil = backoffs[failing.indexOf(job)] ?? null
      if (job.schedule === null || (names.length === 0 && backoffUntil === null)) return allMayRun
      const calendars = new Map(names.map((name) => [name, days.get(jobId(job.namespace, name)) ?? new Set<string>()]))
      return withChoice(judgeOf(job.schedule, { calendars, backoffUntil }), job.chosenSlotAt)
    })
  }
}

/** A fixed delay has no slots that could be left out: it is made longer. */
const isBackedOff = ({ schedule, failureBackoff }: Judged) => failureBackoff !== null && schedule !== null && !('afterMs' in schedule)

/** A slot that a run has chosen is not excluded. */
function withChoice(judge: Judge, chosenSlotAt: number | null): Judge {
  if (chosenSlotAt === null) return judge
  return (slot) => (slot === chosenSlotAt ? { reason: undefined, until: slot + 1 } : judge(slot))
}
