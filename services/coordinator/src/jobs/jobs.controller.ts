import { CALLS, CarillonError, type StartedRun } from '@carillon/contracts'
import { Answers, Hears, type Request, type Signal } from '@carillon/runtime'
import { Controller, Inject } from '@nestjs/common'
import type { StartRuns } from '../runs/start-runs.ts'
import type { ChangeJobs } from './change-jobs.ts'
import type { JobCache, ReadJobs } from './read-jobs.ts'

type PutInput = Parameters<ChangeJobs['put']>[1]
type ByName = Request<{ name: string }>

@Controller()
export class JobsController {
  @Inject('ChangeJobs') private readonly change!: ChangeJobs
  @Inject('ReadJobs') private readonly read!: ReadJobs
  @Inject('JobCache') private readonly cache!: JobCache
  @Inject('StartRuns') private readonly starts!: StartRuns

  @Answers(CALLS.jobsPut)
  put({ namespace, input }: Request<PutInput>) {
    return this.change.put(namespace, input)
  }

  @Answers(CALLS.jobsGet)
  get({ namespace, input }: ByName) {
    return this.read.get(namespace, input.name)
  }

  @Answers(CALLS.jobsList)
  list({ namespace, input }: Request<{ cursor?: string; limit: number }>) {
    return this.read.list(namespace, input)
  }

  @Answers(CALLS.jobsPause)
  pause({ namespace, input }: ByName) {
    return this.change.pause(namespace, input.name)
  }

  @Answers(CALLS.jobsResume)
  resume({ namespace, input }: ByName) {
    return this.change.resume(namespace, input.name)
  }

  @Answers(CALLS.jobsRemove)
  remove({ namespace, input }: Request<{ name: string; keepRuns: boolean }>) {
    return this.change.remove(namespace, input.name, input)
  }

  @Answers(CALLS.jobsRun)
  async run({ namespace, input, bytes, traceparent }: Request<unknown>): Promise<StartedRun> {
    const [outcome] = await this.starts.execute([{ namespace, request: input, bytes, trigger: 'call', traceparent }])
    if (CarillonError.is(outcome)) throw outcome
    return outcome as StartedRun
  }

  /** Other coordinators, and we ourselves, say so when a job changes. */
  @Hears('live.job.*.changed')
  async changed({ namespace, tokens }: Signal): Promise<void> {
    this.cache.forget(namespace, tokens[1] ?? '')
  }
}
