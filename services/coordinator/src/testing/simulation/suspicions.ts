import { POISON_AFTER } from '@carillon/contracts'
import type { RunHead, Store, TaskHead } from '@carillon/store'

/** How often a task may have killed a process: with fewer than three it must not be poison. */
export class Suspicions {
  readonly #counts = new Map<string, number>()
  readonly #before: number

  /** @param before losses that the run was given */
  constructor(before: number) {
    this.#before = before
  }

  add(taskId: string): void {
    this.#counts.set(taskId, (this.#counts.get(taskId) ?? 0) + 1)
  }

  async judge(store: Store, run: RunHead): Promise<string[]> {
    const { items } = await store.tasks.list({ runId: run.id, state: 'failed', limit: 1_000 })
    const lives: (RunHead | TaskHead)[] = [run, ...items]
    const isInnocent = ({ id, reason }: RunHead | TaskHead) =>
      reason === 'poison' && (this.#counts.get(id) ?? 0) + this.#before < POISON_AFTER
    return lives.filter(isInnocent).map(({ id }) => `${id} is poison, and has done nothing`)
  }
}
