import { CarillonError, isEnded, LIMITS, parseInput, reportSchema } from '@carillon/contracts'
import type { Incoming, RejectedMessages } from '@carillon/runtime'
import type { RunRecord } from '@carillon/store'
import { decideReport, isRefused, progressOf } from '../domain/life.ts'
import type { ApplyTaskReports, ReportFrom } from './apply-task-reports.ts'
import type { RefusedReports } from './refused-reports.ts'
import type { RunChange, RunWriter } from './write-runs.ts'

/** Takes what executors say. Reports of one batch are one write; one that does not hold is refused and counted. */
export class ApplyReports {
  readonly #writer: RunWriter
  readonly #tasks: ApplyTaskReports
  readonly #rejected: RejectedMessages
  readonly #refused: RefusedReports

  constructor(options: { writer: RunWriter; tasks: ApplyTaskReports; rejected: RejectedMessages; refused: RefusedReports }) {
    this.#writer = options.writer
    this.#tasks = options.tasks
    this.#rejected = options.rejected
    this.#refused = options.refused
  }

  async execute(batch: readonly Incoming[]): Promise<void> {
    const reports = foldReports(batch.flatMap((message) => this.#read(message)))
    const ofRuns = reports.filter(({ report }) => report.taskId === report.runId)
    const ofTasks = reports.filter(({ report }) => report.taskId !== report.runId)
    await this.#apply(ofRuns, { again: true })
    for (const from of ofTasks) await this.#tasks.execute(from)
  }

  #read(message: Incoming): ReportFrom[] {
    const items = Array.isArray(message.body) ? message.body : [message.body]
    if (items.length > LIMITS.reportsPerMessage) return this.#tooMany(message, items.length)
    const read: ReportFrom[] = []
    for (const item of items) {
      try {
        read.push({ report: parseInput(reportSchema, item, 'report'), namespace: message.namespace, instance: message.name })
      } catch (error) {
        this.#rejected.setAside({ subject: message.subject, text: JSON.stringify(item), error, stream: 'REPORTS', now: this.#writer.now() })
      }
    }
    return read
  }

  #tooMany(message: Incoming, count: number): ReportFrom[] {
    const error = new CarillonError('INVALID_REQUEST', `a message holds ${count} reports, the limit is ${LIMITS.reportsPerMessage}`, {
      field: 'body',
      value: `${count} reports`,
    })
    this.#rejected.setAside({
      subject: message.subject,
      text: JSON.stringify(message.body),
      error,
      stream: 'REPORTS',
      now: this.#writer.now(),
    })
    return []
  }

  /** @param options.again decide once more from the store about what was refused: memory may have been old */
  async #apply(reports: readonly ReportFrom[], options: { again: boolean }): Promise<void> {
    if (reports.length === 0) return
    const runs = await this.#writer.known(reports.map(({ report }) => report.runId))
    const changes: RunChange[] = []
    const sources: ReportFrom[] = []
    const stale: ReportFrom[] = []
    const now = this.#writer.now()
    for (const [i, from] of reports.entries()) {
      const run = runs[i]?.namespace === from.namespace ? runs[i] : undefined
      const decision = run && decideReport(run, from.report, { ...from, policy: run, now })
      if (run && decision && !isRefused(decision)) {
        changes.push({ run, decision })
        sources.push(from)
      } else if (options.again && run) stale.push(from)
      else await this.#refuse(from, run, decision && isRefused(decision) ? decision.refused : 'unknown-run')
    }
    const outcomes = await this.#writer.write(changes)
    for (const [i, from] of sources.entries()) if (outcomes[i] === 'refused') stale.push(from)
    if (stale.length === 0) return
    if (options.again) {
      this.#writer.forget(stale.map(({ report }) => report.runId))
      await this.#apply(stale, { again: false })
    } else for (const from of stale) this.#refused.add('lost-race', from)
  }

  async #refuse(from: ReportFrom, run: RunRecord | undefined, reason: string): Promise<void> {
    const { report, instance } = from
    const repeated = run && report.type === 'finished' && isEnded(run.state) && run.attempt === report.attempt && run.owner === instance
    if (repeated) return this.#writer.repeatEnd(run)
    this.#refused.add(reason, from)
  }
}

/** Reports of one task by one instance in one batch: the end makes its start needless, newer progress the older; an end keeps the last progress. */
export function foldReports(reports: readonly ReportFrom[]): ReportFrom[] {
  if (reports.length < 2) return [...reports]
  const folded = new Map<string, ReportFrom>()
  for (const from of reports) {
    const key = `${from.report.taskId} ${from.report.attempt} ${from.instance}`
    const before = folded.get(key)
    if (before?.report.type === 'finished') continue
    if (before?.report.type === 'progress' && from.report.type === 'started') continue
    const progress = before?.report.type === 'progress' && from.report.type === 'finished' ? progressOf(before.report) : undefined
    folded.set(key, progress ? { ...from, progress } : from)
  }
  return [...folded.values()]
}
