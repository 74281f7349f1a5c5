import { isEnded, type Progress, type Report } from '@carillon/contracts'
import type { Incoming, RejectedMessages } from '@carillon/runtime'
import type { UpdateOutcome } from '@carillon/store'
import { type Decision, decideReport, isRefused, progressOf } from '../domain/life.ts'
import { readReports } from '../domain/read-reports.ts'
import type { OfferLegs } from './offer-legs.ts'
import type { Work } from './publish-work.ts'
import type { RefusedReports } from './refused-reports.ts'
import type { RunWriter } from './write-runs.ts'
import type { TaskChange, TaskOfRun, TaskWriter } from './write-tasks.ts'

/** A report and who sent it: the subject says so, since only its owner may publish there. */
export interface ReportFrom {
  readonly report: Report
  readonly namespace: string
  readonly instance: string
  /** Of an end: the last progress before it, where both came in one batch. */
  readonly progress?: Progress
}

type Change = Work & { readonly decision: Decision }

/** Where the lives are that reports tell of: the runs themselves, or the tasks of runs with many. */
interface Lives {
  known(ids: readonly string[]): Promise<(Work | undefined)[]>
  write(changes: readonly Change[]): Promise<UpdateOutcome[]>
  forget(ids: readonly string[]): void
  /** The same end came once more: what follows from it may have been lost. */
  repeatEnd(work: Work): Promise<void>
}

/** Takes what executors say. Reports of one batch are one write; one that does not hold is refused and counted. */
export class ApplyReports {
  readonly #writer: RunWriter
  readonly #runs: Lives
  readonly #tasks: Lives
  readonly #rejected: RejectedMessages
  readonly #refused: RefusedReports

  constructor(options: { writer: RunWriter; tasks: TaskWriter; offers: OfferLegs; rejected: RejectedMessages; refused: RefusedReports }) {
    this.#writer = options.writer
    this.#runs = livesOfRuns(options.writer)
    this.#tasks = livesOfTasks(options.tasks, options.offers)
    this.#rejected = options.rejected
    this.#refused = options.refused
  }

  async execute(batch: readonly Incoming[]): Promise<void> {
    const reports = foldReports(this.#read(batch))
    const ofRuns = reports.filter(({ report }) => report.taskId === report.runId)
    const ofTasks = reports.filter(({ report }) => report.taskId !== report.runId)
    await this.#apply(ofRuns, { lives: this.#runs, again: true })
    await this.#apply(ofTasks, { lives: this.#tasks, again: true })
  }

  /** Ends of reports that could not be read come last: a good report of the same task counts instead. */
  #read(batch: readonly Incoming[]): ReportFrom[] {
    const read: ReportFrom[] = []
    const ends: ReportFrom[] = []
    for (const { subject, namespace, name: instance, body } of batch) {
      for (const item of readReports(body)) {
        if ('report' in item) {
          read.push({ report: item.report, namespace, instance })
          continue
        }
        const text = JSON.stringify(item.rejected) ?? ''
        this.#rejected.setAside({ subject, text, error: item.error, stream: 'REPORTS', now: this.#writer.now() })
        for (const report of item.ends) ends.push({ report, namespace, instance })
      }
    }
    return [...read, ...ends]
  }

  /** @param options.again decide once more from the store about what was refused: memory may have been old */
  async #apply(reports: readonly ReportFrom[], options: { lives: Lives; again: boolean }): Promise<void> {
    if (reports.length === 0) return
    const { lives, again } = options
    const known = await lives.known(reports.map(({ report }) => report.taskId))
    const changes: Change[] = []
    const sources: ReportFrom[] = []
    const stale: ReportFrom[] = []
    const now = this.#writer.now()
    for (const [i, from] of reports.entries()) {
      const work = isOf(known[i], from) ? known[i] : undefined
      const decision = work && decideReport(work.task, from.report, { ...from, policy: work.run, now })
      if (work && decision && !isRefused(decision)) {
        changes.push({ ...work, decision })
        sources.push(from)
      } else if (again && work) stale.push(from)
      else await this.#refuse(from, { work, lives, reason: decision && isRefused(decision) ? decision.refused : 'unknown-run' })
    }
    const outcomes = await lives.write(changes)
    for (const [i, from] of sources.entries()) if (outcomes[i] === 'refused') stale.push(from)
    if (stale.length === 0) return
    if (again) {
      lives.forget(stale.map(({ report }) => report.taskId))
      await this.#apply(stale, { lives, again: false })
    } else for (const from of stale) this.#refused.add('lost-race', from)
  }

  async #refuse(from: ReportFrom, { work, lives, reason }: { work: Work | undefined; lives: Lives; reason: string }): Promise<void> {
    const { report, instance } = from
    const life = work?.task
    const isRepeated =
      life && report.type === 'finished' && isEnded(life.state) && life.attempt === report.attempt && life.owner === instance
    if (isRepeated) return lives.repeatEnd(work)
    this.#refused.add(reason, from)
  }
}

function isOf(work: Work | undefined, { report, namespace }: ReportFrom): work is Work {
  return work?.run.namespace === namespace && work.run.id === report.runId
}

function livesOfRuns(writer: RunWriter): Lives {
  return {
    known: async (ids) => (await writer.known(ids)).map((run) => run && { run, task: run }),
    write: (changes) => writer.write(changes, { isRepeated: true }),
    forget: (ids) => writer.forget(ids),
    repeatEnd: ({ run }) => writer.repeatEnd(run),
  }
}

/** Reports of tasks are decided about as they are stored. */
function livesOfTasks(tasks: TaskWriter, offers: OfferLegs): Lives {
  return {
    known: (ids) => tasks.known(ids) satisfies Promise<(TaskOfRun | undefined)[]>,
    write: async (changes) => {
      const routed: TaskChange[] = []
      for (const change of changes as readonly TaskChange[]) routed.push(isLostLeg(change) ? await offers.afterDeath(change) : change)
      return tasks.write(routed)
    },
    forget: () => undefined,
    repeatEnd: async ({ run }) => tasks.advance(run.id),
  }
}

const isEnd = ({ type }: Report) => type === 'finished' || type === 'slept' || type === 'died'

/** Reports of one task by one instance in one batch: the end makes its start needless, newer progress the older; an end keeps the last progress. */
export function foldReports(reports: readonly ReportFrom[]): ReportFrom[] {
  if (reports.length < 2) return [...reports]
  const folded = new Map<string, ReportFrom>()
  for (const from of reports) {
    const key = `${from.report.taskId} ${from.report.attempt} ${from.instance}`
    const before = folded.get(key)
    if (before && isEnd(before.report)) continue
    if (before?.report.type === 'progress' && from.report.type === 'started') continue
    const progress = before?.report.type === 'progress' && from.report.type === 'finished' ? progressOf(before.report) : undefined
    folded.set(key, progress ? { ...from, progress } : from)
  }
  return [...folded.values()]
}

/** A task of a broadcast whose process has said that it ends: it cannot go to the same instance again. */
const isLostLeg = ({ task, decision }: TaskChange) => task.target !== null && decision.event === 'lost' && decision.set.state === 'queued'
