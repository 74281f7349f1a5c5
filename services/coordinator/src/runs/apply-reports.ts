import { CarillonError, isEnded, type Report, subjects } from '@carillon/contracts'
import { type Incoming, inIsolation, type RejectedMessages } from '@carillon/runtime'
import type { Store, UpdateOutcome } from '@carillon/store'
import type { OfferLegs } from '../dispatch/offer-legs.ts'
import type { Work } from '../dispatch/work-stream.ts'
import type { Reconciler } from '../ports.ts'
import type { RefusedReports } from './refused-reports.ts'
import type { ReportFrom } from './report-from.ts'
import type { Decision, Refused } from './rules/decision.ts'
import { decideReport, isRefused, progressOf } from './rules/life.ts'
import { readReports } from './rules/read-reports.ts'
import { readTasks, type TaskOfRun } from './tasks-of-runs.ts'
import type { RunWriter } from './write-runs.ts'
import type { TaskChange, TaskWriter } from './write-tasks.ts'

type Change = Work & { readonly decision: Decision }

/** A report that nothing can be decided about: what is stored of its task is at fault. */
interface Fault {
  readonly work: Work
  readonly from: ReportFrom
  readonly error: CarillonError
}

interface Rejection {
  readonly subject: string
  readonly text: string
  readonly error: CarillonError
}

/** Where the lives are that reports tell of: the runs themselves, or the tasks of runs with many. */
interface Lives {
  known(ids: readonly string[]): Promise<(Work | undefined)[]>
  write(changes: readonly Change[]): Promise<readonly (UpdateOutcome | CarillonError)[]>
  forget(ids: readonly string[]): void
  endFaulty(faulty: readonly Fault[]): Promise<void>
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

  constructor(options: {
    store: Store
    writer: RunWriter
    tasks: TaskWriter
    offers: OfferLegs
    advance: Reconciler
    rejected: RejectedMessages
    refused: RefusedReports
  }) {
    this.#writer = options.writer
    this.#runs = livesOfRuns(options.writer)
    this.#tasks = livesOfTasks(options)
    this.#rejected = options.rejected
    this.#refused = options.refused
  }

  /** @throws what may pass: then the batch has to come again */
  async execute(batch: readonly Incoming[]): Promise<void> {
    const { read, rejections } = readAll(batch)
    const reports = foldReports(read)
    const ofRuns = reports.filter(({ report }) => report.taskId === report.runId)
    const ofTasks = reports.filter(({ report }) => report.taskId !== report.runId)
    await this.#apply(ofRuns, { lives: this.#runs, again: true, rejections })
    await this.#apply(ofTasks, { lives: this.#tasks, again: true, rejections })
    // Only now: were the batch to come again, they would be set aside again.
    for (const rejection of rejections) this.#rejected.setAside({ ...rejection, stream: 'REPORTS', now: this.#writer.now() })
  }

  /** @param options.again decide once more from the store about what was refused: memory may have been old */
  async #apply(reports: readonly ReportFrom[], options: { lives: Lives; again: boolean; rejections: Rejection[] }): Promise<void> {
    if (reports.length === 0) return
    const { lives, again, rejections } = options
    const known = await inIsolation(
      reports,
      (some) => lives.known(some.map(({ report }) => report.taskId)),
      (from, error) => {
        rejections.push(rejectionOf(from, error))
        return undefined
      },
    )
    const { decided, faulty, stale } = await this.#decide(reports, known, { lives, again })
    const outcomes = await lives.write(decided.map(({ change }) => change))
    for (const [i, { from }] of decided.entries()) {
      const outcome = outcomes[i]
      if (outcome === 'refused') stale.push(from)
      else if (CarillonError.is(outcome)) rejections.push(rejectionOf(from, outcome))
    }
    for (const { from, error } of faulty) rejections.push(rejectionOf(from, error))
    await lives.endFaulty(faulty)
    if (stale.length === 0) return
    if (again) {
      lives.forget(stale.map(({ report }) => report.taskId))
      await this.#apply(stale, { ...options, again: false })
    } else for (const from of stale) this.#refused.add('lost-race', from)
  }

  async #decide(
    reports: readonly ReportFrom[],
    known: readonly (Work | undefined)[],
    { lives, again }: { lives: Lives; again: boolean },
  ): Promise<{ decided: { from: ReportFrom; change: Change }[]; faulty: Fault[]; stale: ReportFrom[] }> {
    const [decided, faulty, stale]: [{ from: ReportFrom; change: Change }[], Fault[], ReportFrom[]] = [[], [], []]
    const now = this.#writer.now()
    for (const [i, from] of reports.entries()) {
      const work = isOf(known[i], from) ? known[i] : undefined
      let decision: Decision | Refused | undefined
      try {
        decision = work && decideReport(work.task, from.report, { ...from, policy: work.run, now })
      } catch (error) {
        if (work) faulty.push({ work, from, error: CarillonError.from(error) })
        continue
      }
      if (work && decision && !isRefused(decision)) decided.push({ from, change: { ...work, decision } })
      else if (again && work) stale.push(from)
      else await this.#refuse(from, { work, lives, reason: decision && isRefused(decision) ? decision.refused : 'unknown-run' })
    }
    return { decided, faulty, stale }
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

/** Ends of reports that could not be read come last: a good report of the same task counts instead. */
function readAll(batch: readonly Incoming[]): { read: ReportFrom[]; rejections: Rejection[] } {
  const [read, ends, rejections]: [ReportFrom[], ReportFrom[], Rejection[]] = [[], [], []]
  for (const { subject, namespace, name: instance, body } of batch) {
    for (const item of readReports(body)) {
      if ('report' in item) {
        read.push({ report: item.report, namespace, instance })
        continue
      }
      rejections.push({ subject, text: JSON.stringify(item.rejected) ?? '', error: item.error })
      for (const report of item.ends) ends.push({ report, namespace, instance })
    }
  }
  return { read: [...read, ...ends], rejections }
}

/** Of a report that can never be applied, and would only come again. */
function rejectionOf({ report, namespace, instance }: ReportFrom, error: CarillonError): Rejection {
  return { subject: subjects.report(namespace, instance), text: JSON.stringify(report), error }
}

function isOf(work: Work | undefined, { report, namespace }: ReportFrom): work is Work {
  return work?.run.namespace === namespace && work.run.id === report.runId
}

function livesOfRuns(writer: RunWriter): Lives {
  return {
    known: async (ids) => (await writer.known(ids)).map((run) => run && { run, task: run }),
    write: (changes) => writer.write(changes, { isRepeated: true }),
    forget: (ids) => writer.forget(ids),
    endFaulty: (faulty) => writer.endFaulty(faulty.map(({ work: { run }, error }) => ({ run, error }))),
    repeatEnd: ({ run }) => writer.repeatEnd(run),
  }
}

/** Reports of tasks are decided about as they are stored. */
function livesOfTasks(parts: { store: Store; tasks: TaskWriter; offers: OfferLegs; advance: Reconciler }): Lives {
  const { store, tasks, offers, advance } = parts
  return {
    known: (ids) => readTasks(store, ids) satisfies Promise<(TaskOfRun | undefined)[]>,
    write: async (changes) => {
      const routed: TaskChange[] = []
      for (const change of changes as readonly TaskChange[]) routed.push(isLostLeg(change) ? await offers.afterDeath(change) : change)
      return tasks.write(routed)
    },
    forget: () => undefined,
    endFaulty: (faulty) => tasks.endFaulty(faulty.map(({ work, error }) => ({ known: work as TaskOfRun, error }))),
    repeatEnd: async ({ run }) => advance.soon(run.id),
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
