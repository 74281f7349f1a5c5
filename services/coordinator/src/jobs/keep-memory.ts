import { type JobMemory, LIMITS, type SetData, writeJson } from '@carillon/contracts'
import type { RunHead, Store } from '@carillon/store'
import type { RunningTasks } from '../ports.ts'
import { jobId } from './rules/job.ts'

const KEEPING = ['queued', 'running', 'paused', 'cancelling'] as const
const DATA = { field: 'data', maxBytes: LIMITS.jobDataBytes, tooLarge: 'DATA_TOO_LARGE', notJson: 'INVALID_JSON' } as const
/** The newest runs that succeeded: the run that asks may be one of them. */
const READ_RUNS = 2

/** What the runs of a job leave for the next ones: data, and the last result. */
export class KeepMemory {
  readonly #store: Store
  readonly #running: RunningTasks

  constructor({ store, running }: { store: Store; running: RunningTasks }) {
    this.#store = store
    this.#running = running
  }

  /** @throws CarillonError RUN_NOT_FOUND, TASK_NOT_RUNNING, DATA_TOO_LARGE, INVALID_JSON */
  async set(namespace: string, call: SetData): Promise<{ kept: boolean }> {
    const data = writeJson(call.data, DATA)
    const { run } = await this.#running.running(namespace, call, KEEPING)
    if (run.job === null) return { kept: false }
    const outcome = await this.#store.jobs.setData(jobId(namespace, run.job), data === '{}' ? null : data)
    return { kept: outcome === 'applied' }
  }

  /** @throws CarillonError RUN_NOT_FOUND */
  async read(namespace: string, taskId: string): Promise<JobMemory> {
    const { run } = await this.#running.find(namespace, taskId)
    if (run.job === null) return { data: {} }
    const [[job], last] = await Promise.all([this.#store.jobs.get([jobId(namespace, run.job)]), this.#last(run, run.job)])
    return { data: JSON.parse(job?.data ?? '{}'), ...(last ? { last } : {}) }
  }

  async #last({ id, namespace }: RunHead, job: string): Promise<JobMemory['last'] | undefined> {
    const head = await this.#lastSucceeded({ namespace, job, except: id })
    const [run] = head ? await this.#store.runs.get([head.id]) : []
    if (!run?.endedAt) return undefined
    return { runId: run.id, result: JSON.parse(run.result ?? 'null'), endedAt: new Date(run.endedAt).toISOString() }
  }
  async #lastSucceeded({ namespace, job, except }: { namespace: string; job: string; except: string }): Promise<RunHead | undefined> {
    let cursor: string | undefined
    do {
      const slice = await this.#store.runs.list({ namespace, job, states: ['succeeded'], cursor, limit: READ_RUNS })
      const head = slice.items.find((run) => run.id !== except)
      if (head) return head
      cursor = slice.cursor
    } while (cursor !== undefined)
    return undefined
  }
}
