import type { JobChangeKind } from '@carillon/contracts'

/** A change of a job that a newer one has superseded. */
export interface JobChangeRecord {
  /** See `changeId`. */
  readonly id: string
  /** Of the job since that change. */
  readonly revision: number
  readonly at: number
  readonly kind: JobChangeKind
  readonly by: string | null
  /** Of a declaration. */
  readonly version: number | null
  /** JSON text of the job since that change, without what changes by itself. */
  readonly definition: string
}

/** `<jobId>/<revision>`, padded, so that the changes of a job sort in their order. */
export function changeId(jobId: string, revision: number): string {
  return `${jobId}/${revision === Number.POSITIVE_INFINITY ? ':' : String(revision).padStart(10, '0')}`
}

/** A calendar as it is stored, without its days, which may be thousands. */
export interface CalendarHead {
  /** `<namespace>/<name>`. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly description: string | null
  /** How its days were given. */
  readonly source: 'days' | 'ics'
  /** SHA-256 of what was given. */
  readonly hash: string
  readonly count: number
  readonly firstDay: string
  readonly lastDay: string
  /** Parts of an iCalendar text that are not among the days, in words. */
  readonly omissions: readonly string[]
  /** Grows by one with each change. */
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** A named list of days that schedules skip, or outside of which they do not fire. */
export interface CalendarRecord extends CalendarHead {
  /** JSON text of a list: distinct days as `YYYY-MM-DD`, ascending. */
  readonly days: string
}
