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
    this.#unawaited({ runId }, this.#settle(runId))
  }

  begin(children: readonly RunHead[]): void {
    this.#unawaited({ runId: children[0]?.id, runs: children.length }, this.check(children))
  }

  async check(children: readonly RunHead[]): Promise<readonly string[]> {
    const within = children.filter(({ parentTask, state }) => parentTask !== null && !isEnded(state))
    const parents = await readLives(
      this.#store,
      within.map(({ parentTask }) => parentTask as string),
    )
    const changed: string[] = []
    for (const [i, child] of within.entries()) if (await this.#follow(child, parents[i])) changed.push(child.id)
    return changed
  }

  #unawaited(which: { readonly runId: string | undefined; readonly runs?: number }, done: Promise<unknown>): void {
    done.catch((error: unknown) =>
      this.#log.error({ evt: 'children.not-changed', ...which, err: error }, 'child runs could not follow their run; it is tried again'),
    )
  }

  async #settle(runId: string): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#store.runs.children({ of: runId, limit: PAGE, cursor })
      await this.check(page.items)
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
