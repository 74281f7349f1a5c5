import { CALLS, type Call, CarillonError, type LogView, type RunEndedEvent, type RunTree, type RunView } from '@carillon/contracts'
import type { Client } from '../client/client.ts'

/** A mesh in memory with one run: what `runs.get` and `logs.query` answer is what the test sets. */
export class OneRunClient implements Client {
  run: RunView
  /** What the logger has stored. */
  stored: LogView[] = []
  /** What `runs.tree` answers. */
  tree: RunTree | undefined
  isAway = false
  readonly asked: string[] = []
  readonly #changed = new Set<() => void>()
  readonly #ended = new Set<(event: RunEndedEvent) => void>()
  readonly #logs = new Set<(line: LogView) => void>()

  constructor(run: RunView) {
    this.run = run
  }

  async call<C extends Call>(call: C): Promise<never> {
    this.asked.push(`${call.noun}.${call.verb}`)
    if (this.isAway) throw new CarillonError('NO_SERVICE', `No ${call.service} answers`)
    if (call.verb === CALLS.runsTree.verb) return this.tree as never
    return (call.noun === CALLS.logsQuery.noun ? { items: this.stored } : this.run) as never
  }

  onRunChange(_runId: string, heard: () => void): () => void {
    this.#changed.add(heard)
    return () => this.#changed.delete(heard)
  }

  onRunEnd(_runId: string, heard: (event: RunEndedEvent) => void): () => void {
    this.#ended.add(heard)
    return () => this.#ended.delete(heard)
  }

  onLogs(_runId: string, heard: (line: LogView) => void): () => void {
    this.#logs.add(heard)
    return () => this.#logs.delete(heard)
  }

  async close(): Promise<void> {
    this.#changed.clear()
  }

  /** The run changes, and says so. */
  change(changes: Partial<RunView>): void {
    this.run = { ...this.run, ...changes }
    for (const heard of this.#changed) heard()
  }

  /** The run has ended, and its terminal event is published. */
  end(event: Partial<RunEndedEvent>): RunView {
    this.change({ state: 'succeeded' })
    const { runId, handler, attempt, createdAt: at } = this.run
    for (const heard of this.#ended) heard({ runId, handler, state: 'succeeded', reason: 'completed', attempt, at, ...event })
    return this.run
  }

  /** A line is published. */
  publish(line: LogView): void {
    for (const heard of this.#logs) heard(line)
  }

  get listeners(): number {
    return this.#changed.size + this.#ended.size + this.#logs.size
  }
}
