import {
  CALLS,
  type CallRequest,
  CarillonError,
  LIMITS,
  type ListRuns,
  type MapCall,
  type RunState,
  type StepCall,
  type TaskClaim,
} from '@carillon/contracts'
import { Answers, type Incoming, type Request, Takes } from '@carillon/runtime'
import { Controller, Inject } from '@nestjs/common'
import type { ClaimTask } from '../dispatch/claim-task.ts'
import type { MapTasks } from '../modes/map/map-tasks.ts'
import type { ReadResults } from '../modes/map/read-results.ts'
import type { RetryRequest } from '../modes/mode.ts'
import type { PruneRuns } from '../retention/prune-runs.ts'
import type { KeepSteps } from '../steps/keep-steps.ts'
import type { ApplyReports } from './apply-reports.ts'
import type { ChangeRuns } from './change-runs.ts'
import type { ReadRuns } from './read-runs.ts'
import type { ReadTree } from './read-tree.ts'
import type { StartRuns } from './start-runs.ts'
import type { TakeTriggers } from './take-triggers.ts'

type ByRun = Request<{ runId: string }>

@Controller()
export class RunsController {
  @Inject('StartRuns') private readonly starts!: StartRuns
  @Inject('ReadRuns') private readonly read!: ReadRuns
  @Inject('ReadTree') private readonly trees!: ReadTree
  @Inject('ChangeRuns') private readonly change!: ChangeRuns
  @Inject('PruneRuns') private readonly pruning!: PruneRuns
  @Inject('ClaimTask') private readonly claims!: ClaimTask
  @Inject('MapTasks') private readonly maps!: MapTasks
  @Inject('ReadResults') private readonly results!: ReadResults
  @Inject('KeepSteps') private readonly steps!: KeepSteps
  @Inject('ApplyReports') private readonly reports!: ApplyReports
  @Inject('TakeTriggers') private readonly triggers!: TakeTriggers

  @Answers(CALLS.runsStart)
  async start({ namespace, input, bytes: allBytes, traceparent }: Request<{ runs: unknown[] }>) {
    const count = input.runs.length
    if (count > LIMITS.runsPerCall)
      throw new CarillonError('TOO_MANY_RUNS', `runs holds ${count} runs, the limit is ${LIMITS.runsPerCall}`, {
        field: 'runs',
        value: `${count} runs`,
      })
    const bytes = allBytes / count
    const outcomes = await this.starts.execute(input.runs.map((request) => ({ namespace, request, bytes, trigger: 'call', traceparent })))
    return { runs: outcomes.map((outcome) => (CarillonError.is(outcome) ? { error: outcome.toBody() } : outcome)) }
  }

  @Answers(CALLS.runsGet)
  get({ namespace, input }: ByRun) {
    return this.read.get(namespace, input.runId)
  }

  @Answers(CALLS.runsList)
  list({ namespace, input }: Request<ListRuns>) {
    return this.read.list(namespace, input)
  }

  @Answers(CALLS.runsTasks)
  tasks({ namespace, input }: Request<{ runId: string; state?: RunState; cursor?: string; limit: number }>) {
    return this.read.tasks(namespace, input)
  }

  @Answers(CALLS.runsTree)
  tree({ namespace, input }: ByRun) {
    return this.trees.execute(namespace, input.runId)
  }

  @Answers(CALLS.runsCancel)
  cancel({ namespace, input }: ByRun) {
    return this.change.cancel(namespace, input.runId)
  }

  @Answers(CALLS.runsRetry)
  retry({ namespace, input }: Request<RetryRequest & { readonly runId: string }>) {
    return this.change.retry(namespace, input)
  }

  @Answers(CALLS.runsPrune)
  prune({ namespace, input }: Request<CallRequest<typeof CALLS.runsPrune>>) {
    return this.pruning.execute(namespace, input)
  }

  @Answers(CALLS.tasksClaim)
  claim({ namespace, input }: Request<TaskClaim>) {
    return this.claims.execute(namespace, input)
  }

  @Answers(CALLS.tasksMap)
  map({ namespace, input }: Request<MapCall>) {
    return this.maps.execute(namespace, input)
  }

  @Answers(CALLS.tasksResults)
  readResults({ namespace, input }: Request<{ taskId: string; cursor?: string; limit: number }>) {
    return this.results.execute(namespace, input)
  }

  @Answers(CALLS.tasksStep)
  step({ namespace, input }: Request<StepCall>) {
    return this.steps.store(namespace, input)
  }

  @Answers(CALLS.tasksJournal)
  journal({ namespace, input }: Request<{ taskId: string; cursor?: string; limit: number }>) {
    return this.steps.read(namespace, input)
  }

  @Takes('REPORTS')
  takeReports(batch: Incoming[]) {
    return this.reports.execute(batch)
  }

  @Takes('TRIGGERS')
  takeTriggers(batch: Incoming[]) {
    return this.triggers.execute(batch)
  }
}
