import { isEnded } from '@carillon/contracts'
import type { Logger } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import type { ParentTasks } from '../child-ports.ts'
import { readLives } from '../lives.ts'
import type { ChildChanges } from '../ports.ts'
import type { Work } from '../runs/rules/work.ts'
import type { Waits } from '../signal-ports.ts'
import { stepOfChild } from './rules/child-step.ts'

const PAGE = 200

/** Brings child runs and the tasks that wait for them together: both follow from what is stored of them. */
export class SettleParents implements ParentTasks {
  readonly #store: Store
  readonly #waits: Pick<Waits, 'asleep'>
  readonly #changes: ChildChanges
  readonly #log: Logger

  constructor(options: { store: Store; waits: Pick<Waits, 'asleep'>; changes: ChildChanges; log: Logger }) {
    this.#store = options.store
    this.#waits = options.waits
    this.#changes = options.changes
    this.#log = options.log
  }

  async childrenEnded(runs: readonly RunHead[]): Promise<void> {
    for (const { parentTask } of runs) if (parentTask !== null) await this.#waits.asleep(parentTask)
  }

  changed(runId: string): void {
    this.#unawaited(runId, this.#settle(runId))
  }

  begins(child: RunHead): void {
    this.#unawaited(child.id, this.check(child))
  }

  async check(child: RunHead): Promise<boolean> {
    if (child.parentTask === null) return false
    const [parent] = await readLives(this.#store, [child.parentTask])
    return this.#follow(child, parent)
  }

  #unawaited(runId: string, done: Promise<unknown>): void {
    done.catch((error: unknown) =>
      this.#log.error({ evt: 'children.not-changed', runId, err: error }, 'child runs could not follow their run; it is tried again'),
    )
  }

  async #settle(runId: string): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#store.runs.children({ of: runId, limit: PAGE, cursor })
      const open = page.items.filter(({ state }) => !isEnded(state))
      const parents = await readLives(
        this.#store,
        open.map(({ parentTask }) => parentTask as string),
      )
      for (const [i, child] of open.entries()) await this.#follow(child, parents[i])
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  async #follow(child: RunHead, parent: Work | undefined): Promise<boolean> {
    const step = stepOfChild(child, parent)
    if (step === 'cancel') await this.#changes.cancelWithin(child)
    if (step === 'pause') return this.#changes.pauseWithin(child)
    if (step === 'resume') await this.#changes.resumeWithin(child)
    return step !== undefined
  }
}
