import { type JournalEntry, LIMITS, type StepCall } from '@carillon/contracts'
import type { Resume, StepRecord } from '@carillon/store'

const INDEX_LETTERS = String(LIMITS.steps).length
const EPOCH_LETTERS = 9
const TRY_LETTERS = 4

const padded = (value: number, letters: number) => String(value).padStart(letters, '0')

/** The id of a record of a step; without a try what the ids of its records begin with. */
export function stepIdOf({ taskId, index, epoch }: Pick<StepRecord, 'taskId' | 'index' | 'epoch'>, tried?: number): string {
  const id = `${taskId}.${padded(index, INDEX_LETTERS)}.${padded(epoch, EPOCH_LETTERS)}`
  return tried === undefined ? id : `${id}.${padded(tried, TRY_LETTERS)}`
}

/** The record of a reported step. @param result JSON text */
export function stepRecord(
  call: StepCall,
  more: { namespace: string; resume: Resume | null; result: string | null; now: number },
): StepRecord {
  const { taskId, index, name, outcome } = call
  const epoch = more.resume && index >= more.resume.step ? more.resume.epoch : 0
  return {
    id: stepIdOf({ taskId, index, epoch }, call.try),
    namespace: more.namespace,
    ...{ taskId, index, epoch, name },
    try: call.try,
    attempt: call.attempt,
    state: outcome.type,
    result: more.result,
    error: outcome.type === 'failed' ? outcome.failure : null,
    final: outcome.type === 'failed' && outcome.isFinal ? 1 : 0,
    until: untilOf(outcome, more.now),
    at: more.now,
  }
}

function untilOf(outcome: StepCall['outcome'], now: number): number | null {
  if (outcome.type === 'sleeping') return dueAt(outcome, now)
  return outcome.type === 'waiting' && outcome.timeoutMs !== undefined ? now + outcome.timeoutMs : null
}

const dueAt = ({ forMs, until }: { forMs?: number | undefined; until?: string | undefined }, now: number) =>
  until === undefined ? now + (forMs ?? 0) : Date.parse(until)

/**
 * The journal of a task, from its records in the order of their ids. Of a task that was restarted from a step on, what was done
 * from there on before does not count; what comes later in the order counts more than what came before.
 */
export function entriesOf(records: readonly StepRecord[], resume: Resume | null): JournalEntry[] {
  const entries = new Map<number, JournalEntry>()
  for (const record of records) {
    if (resume && record.index >= resume.step && record.epoch !== resume.epoch) continue
    const before = entries.get(record.index)
    const isFailed = record.state === 'failed' && record.final === 0
    entries.set(record.index, {
      index: record.index,
      name: record.name,
      state: record.state,
      tries: record.try,
      failures: isFailed ? (before?.failures ?? 0) + 1 : 0,
      ...resultOf(record),
      ...(record.error ? { failure: record.error } : {}),
      ...(record.final === 1 && record.attempt >= (resume?.since ?? 1) ? { isFinal: true } : {}),
      ...(record.until === null ? {} : { until: new Date(record.until).toISOString() }),
      at: new Date(record.at).toISOString(),
    })
  }
  return [...entries.values()]
}

function resultOf(record: StepRecord): Pick<JournalEntry, 'result' | 'by'> {
  if (record.state === 'done') return { result: JSON.parse(record.result ?? 'null') as unknown }
  if (record.state !== 'received') return {}
  const { payload, by } = receivedOf(record)
  return { result: payload, ...(by === undefined ? {} : { by }) }
}

/** What a received signal leaves in the journal. */
export interface Received {
  readonly signalId: string
  readonly by?: string
  readonly payload: unknown
}

export const receivedOf = ({ result }: Pick<StepRecord, 'result'>): Received => JSON.parse(result ?? '{"payload":null}') as Received

/** An entry as it is answered: the coordinator computes what is left of a sleep or a time limit, since an executor's clock may differ. */
export function answeredAt(entry: JournalEntry, now: number): JournalEntry {
  return entry.until === undefined ? entry : { ...entry, leftMs: Math.max(0, Date.parse(entry.until) - now) }
}
