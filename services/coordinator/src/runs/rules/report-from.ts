import type { Progress, Report } from '@carillon/contracts'

/** A report and its sender: the token of the subject, since only its owner may publish there. */
export interface ReportFrom {
  readonly report: Report
  readonly namespace: string
  readonly instance: string
  /** Of an end: the last progress before it, where both came in one batch. */
  readonly progress?: Progress
}
