import { POISON_AFTER } from '@carillon/contracts'
import type { RunHead, Store, TaskHead } from '@carillon/store'
import { withPort } from './store.ts'

/** A leg that a coordinator has queued, and is to offer to its instance. */
interface Announced {
  readonly taskId: string
  readonly attempt: number | undefined
  /** Whether that coordinator has died since. */
  readonly isDead: () => boolean
}

const keyOf = ({ taskId, attempt }: Pick<Announced, 'taskId' | 'attempt'>) => `${taskId}#${attempt}`

/** How often a task may have killed a process: with fewer than three it must not be poison. */
export class Suspicions {
  readonly #counts = new Map<string, number>()
  readonly #announced: Announced[] = []
  readonly #offered = new Set<string>()
  readonly #before: number

  /** @param before losses that the run was given */
  constructor(before: number) {
    this.#before = before
  }

  add(taskId: string): void {
    this.#counts.set(taskId, (this.#counts.get(taskId) ?? 0) + 1)
  }

  /** A store that notes what a coordinator is to offer. */
  watching(store: Store, isDead: () => boolean): Store {
    return withPort(store, 'tasks', {
      update: async (changes) => {
        const outcomes = await store.tasks.update(changes)
        for (const [i, { id: taskId, expect, set }] of changes.entries())
          if (outcomes[i] === 'applied' && set.state === 'queued')
            this.#announced.push({ taskId, attempt: set.attempt ?? expect.attempt, isDead })
        return outcomes
      },
    })
  }

  /** An instance was asked. */
  offered(work: { readonly taskId: string; readonly attempt: number }): void {
    this.#offered.add(keyOf(work))
  }

  /** Of a coordinator that died before it offered a leg the store does not say whether the instance had it: when that is lost, it is a loss of the leg. */
  #unsent(taskId: string): number {
    const unsent = this.#announced.filter((leg) => leg.taskId === taskId && leg.isDead() && !this.#offered.has(keyOf(leg)))
    return new Set(unsent.map(keyOf)).size
  }

  async judge(store: Store, run: RunHead): Promise<string[]> {
    const { items } = await store.tasks.list({ runId: run.id, state: 'failed', limit: 1_000 })
    const lives: (RunHead | TaskHead)[] = [run, ...items]
    const suspected = (id: string) => (this.#counts.get(id) ?? 0) + (run.mode === 'broadcast' ? this.#unsent(id) : 0) + this.#before
    const isInnocent = ({ id, reason }: RunHead | TaskHead) => reason === 'poison' && suspected(id) < POISON_AFTER
    return lives.filter(isInnocent).map(({ id }) => `${id} is poison, and has done nothing`)
  }
}
