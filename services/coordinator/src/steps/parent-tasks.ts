import { CarillonError, isEnded } from '@carillon/contracts'
import type { Logger } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { ParentTasks } from '../child-ports.ts'
import { readLives } from '../lives.ts'
import type { Waits } from '../signal-ports.ts'

const PAGE = 200

/** Brings child runs and the tasks that wait for them together: both follow from what is stored of them. */
export class SettleParents implements ParentTasks {
  readonly #store: Store
  readonly #waits: Pick<Waits, 'asleep'>
  readonly #cancel: (child: RunHead) => Promise<unknown>
  readonly #log: Logger

  constructor(options: { store: Store; waits: Pick<Waits, 'asleep'>; cancelRun: (child: RunHead) => Promise<unknown>; log: Logger }) {
    this.#store = options.store
    this.#waits = options.waits
    this.#cancel = options.cancelRun
    this.#log = options.log
  }

  async childrenEnded(runs: readonly RunHead[]): Promise<void> {
    for (const { parentTask } of runs) if (parentTask !== null) await this.#waits.asleep(parentTask)
  }

  cancelled(runId: string): void {
    this.#cancelChildren(runId).catch((error: unknown) =>
      this.#log.error({ evt: 'children.not-cancelled', runId, err: error }, 'child runs of a cancelled run could not be cancelled'),
    )
  }

  async #cancelChildren(runId: string): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#store.runs.children({ of: runId, limit: PAGE, cursor })
      const open = page.items.filter(({ state }) => !isEnded(state) && state !== 'cancelling')
      const parents = await readLives(
        this.#store,
        open.map(({ parentTask }) => parentTask as string),
      )
      for (const [i, child] of open.entries()) {
        const parent = parents[i]?.task
        if (parent && !isEnded(parent.state) && parent.state !== 'cancelling') continue
        await this.#cancel(child).catch((error: unknown) => {
          if (!CarillonError.is(error) || error.code !== 'RUN_ENDED') throw error
        })
      }
      cursor = page.cursor
    } while (cursor !== undefined)
  }
}
