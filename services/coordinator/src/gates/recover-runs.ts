import type { Clock } from '@carillon/runtime'
import type { RunHead, Store } from '@carillon/store'
import { isFanOut } from '../modes/rules/fan-out.ts'
import { isWork } from '../modes/workflow/rules/generations.ts'
import type { Reconciler, Tasks } from '../ports.ts'
import type { RunChange, TaskChange } from '../runs/rules/change.ts'
import { isRefused } from '../runs/rules/decision.ts'
import { decideReopen } from '../runs/rules/life.ts'
import { runOf } from '../runs/rules/work.ts'
import { decideDiscard } from './rules/decide.ts'

const PAGE = 500
const FAILED = ['failed', 'timed_out'] as const

/** Overlap `recover`: instead of a new run the failed tasks of the open one run again. */
export class RecoverRuns {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #reconciler: Reconciler
  readonly #clock: Clock

  constructor(options: { store: Store; tasks: Tasks; reconciler: Reconciler; clock: Clock }) {
    this.#store = options.store
    this.#tasks = options.tasks
    this.#reconciler = options.reconciler
    this.#clock = options.clock
  }

  /** Answers how the runs end in whose stead they run. */
  async execute(open: string | undefined, instead: readonly RunHead[]): Promise<RunChange[]> {
    const [holder] = open === undefined ? [] : await this.#store.runs.heads([open])
    const reopened = holder && isFanOut(holder) && holder.state === 'running' ? await this.#reopen(holder) : 0
    const now = this.#clock.now()
    return instead.map((run, i) => {
      // Those that came together have nothing left to recover.
      const isRecovered = reopened > 0 && i === 0
      const message = isRecovered
        ? `${reopened} failed tasks of run ${holder?.id} run again in its stead`
        : `run ${holder?.id} is open, and none of its tasks has failed`
      return { run, decision: decideDiscard(run, { reason: isRecovered ? 'recovered' : 'overlap', message, now }) }
    })
  }

  async #reopen(run: RunHead): Promise<number> {
    let count = 0
    for (const state of FAILED) {
      let cursor: string | undefined
      do {
        const page = await this.#store.tasks.list({ runId: run.id, state, limit: PAGE, cursor })
        const changes = page.items
          .filter((task) => isWork(run, task))
          .flatMap((task): TaskChange[] => {
            const ownRun = runOf(run, task)
            const decision = decideReopen(task, { tries: ownRun.tries })
            return isRefused(decision) ? [] : [{ task, run: ownRun, decision }]
          })
        const outcomes = await this.#tasks.write(changes)
        count += outcomes.filter((outcome) => outcome === 'applied').length
        cursor = page.cursor
      } while (cursor !== undefined)
    }
    if (count > 0) this.#reconciler.soon(run.id)
    return count
  }
}
