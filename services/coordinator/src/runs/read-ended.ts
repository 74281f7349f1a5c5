import { type CALLS, type CallOutput, CarillonError, isEnded, LIMITS, parseInput, runIdField } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'
import * as z from 'zod'
import { missingBecause } from './rules/missing.ts'
import { endedEventText } from './rules/views.ts'

type Outcome = CallOutput<typeof CALLS.runsEnded>['runs'][number]

const idSchema = z.object({ runId: runIdField })
/** A record is as large as its payload: so many bytes of them are read at a time. */
const READ_BYTES = 256 * 1024
/** Of all outcomes of an answer, with room for what is around them. */
const ANSWER_BYTES = LIMITS.messageBytes - 1_024

/** Reads which runs have ended, and how, for those that wait for them. */
export class ReadEnded {
  readonly #store: Store

  constructor(options: { store: Store }) {
    this.#store = options.store
  }

  /** In the order of the ids; the answer ends before the outcome with which it would be too large. What is wrong with an id is the outcome of that id. */
  async execute(namespace: string, given: readonly unknown[]): Promise<Outcome[]> {
    const ids = given.map(checkedId)
    const texts = await this.#textsOf(namespace, [...new Set(ids.filter((id) => typeof id === 'string'))])
    const outcomes: Outcome[] = []
    let bytes = 0
    for (const id of ids) {
      const text = typeof id === 'string' ? texts.get(id) : refusalText(id)
      bytes += text === undefined ? 0 : Buffer.byteLength(text) + 1
      if (text === undefined || (outcomes.length > 0 && bytes > ANSWER_BYTES)) break
      outcomes.push(JSON.parse(text))
    }
    return outcomes
  }

  /** What is to be answered about each of these runs. Of those that have ended the first ones: as many as an answer may have. */
  async #textsOf(namespace: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>()
    const [ended, missing]: [string[], string[]] = [[], []]
    for (const [i, head] of (await this.#store.runs.heads(ids)).entries()) {
      const id = ids[i] as string
      if (head?.namespace !== namespace) missing.push(id)
      else if (isEnded(head.state)) ended.push(id)
      else texts.set(id, openText(head))
    }
    let bytes = 0
    for (let read = 0; read < ended.length && bytes <= ANSWER_BYTES; ) {
      const records = await this.#store.runs.get(ended.slice(read), READ_BYTES)
      for (const record of records) {
        const id = ended[read++] as string
        // It may have been removed meanwhile.
        if (record === undefined) missing.push(id)
        else texts.set(id, endText(record))
        bytes += Buffer.byteLength(texts.get(id) ?? '')
      }
    }
    const tombstones = missing.length === 0 ? [] : await this.#store.retention.tombstones(missing)
    for (const [i, runId] of missing.entries()) texts.set(runId, refusalText(missingBecause(tombstones[i], { namespace, runId })))
    return texts
  }
}

const openText = ({ id, state }: Pick<RunRecord, 'id' | 'state'>) => JSON.stringify({ runId: id, state })
const refusalText = (error: CarillonError) => JSON.stringify({ error: error.toBody() })

function checkedId(given: unknown): string | CarillonError {
  try {
    return parseInput(idSchema, { runId: given }).runId
  } catch (error) {
    return CarillonError.from(error)
  }
}

/** It may be open again; what is stored of it may be broken. */
function endText(run: RunRecord): string {
  if (!isEnded(run.state)) return openText(run)
  try {
    return endedEventText(run)
  } catch (error) {
    return refusalText(CarillonError.from(error))
  }
}
