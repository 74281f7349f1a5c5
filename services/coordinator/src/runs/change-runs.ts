import { CarillonError, isEnded, printable, type RunView } from '@carillon/contracts'
import type { RunHead, Store } from '@carillon/store'
import type { RetryRequest } from '../modes/mode.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { MODES } from '../modes/table.ts'
import { missingRun, type ReadRuns } from './read-runs.ts'
import type { Decision } from './rules/decision.ts'
import { decideCancel, decideRestart, isRefused } from './rules/life.ts'
import type { RunWriter } from './write-runs.ts'

const TRIES_AGAINST_OTHERS = 5

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
    if (before.state === 'queued' && !isFanOut(before)) await this.#writer.withdraw(before)
    return this.#reads.get(namespace, runId)
  }

  /**
   * With as many tries as at first, whatever the limit was.
   * @param request `only`: what did not succeed; `fromStep`: that step and those after it are done again. What of it applies is up to the mode
   * @throws CarillonError RUN_OPEN, NOTHING_FAILED, INVALID_REQUEST
   */
  async retry(namespace: string, { runId, ...request }: RetryRequest & { readonly runId: string }): Promise<RunView> {
    await this.#decide(namespace, runId, async (run) => {
      const decision = decideRestart(run, { tries: run.tries, now: this.#writer.now() })
      if (isRefused(decision) || !isEnded(run.state))
        throw new CarillonError('RUN_OPEN', `run ${printable(runId)} is ${run.state}`, { field: 'runId', value: printable(runId) })
      return { ...decision, set: { ...decision.set, ...(await MODES[run.mode].retry(run, request, this.#store)) } }
    })
    return this.#reads.get(namespace, runId)
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
