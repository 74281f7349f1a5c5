import type { Progress, Report } from '@carillon/contracts'

/** A report and who sent it: the subject says so, since only its owner may publish there. */
export interface ReportFrom {
  readonly report: Report
  readonly namespace: string
  readonly instance: string
  /** Of an end: the last progress before it, where both came in one batch. */
  readonly progress?: Progress
}
