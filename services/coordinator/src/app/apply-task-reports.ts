import { isEnded, type Progress, type Report } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store, TaskRecord } from '@carillon/store'
import { type Decision, decideReport, isRefused } from '../domain/life.ts'
import type { AdvanceBroadcast } from './advance-broadcast.ts'
import type { RefusedReports } from './refused-reports.ts'

/** A report and who sent it: the subject says so, since only its owner may publish there. */
export interface ReportFrom {
  readonly report: Report
  readonly namespace: string
  readonly instance: string
  /** Of an end: the last progress before it, where both came in one batch. */
  readonly progress?: Progress
}

/** Applies what executors say of the tasks of runs with many. */
export class ApplyTaskReports {
  readonly #store: Store
  readonly #clock: Clock
  readonly #broadcast: AdvanceBroadcast
  readonly #refused: RefusedReports

  constructor(options: { store: Store; clock: Clock; broadcast: AdvanceBroadcast; refused: RefusedReports }) {
    this.#store = options.store
    this.#clock = options.clock
    this.#broadcast = options.broadcast
    this.#refused = options.refused
  }

  async execute(from: ReportFrom): Promise<void> {
    const { report, namespace, instance } = from
    const [[task], [run]] = await Promise.all([this.#store.tasks.get([report.taskId]), this.#store.runs.get([report.runId])])
    if (!task || !run || task.runId !== run.id || run.namespace !== namespace) return this.#refused.add('unknown-run', from)
    const decision = decideReport(task, report, { policy: run, instance, now: this.#clock.now() })
    if (isRefused(decision)) {
      this.#refused.add(decision.refused, from)
      if (isEnded(task.state)) await this.#broadcast.execute(run.id)
      return
    }
    const changed = await this.#write(task, decision)
    if (!changed) return this.#refused.add('lost-race', from)
    await this.#broadcast.taskChanged(changed)
  }

  async #write(task: TaskRecord, decision: Decision): Promise<TaskRecord | undefined> {
    const [outcome] = await this.#store.tasks.update([{ id: task.id, expect: decision.expect, set: decision.set }])
    return outcome === 'applied' ? { ...task, ...decision.set } : undefined
  }
}
