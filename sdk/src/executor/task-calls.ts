import {
  CALLS,
  CarillonError,
  type ChildRunView,
  ERROR_CODES,
  isUndeclared,
  type JobMemory,
  type JournalEntry,
  LIMITS,
  type Page,
  type StepCall,
  type TaskResult,
  type WorkMessage,
  writeJson,
} from '@carillon/contracts'
import { jitter, pause } from '@carillon/wire/internal'
import type { Caller } from '../client/caller.ts'
import type { Activity } from '../liveness/activity.ts'
import type { OnWarning } from '../warning.ts'
import type { ChildRunRequest } from './child-runs.ts'

const PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
/** After a fault of a service, which may be permanent, the attempt fails and is retried by the policy of its run. An unavailable service is waited for. */
const FAULT_PASSES_WITHIN_MS = 60_000
const NEVER_ABORTED = new AbortController().signal

/** A step to be stored, and the program that has done it. */
export type StepToStore = Pick<StepCall, 'index' | 'name' | 'try' | 'outcome'> & { readonly program: string }

/** The calls of running tasks. They are repeated while services are unavailable or overloaded: each is idempotent. */
export class TaskCalls {
  /** The process is to end: steps that have not begun are left to other instances. */
  isDraining = false
  readonly #caller: Pick<Caller, 'call' | 'clock'>
  readonly #instance: string
  readonly #activity: Pick<Activity, 'sign'>
  readonly #onWarning: OnWarning
  /** Handlers that were warned about. */
  readonly #undeclared = new Set<string>()

  constructor(options: {
    caller: Pick<Caller, 'call' | 'clock'>
    instance: string
    activity: Pick<Activity, 'sign'>
    onWarning: OnWarning
  }) {
    this.#onWarning = options.onWarning
    this.#caller = options.caller
    this.#instance = options.instance
    this.#activity = options.activity
  }

