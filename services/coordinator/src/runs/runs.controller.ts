import { CarillonError, LIMITS, parseSubject, type StartedRun } from '@carillon/contracts'
import type { ControllerOf, Incoming } from '@carillon/runtime'
import type { SignalBatches } from '../signal-ports.ts'
import type { ApplyReports } from './apply-reports.ts'
import type { BulkRuns } from './bulk-runs.ts'
import type { ChangeRuns } from './change-runs.ts'
import type { ReadEnded } from './read-ended.ts'
import type { ReadRuns } from './read-runs.ts'
import type { ReadTree } from './read-tree.ts'
import type { SearchRuns } from './search-runs.ts'
import type { StartRuns } from './start-runs.ts'
import type { TakeTriggers } from './take-triggers.ts'

export interface RunCases {
  readonly startRuns: StartRuns
  readonly readEnded: ReadEnded
  readonly readRuns: ReadRuns
  readonly readTree: ReadTree
  readonly searchRuns: SearchRuns
  readonly bulkRuns: BulkRuns
  readonly changeRuns: ChangeRuns
  readonly applyReports: ApplyReports
  readonly takeTriggers: TakeTriggers
  /** Provided by `signals/`. */
  readonly takeSignals: SignalBatches
}

export const runsController = ({ startRuns, readEnded, readRuns, readTree, searchRuns, bulkRuns, changeRuns, ...taking }: RunCases) =>
  ({
    answers: {
      jobsRun: async ({ namespace, input, bytes, traceparent, by }) => {
        const [outcome] = await startRuns.execute([{ namespace, request: input, bytes, trigger: 'call', traceparent, by }])
        if (CarillonError.is(outcome)) throw outcome
        return outcome as StartedRun
      },
      runsStart: async ({ namespace, input, bytes: allBytes, traceparent, by }) => {
        checkCount('runs', input.runs.length)
        const bytes = allBytes / input.runs.length
        const items = input.runs.map((request) => ({ namespace, request, bytes, trigger: 'call' as const, traceparent, by }))
        const outcomes = await startRuns.execute(items)
        return { runs: outcomes.map((outcome) => (CarillonError.is(outcome) ? { error: outcome.toBody() } : outcome)) }
      },
      runsGet: ({ namespace, input }) => readRuns.get(namespace, input.runId),
      runsEnded: async ({ namespace, input }) => {
        checkCount('runIds', input.runIds.length)
        return { runs: await readEnded.execute(namespace, input.runIds) }
      },
      runsWhy: ({ namespace, input }) => readRuns.why(namespace, input.runId),
      runsList: ({ namespace, input }) => searchRuns.list(namespace, input),
      runsCount: ({ namespace, input }) => searchRuns.count(namespace, input),
      runsBulk: ({ namespace, input }) => bulkRuns.execute(namespace, input),
      runsTasks: ({ namespace, input }) => readRuns.tasks(namespace, input),
      runsTree: ({ namespace, input }) => readTree.execute(namespace, input.runId),
      runsCancel: ({ namespace, input }) => changeRuns.cancel(namespace, input.runId, input),
      runsPause: ({ namespace, input }) => changeRuns.pause(namespace, input.runId),
      runsResume: ({ namespace, input }) => changeRuns.resume(namespace, input.runId),
      runsRetry: ({ namespace, input }) => changeRuns.retry(namespace, input),
    },
    takes: {
      REPORTS: (batch) => taking.applyReports.execute(batch),
      TRIGGERS: async (batch) => {
        const [signals, triggers] = [batch.filter(isSignal), batch.filter((message) => !isSignal(message))]
        await Promise.all([taking.takeTriggers.execute(triggers), taking.takeSignals.execute(signals)])
      },
    },
  }) satisfies ControllerOf<'coordinator'>

const isSignal = ({ subject }: Incoming) => parseSubject(subject)?.class === 'signal'

/** @throws CarillonError TOO_MANY_RUNS */
function checkCount(field: string, count: number): void {
  if (count <= LIMITS.runsPerCall) return
  throw new CarillonError('TOO_MANY_RUNS', `${field} holds ${count} runs, the limit is ${LIMITS.runsPerCall}`, {
    field,
    value: `${count} runs`,
  })
}
