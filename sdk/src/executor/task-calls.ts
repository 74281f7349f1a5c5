import {
  CALLS,
  CarillonError,
  ERROR_CODES,
  type JournalEntry,
  LIMITS,
  type Page,
  type StepCall,
  type TaskResult,
  type WorkMessage,
  writeJson,
} from '@carillon/contracts'
import type { Caller } from '../client/caller.ts'
import { sleep } from '../clock.ts'
import { jitter } from '../randomness.ts'

const PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
/** Longer than a restart of anything; then the attempt fails, and is tried again as its run says. */
const GIVE_UP_AFTER_MS = 60_000
const NEVER_ABORTED = new AbortController().signal

/** What running tasks ask of the mesh. It goes on asking while services are away or behind: whatever is asked may be asked twice. */
export class TaskCalls {
  /** The process is to end: steps that have not begun are left to others. */
  isDraining = false
  readonly #caller: Caller
  readonly #instance: string

  constructor(options: { caller: Caller; instance: string }) {
    this.#caller = options.caller
    this.#instance = options.instance
  }

  /** @param call which call of its task, from 0 */
  async map(
    { taskId, attempt }: WorkMessage,
    call: { call: number; name: string; items: readonly unknown[] },
    signal: AbortSignal,
  ): Promise<void> {
    // zod says of what is no JSON where it is, but for cycles.
    if (Array.isArray(call.items)) for (const [i, item] of call.items.entries()) checkNesting(item, `items.${i}`)
    const items = call.items as CallItems
    const input = { taskId, attempt, instance: this.#instance, ...call, items }
    await this.#patiently(signal, () => this.#caller.call(CALLS.tasksMap, input, { signal }))
  }

  /** A page of what a task has to reduce. */
  async results(
    { taskId }: WorkMessage,
    page: { cursor: string | undefined; limit: number },
    signal: AbortSignal,
  ): Promise<Page<TaskResult>> {
    return this.#patiently(signal, () => this.#caller.call(CALLS.tasksResults, { taskId, ...page }, { signal }))
  }

  /** A step that is done is stored also when its task is to stop. */
  async step({ taskId, attempt }: WorkMessage, step: Pick<StepCall, 'index' | 'name' | 'try' | 'outcome'>): Promise<JournalEntry> {
    const input = { taskId, attempt, instance: this.#instance, ...step }
    const { stored } = await this.#patiently(NEVER_ABORTED, () => this.#caller.call(CALLS.tasksStep, input))
    return stored
  }

  /** What the steps of a task have done, by their place. */
  async journal({ taskId }: WorkMessage, signal: AbortSignal): Promise<Map<number, JournalEntry>> {
    const entries = new Map<number, JournalEntry>()
    let cursor: string | undefined
    do {
      const page = await this.#patiently(signal, () => this.#caller.call(CALLS.tasksJournal, { taskId, cursor }, { signal }))
      for (const entry of page.items) {
        // The tries of one step may lie on two pages.
        const failures = entry.failures > 0 ? entry.failures + (entries.get(entry.index)?.failures ?? 0) : 0
        entries.set(entry.index, { ...entry, failures })
      }
      cursor = page.next
    } while (cursor !== undefined)
    return entries
  }

  async #patiently<Output>(signal: AbortSignal, work: () => Promise<Output>): Promise<Output> {
    const { clock } = this.#caller
    const giveUpAt = clock.now() + GIVE_UP_AFTER_MS
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await work()
      } catch (error) {
        if (!CarillonError.is(error) || !ERROR_CODES[error.code].retry || clock.now() + pauseMs > giveUpAt) throw error
      }
      await sleep(clock, jitter(pauseMs), signal)
      signal.throwIfAborted()
    }
  }
}

/** @throws CarillonError INVALID_JSON, JSON_TOO_DEEP */
function checkNesting(item: unknown, field: string): void {
  if (typeof item === 'object' && item !== null)
    writeJson(item, { field, maxBytes: LIMITS.itemBytes, tooLarge: 'ITEM_TOO_LARGE', notJson: 'INVALID_JSON' })
}

type CallItems = Parameters<(typeof CALLS)['tasksMap']['input']['parse']>[0] extends { items: infer Items } ? Items : never
