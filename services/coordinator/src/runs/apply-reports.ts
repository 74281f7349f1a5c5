import { CarillonError, type Failure, isEnded, type Report, subjects } from '@carillon/contracts'
import { type Clock, type Incoming, inIsolation, type RejectedMessages } from '@carillon/runtime'
import type { Faulty, Lives, Offers } from '../ports.ts'
import type { Programs } from '../program-ports.ts'
import type { Waits } from '../signal-ports.ts'
import type { RefusedReports } from './refused-reports.ts'
import type { Change, TaskChange } from './rules/change.ts'
import { type Decision, isRefused, type Refused } from './rules/decision.ts'
import { decideToGiveBack } from './rules/give-back.ts'
import { decideReport, progressOf } from './rules/life.ts'
import { readReports } from './rules/read-reports.ts'
import type { ReportFrom } from './rules/report-from.ts'
import { isForInstances, isLeg, type Work } from './rules/work.ts'

/** A report that cannot be decided because the stored record of its task is bad. */
type FaultyReport = Faulty & { readonly from: ReportFrom }

interface Rejection {
  readonly subject: string
  readonly text: string
  readonly error: CarillonError
}

/** Ends that are none as long as another program may go on. */
const GIVEN_BACK: ReadonlyMap<unknown, 'program-changed' | 'payload-refused'> = new Map([
  ['program-changed', 'program-changed'],
  ['invalid-payload', 'payload-refused'],
])
const NO_ERROR: Failure = { name: 'Error', message: 'the executor gave no error' }

/** Applies the reports of executors. Reports of one batch are one write; one that does not match the stored state is refused and counted. */
export class ApplyReports {
  readonly #lives: Lives
  readonly #offers: Offers
  readonly #rejected: RejectedMessages
  readonly #refused: RefusedReports
  readonly #programs: Programs
  readonly #waits: Waits
  readonly #clock: Clock

  constructor(options: {
    lives: Lives
    offers: Offers
    programs: Programs
    rejected: RejectedMessages
    refused: RefusedReports
    waits: Waits
    clock: Clock
  }) {
    this.#programs = options.programs
    this.#lives = options.lives
    this.#offers = options.offers
    this.#rejected = options.rejected
    this.#refused = options.refused
    this.#waits = options.waits
    this.#clock = options.clock
  }

  /** @throws a transient error: then the batch is redelivered */
  async execute(batch: readonly Incoming[]): Promise<void> {
    const { read, rejections } = readAll(batch)
    await this.#apply(foldReports(read), { again: true, rejections })
    // A signal may have come while they still ran. Also of a report that was applied before: what followed from it may not have been done.
    const asleep = read.flatMap(({ report }) => (report.type === 'slept' && report.waits ? [report.taskId] : []))
    await Promise.all(asleep.map((taskId) => this.#waits.asleep(taskId)))
    // Only now: if the batch were redelivered, they would be rejected twice.
    for (const rejection of rejections) this.#rejected.reject({ ...rejection, stream: 'REPORTS', now: this.#clock.now() })
  }

  /** @param options.again decide once more from the store about refused reports: memory may have been stale */
  async #apply(reports: readonly ReportFrom[], options: { again: boolean; rejections: Rejection[] }): Promise<void> {
    if (reports.length === 0) return
    const { again, rejections } = options
    const known = await inIsolation(
      reports,
      (some) => this.#lives.known(some.map(({ report }) => report.taskId)),
      (from, error) => {
        rejections.push(rejectionOf(from, error))
        return undefined
      },
    )
    const { decided, faulty, stale } = await this.#decide(reports, known, again)
    const outcomes = await this.#lives.write(
      decided.map(({ change }) => change),
      { isRepeated: true },
    )
    for (const [i, { from }] of decided.entries()) {
      const outcome = outcomes[i]
      if (outcome === 'refused') stale.push(from)
      else if (CarillonError.is(outcome)) rejections.push(rejectionOf(from, outcome))
    }
    for (const { from, error } of faulty) rejections.push(rejectionOf(from, error))
    await this.#lives.endFaulty(faulty)
    if (stale.length === 0) return
    if (again) {
      this.#lives.forget(stale.map(({ report }) => report.taskId))
      await this.#apply(stale, { ...options, again: false })
    } else for (const from of stale) this.#refused.add('lost-race', from)
  }

  async #decide(
    reports: readonly ReportFrom[],
    known: readonly (Work | undefined)[],
    again: boolean,
  ): Promise<{ decided: { from: ReportFrom; change: Change }[]; faulty: FaultyReport[]; stale: ReportFrom[] }> {
    const [decided, faulty, stale]: [{ from: ReportFrom; change: Change }[], FaultyReport[], ReportFrom[]] = [[], [], []]
    const now = this.#clock.now()
    for (const [i, from] of reports.entries()) {
      const work = isOf(known[i], from) ? known[i] : undefined
      let decision: Decision | Refused | undefined
      try {
        decision = work && this.#decideOne(work, from, now)
      } catch (error) {
        if (work) faulty.push({ work, from, error: CarillonError.from(error) })
        continue
      }
      if (work && decision && !isRefused(decision)) {
        const change = { ...work, decision }
        decided.push({ from, change: isLostLeg(change) ? await this.#offers.afterDeath(change) : change })
      } else if (again && work) stale.push(from)
      else await this.#refuse(from, { work, reason: decision && isRefused(decision) ? decision.refused : 'unknown-run' })
    }
    return { decided, faulty, stale }
  }

  #decideOne(work: Work, from: ReportFrom, now: number): Decision | Refused {
    const { report, instance } = from
    const reason = report.type === 'finished' && report.outcome === 'failed' && GIVEN_BACK.get(report.reason)
    // The same check as of any report: only its owner gives a task back.
    const decision = decideReport(work.task, report, { ...from, policy: work.run, now })
    if (!reason || isRefused(decision)) return decision
    const { refusedBy, isTakenElsewhere } = this.#programs.refusals(work, { instance, reason })
    // A payload that every instance refuses is wrong; a program that fits may be deployed later.
    if (reason === 'payload-refused' && !isTakenElsewhere) return decision
    return decideToGiveBack(work.task, report.error ?? NO_ERROR, { instance, reason, refusedBy, now })
  }

  async #refuse(from: ReportFrom, { work, reason }: { work: Work | undefined; reason: string }): Promise<void> {
    const { report, instance } = from
    const life = work?.task
    // It may be the report that ended it, come again because this or another coordinator stopped before the terminal event was published.
    const isOwn = life?.attempt === report.attempt && (life.owner === instance || life.owner === null)
    if (work && isEnd(report) && isOwn && isEnded(work.task.state)) return this.#lives.repeatEnd(work)
    this.#refused.add(reason, from)
  }
}

/** Ends of unreadable reports come last: a good report of the same task has precedence. */
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

/** Rejects a report that can never be applied, and would only be redelivered. */
function rejectionOf({ report, namespace, instance }: ReportFrom, error: CarillonError): Rejection {
  return { subject: subjects.report(namespace, instance), text: JSON.stringify(report), error }
}

function isOf(work: Work | undefined, { report, namespace }: ReportFrom): work is Work {
  return work?.run.namespace === namespace && work.run.id === report.runId && isForInstances(work)
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

/** A task of a broadcast whose process has reported that it ends: it cannot go to the same instance again. */
const isLostLeg = (change: Change): change is TaskChange =>
  isLeg(change) && change.decision.event === 'lost' && change.decision.set.state === 'queued'