  /** @param call which call of its task, from 0 */
  async map(
    { taskId, attempt }: WorkMessage,
    call: { call: number; name: string; items: readonly unknown[] },
    signal: AbortSignal,
  ): Promise<void> {
    const items = (Array.isArray(call.items) ? call.items.map(asJson) : call.items) as CallItems
    const input = { taskId, attempt, instance: this.#instance, ...call, items }
    await this.#patiently(signal, () => this.#caller.call(CALLS.tasksMap, input, { signal }))
  }

  /** Starts a child run, unless it is there, and answers how it is. */
  run({ taskId, attempt }: WorkMessage, request: ChildRunRequest, signal: AbortSignal): Promise<ChildRunView> {
    const input = { taskId, attempt, instance: this.#instance, ...request, run: asPayload(request.run) }
    return this.#patiently(signal, () => this.#caller.call(CALLS.tasksRun, input, { signal }))
  }

  /** A page of the results that a task reduces. */
  async results(
    { taskId }: WorkMessage,
    page: { cursor: string | undefined; limit: number },
    signal: AbortSignal,
  ): Promise<Page<TaskResult>> {
    return this.#patiently(signal, () => this.#caller.call(CALLS.tasksResults, { taskId, ...page }, { signal }))
  }

  /** A completed step is stored also when its task is to stop. */
  async step({ taskId, attempt, handler }: WorkMessage, step: StepToStore): Promise<JournalEntry> {
    if (isUndeclared(step.program)) this.#warnUndeclared(handler)
    const input = { taskId, attempt, instance: this.#instance, ...step }
    const { stored } = await this.#patiently(NEVER_ABORTED, () => this.#caller.call(CALLS.tasksStep, input))
    return stored
  }

  /** The journal of a task, by the index of the step, and the program that began it. */
  async journal(
    { taskId }: WorkMessage,
    signal: AbortSignal,
  ): Promise<{ entries: Map<number, JournalEntry>; program: string | undefined }> {
    const entries = new Map<number, JournalEntry>()
    let program: string | undefined
    let cursor: string | undefined
    do {
      const page = await this.#patiently(signal, () => this.#caller.call(CALLS.tasksJournal, { taskId, cursor }, { signal }))
      for (const entry of page.items) {
        // The tries of one step may lie on two pages.
        const failures = entry.failures > 0 ? entry.failures + (entries.get(entry.index)?.failures ?? 0) : 0
        entries.set(entry.index, { ...entry, failures })
      }
      cursor = page.next
      program = page.program
    } while (cursor !== undefined)
    return { entries, program }
  }

  /** Answers the next slot of the job, if it has one now. */
  async next(
    { taskId, attempt }: WorkMessage,
    choice: { at: string } | { delayMs: number },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const input = { taskId, attempt, instance: this.#instance, ...choice }
    return (await this.#patiently(signal, () => this.#caller.call(CALLS.tasksNext, input, { signal }))).nextAt
  }

  /** Answers whether there is a job that keeps it. */
  async setData({ taskId, attempt }: WorkMessage, data: Record<string, unknown>, signal: AbortSignal): Promise<boolean> {
    const input = { taskId, attempt, instance: this.#instance, data: dataAsJson(data) }
    return (await this.#patiently(signal, () => this.#caller.call(CALLS.tasksData, input, { signal }))).kept
  }

  memory({ taskId }: WorkMessage, signal: AbortSignal): Promise<JobMemory> {
    return this.#patiently(signal, () => this.#caller.call(CALLS.tasksMemory, { taskId }, { signal }))
  }

  /** Once: whether a handler has steps is only known when it comes to the first. */
  #warnUndeclared(handler: string): void {
    if (this.#undeclared.has(handler)) return
    this.#undeclared.add(handler)
    const message = `Handler ${handler} stores steps and has no version: after a change of it, runs that sleep may not find their steps. Give it one: mesh.handle('${handler}', …, { version: 'v1' })`
    this.#onWarning({ code: 'program-undeclared', message })
  }

  async #patiently<Output>(signal: AbortSignal, work: () => Promise<Output>): Promise<Output> {
    const { clock } = this.#caller
    const giveUpAt = clock.monotonic() + FAULT_PASSES_WITHIN_MS
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Also of a task that waits for the mesh: it is not the task that does nothing.
      this.#activity.sign()
      try {
        const output = await work()
        this.#activity.sign()
        return output
      } catch (error) {
        const isFault = CarillonError.is(error) && error.code === 'INTERNAL' && clock.monotonic() > giveUpAt
        if (!CarillonError.is(error) || !ERROR_CODES[error.code].retry || isFault) throw error
      }
      await pause(clock, jitter(pauseMs), signal)
      signal.throwIfAborted()
    }
  }
}

/** @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, DATA_TOO_LARGE */
function dataAsJson(data: unknown): Record<string, unknown> {
  const limit = { field: 'data', maxBytes: LIMITS.jobDataBytes, tooLarge: 'DATA_TOO_LARGE', notJson: 'INVALID_JSON' } as const
  return JSON.parse(writeJson(data, limit))
}

/** As its task will receive it: a date is text, what is undefined is absent. @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, ITEM_TOO_LARGE */
function asJson(item: unknown, i: number): unknown {
  const limit = { field: `items.${i}`, maxBytes: LIMITS.itemBytes, tooLarge: 'ITEM_TOO_LARGE', notJson: 'INVALID_JSON' } as const
  return JSON.parse(writeJson(item, limit))
}

/** As its task will receive it. @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, PAYLOAD_TOO_LARGE */
function asPayload(run: Record<string, unknown>): Record<string, unknown> {
  const limit = { field: 'payload', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const
  return run['payload'] === undefined ? run : { ...run, payload: JSON.parse(writeJson(run['payload'], limit)) }
}

type CallItems = Parameters<(typeof CALLS)['tasksMap']['input']['parse']>[0] extends { items: infer Items } ? Items : never
