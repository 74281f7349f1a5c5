import { type Logger, meter } from '@carillon/runtime'
import type { ReportFrom } from './rules/report-from.ts'

/** Counts the reports that are not applied, by reason. The log has each of them at level `debug`. */
export class RefusedReports {
  readonly #log: Logger
  readonly #counter = meter.counter('carillon.reports.refused', 'Reports that were not applied, by reason')
  readonly #byReason = new Map<string, number>()

  constructor(options: { log: Logger }) {
    this.#log = options.log
  }

  add(reason: string, { report, instance }: ReportFrom): void {
    const { type, runId, taskId, attempt } = report
    this.#counter.add(1, { reason, type })
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1)
    this.#log.debug({ evt: 'report.refused', reason, type, runId, taskId, attempt, instance }, 'a report was not applied')
  }

  /** As text, for people. */
  describe(): string {
    if (this.#byReason.size === 0) return 'no report was refused since the start'
    const parts = [...this.#byReason].map(([reason, count]) => `${reason} ${count}`)
    return `refused since the start, because they were late or from another instance: ${parts.sort().join(', ')}`
  }
}
