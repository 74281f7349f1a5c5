import type { CALLS, CallRequest, Page, SignalView } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { SignalRecord, Store } from '@carillon/store'
import { taskOfTaker } from './rules/waits.ts'

/** Shows the signals of a run, also of one that is not there. */
export class ReadSignals {
  readonly #store: Store

  constructor({ store }: { store: Store }) {
    this.#store = store
  }

  async list(namespace: string, query: CallRequest<typeof CALLS.runsSignals>): Promise<Page<SignalView>> {
    const [run] = await this.#store.runs.heads([query.runId])
    return pageThatFits(
      (maxBytes) => this.#store.signals.list({ ...query, namespace, maxBytes }),
      (signals) => signals.map((signal) => viewOf(signal, { isThere: run?.namespace === namespace })),
    )
  }
}

function viewOf({ id, runId, name, payload, by, at, takenBy, expiresAt }: SignalRecord, { isThere }: { isThere: boolean }): SignalView {
  return {
    signalId: id,
    runId,
    name,
    state: takenBy !== null ? 'taken' : isThere ? 'kept' : 'unclaimed',
    payload: JSON.parse(payload) as unknown,
    ...(by === null ? {} : { by }),
    at: new Date(at).toISOString(),
    ...(takenBy === null ? { expiresAt: new Date(expiresAt).toISOString() } : { takenBy: taskOfTaker(takenBy) }),
  }
}
