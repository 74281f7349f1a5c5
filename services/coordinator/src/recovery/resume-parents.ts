import { setImmediate as nextTurn } from 'node:timers/promises'
import { isEnded, TIMES } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import type { ParentTasks } from '../child-ports.ts'
import { readLives } from '../lives.ts'
import type { Reconciler } from '../ports.ts'
import { isTaskOfRun } from '../runs/rules/work.ts'

const PAGE = 200
/** The end of a run is dated before it is written. What took longer was delivered to another coordinator by then. */
const WRITTEN_WITHIN_MS = TIMES.ackWaitMs

/**
 * A coordinator that has died may have stored the end of a child run, and not have gone on with what waits for it. Of the child runs that have ended since its last
 * checkpoint those concern it whose parents are open; any number of coordinators may do so at once.
 */
export class ResumeParents {
  readonly #store: Store
  readonly #reconciler: Reconciler
  readonly #parents: Pick<ParentTasks, 'childrenEnded'>

  constructor(options: { store: Store; reconciler: Reconciler; parents: ParentTasks }) {
    this.#store = options.store
    this.#reconciler = options.reconciler
    this.#parents = options.parents
  }

  /** @param checkpoint until when the dead coordinator had done what it owed */
  async execute(checkpoint: number, signal: AbortSignal): Promise<void> {
    let cursor: string | undefined
    do {
      const { items, cursor: next } = await this.#store.runs.endedChildren({ from: checkpoint - WRITTEN_WITHIN_MS, cursor, limit: PAGE })
      const parents = await readLives(
        this.#store,
        items.map(({ parentTask }) => parentTask as string),
      )
      const waiting = parents.flatMap((parent) => (parent && !isEnded(parent.run.state) ? [parent] : []))
      // Also where the node has ended: those that follow may not have begun.
      for (const runId of new Set(waiting.filter(isTaskOfRun).map(({ run }) => run.id))) this.#reconciler.soon(runId)
      const taskIds = new Set(waiting.filter(({ task }) => !isEnded(task.state)).map(({ task }) => task.id))
      await this.#parents.childrenEnded(items.filter(({ parentTask }) => taskIds.has(parentTask as string)))
      await nextTurn()
      cursor = next
    } while (cursor !== undefined && !signal.aborted)
  }
}
