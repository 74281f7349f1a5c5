import type { JournalEntry, StepCall } from '@carillon/contracts'
import type { Life } from './life.ts'

interface Stored {
  readonly call: StepCall
  readonly at: number
}

/** The journal of all tasks. Entries are never changed: of two executions of one try of a step the first counts. */
export class Journal {
  readonly #steps = new Map<string, Map<string, Stored>>()

  /** @returns the stored entry, which may be an earlier one */
  store(call: StepCall, now: number): JournalEntry {
    const steps = this.#steps.get(call.taskId) ?? new Map<string, Stored>()
    this.#steps.set(call.taskId, steps)
    const key = `${call.index} ${call.try}`
    const stored = steps.get(key) ?? { call, at: now }
    steps.set(key, stored)
    return entryOf(stored, { now, failures: 0, since: 1 })
  }

  /** In the order in which the program comes to them. */
  read({ id, since }: Pick<Life, 'id' | 'since'>, now: number): JournalEntry[] {
    const entries = new Map<number, JournalEntry>()
    const stored = [...(this.#steps.get(id)?.values() ?? [])]
    for (const step of stored.sort((one, other) => one.call.index - other.call.index || one.call.try - other.call.try)) {
      const failures = entries.get(step.call.index)?.failures ?? 0
      entries.set(step.call.index, entryOf(step, { now, failures, since }))
    }
    return [...entries.values()]
  }
}

function entryOf({ call, at }: Stored, { now, failures, since }: { now: number; failures: number; since: number }): JournalEntry {
  const { index, name, outcome, try: tries } = call
  const entry = { index, name, state: outcome.type, tries, failures: 0, at: new Date(at).toISOString() }
  if (outcome.type === 'done') return { ...entry, result: outcome.result ?? null }
  if (outcome.type === 'failed') {
    const { failure, isFinal } = outcome
    if (!isFinal) return { ...entry, failure, failures: failures + 1 }
    return { ...entry, failure, ...(call.attempt >= since ? { isFinal } : {}) }
  }
  if (outcome.type === 'waiting') return entry
  const until = outcome.until === undefined ? at + (outcome.forMs ?? 0) : Date.parse(outcome.until)
  return { ...entry, until: new Date(until).toISOString(), leftMs: Math.max(0, until - now) }
}
