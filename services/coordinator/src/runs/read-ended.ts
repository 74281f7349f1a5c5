import { type CALLS, type CallOutput, CarillonError, isEnded, LIMITS, parseInput, runIdField } from '@carillon/contracts'
import type { RunHead, RunRecord, Store } from '@carillon/store'
import * as z from 'zod'
import { missingRun } from './read-runs.ts'
import { endedEventText } from './rules/views.ts'

type Outcome = CallOutput<typeof CALLS.runsEnded>['runs'][number]

const idSchema = z.object({ runId: runIdField })
/** A record is as large as its payload: so many bytes of them are read at a time. */
const READ_BYTES = 256 * 1024
/** Of the ends in one answer. What is open or missing needs less than the rest of a message. */
const ENDS_BYTES = LIMITS.messageBytes / 2

/** Reads which runs have ended, and how, for those that wait for them. */
export class ReadEnded {
  readonly #store: Store

  constructor(options: { store: Store }) {
    this.#store = options.store
  }

  /** In the order of the ids; the answer ends before the end with which it would be too large. What is wrong with an id is the outcome of that id. */
  async execute(namespace: string, given: readonly unknown[]): Promise<Outcome[]> {
    const ids = given.map(checkedId)
    const heads = await this.#heads(namespace, new Set(ids.filter((id) => typeof id === 'string')))
    const ends = await this.#ends([...heads.values()].filter(({ state }) => isEnded(state)).map(({ id }) => id))
    const outcomes: Outcome[] = []
    for (const id of ids) {
      const outcome = typeof id === 'string' ? await this.#outcome(namespace, id, { head: heads.get(id), ends }) : refusal(id)
      if (outcome === undefined) break
      outcomes.push(outcome)
    }
    return outcomes
  }

  async #heads(namespace: string, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, RunHead>> {
    const heads = await this.#store.runs.heads([...ids])
    return new Map(heads.flatMap((run) => (run?.namespace === namespace ? [[run.id, run]] : [])))
  }

  /** Of the first of these runs: as many as fit into an answer, and the first in any case. */
  async #ends(ids: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
    const ends = new Map<string, Outcome>()
    let bytes = 0
    for (let read = 0; read < ids.length; ) {
      const records = await this.#store.runs.get(ids.slice(read), READ_BYTES)
      read += records.length
      for (const run of records) {
        if (run === undefined) continue
        const text = endText(run)
        bytes += Buffer.byteLength(text)
        if (ends.size > 0 && bytes > ENDS_BYTES) return ends
        ends.set(run.id, JSON.parse(text))
      }
    }
    return ends
  }

  /** Undefined: it is for the next answer. */
  async #outcome(
    namespace: string,
    id: string,
    { head, ends }: { head: RunHead | undefined; ends: ReadonlyMap<string, Outcome> },
  ): Promise<Outcome | undefined> {
    if (head === undefined) return refusal(await missingRun(this.#store, namespace, id))
    return isEnded(head.state) ? ends.get(id) : { runId: id, state: head.state }
  }
}

const refusal = (error: CarillonError): Outcome => ({ error: error.toBody() })

function checkedId(given: unknown): string | CarillonError {
  try {
    return parseInput(idSchema, { runId: given }).runId
  } catch (error) {
    return CarillonError.from(error)
  }
}

/** It may be open again; what is stored of it may be broken. */
function endText(run: RunRecord): string {
  if (!isEnded(run.state)) return JSON.stringify({ runId: run.id, state: run.state })
  try {
    return endedEventText(run)
  } catch (error) {
    return JSON.stringify(refusal(CarillonError.from(error)))
  }
}
