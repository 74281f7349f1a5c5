import { CarillonError, isEnded, printable, type RunView } from '@carillon/contracts'
import type { RunHead, Store } from '@carillon/store'
import { NOT_SUCCEEDED } from '../modes/planner.ts'
import { resumeFrom } from '../steps/keep-steps.ts'
import { missingRun, type ReadRuns } from './read-runs.ts'
import { type Decision, decideCancel, decideRestart, isRefused } from './rules/life.ts'
import type { RunWriter } from './write-runs.ts'

const TRIES_AGAINST_OTHERS = 5

export interface RetryRequest {
  readonly runId: string
  readonly only?: 'failed' | undefined
  readonly fromStep?: string | undefined
}

/** Cancels and retries runs on request. */
export class ChangeRuns {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #reads: ReadRuns

  constructor(options: { store: Store; writer: RunWriter; reads: ReadRuns }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#reads = options.reads
  }

  /** A queued run never starts; a running one is cancelled when its executor confirms or is silent. @throws CarillonError RUN_ENDED */
  async cancel(namespace: string, runId: string): Promise<RunView> {
    const before = await this.#decide(namespace, runId, (run) => {
      if (run.state === 'cancelling') return undefined
      const decision = decideCancel(run, this.#writer.now())
      if (isRefused(decision))
        throw new CarillonError('RUN_ENDED', `run ${printable(runId)} has ended: ${run.state}`, { field: 'runId', value: printable(runId) })
      return decision
    })
    if (before.state === 'queued' && before.mode === 'single') await this.#writer.withdraw(before)
    return this.#reads.get(namespace, runId)
  }

  /**
   * With as many tries as at first, whatever the limit was.
   * @param only what did not succeed: of a run with many tasks those. A map is retried in no other way: what it has made stays
   * @param fromStep of a run with steps: this one and those after it are done again
   * @throws CarillonError RUN_OPEN, NOTHING_FAILED, INVALID_REQUEST
   */
  async retry(namespace: string, { runId, only, fromStep }: RetryRequest): Promise<RunView> {
    await this.#decide(namespace, runId, async (run) => {
      const decision = decideRestart(run, { tries: run.tries, now: this.#writer.now() })
      if (isRefused(decision) || !isEnded(run.state))
        throw new CarillonError('RUN_OPEN', `run ${printable(runId)} is ${run.state}`, { field: 'runId', value: printable(runId) })
      if (only && !(await this.#hasFailed(run))) {
        const message = `run ${printable(runId)} has nothing that failed: it is ${run.state}`
        throw new CarillonError('NOTHING_FAILED', message, { field: 'only', value: only })
      }
      const isMap = run.mode === 'map' || run.mode === 'map-reduce'
      if (isMap && !only)
        throw new CarillonError('INVALID_REQUEST', `run ${printable(runId)} has mapped: it cannot be run again as a whole`, {
          field: 'only',
          hint: 'Run its failed tasks again with only: "failed", or start a new run.',
        })
      if (run.mode === 'single') {
        return { ...decision, set: { ...decision.set, resume: await resumeFrom(this.#store, run, fromStep) } }
      }
      if (fromStep !== undefined) throw hasManyTasks(runId, fromStep)
      return only ? { ...decision, set: { ...decision.set, reason: 'retry-failed' } } : decision
    })
    return this.#reads.get(namespace, runId)
  }

  /** Whether anything of an ended run did not succeed. One that succeeded may have tasks that failed, and were tolerated. */
  async #hasFailed({ id, mode, state }: RunHead): Promise<boolean> {
    if (state !== 'succeeded' && state !== 'skipped') return true
    return mode !== 'single' && (await this.#store.tasks.countUpTo({ runId: id, states: NOT_SUCCEEDED, atMost: 1 })) > 0
  }

  /** Decides from the stored run, again if it changed meanwhile. Answers the run as it was. */
  async #decide(
    namespace: string,
    runId: string,
    decide: (run: RunHead) => Decision | undefined | Promise<Decision | undefined>,
  ): Promise<RunHead> {
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const [run] = await this.#store.runs.heads([runId])
      if (!run || run.namespace !== namespace) throw await missingRun(this.#store, namespace, runId)
      const decision = await decide(run)
      if (!decision) return run
      const [outcome] = await this.#writer.write([{ run, decision }])
      if (outcome === 'applied') return run
      if (CarillonError.is(outcome)) throw outcome
    }
    throw new CarillonError('CONCURRENT_CHANGE', `run ${printable(runId)} is being changed by others`, {
      field: 'runId',
      value: printable(runId),
    })
  }
}

function hasManyTasks(runId: string, fromStep: string): CarillonError {
  return new CarillonError('INVALID_REQUEST', `run ${printable(runId)} has many tasks: it cannot be restarted from a step`, {
    field: 'fromStep',
    value: printable(fromStep),
  })
}
