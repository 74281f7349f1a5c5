import { isTaskId } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import type { ParentTasks } from '../child-ports.ts'
import { readTasks, splitting } from '../lives.ts'
import type { Faulty, Lives, Reconciler } from '../ports.ts'
import type { Change, TaskChange } from './rules/change.ts'
import { mayLeaveChildren } from './rules/leaves-children.ts'
import { isTaskOfRun, onlyTask, type Work } from './rules/work.ts'
import type { RunWriter } from './write-runs.ts'
import type { TaskWriter } from './write-tasks.ts'

/** Writes changes of a task: in the record of its run if it is the only one of a single run, else in its own. */
export class LifeWriter implements Lives {
  readonly #store: Store
  readonly #runs: RunWriter
  readonly #tasks: TaskWriter
  readonly #reconciler: Reconciler
  readonly #parents: ParentTasks

  constructor(options: { store: Store; runs: RunWriter; tasks: TaskWriter; reconciler: Reconciler; parents: ParentTasks }) {
    this.#store = options.store
    this.#runs = options.runs
    this.#tasks = options.tasks
    this.#reconciler = options.reconciler
    this.#parents = options.parents
  }

  known(ids: readonly string[]): Promise<(Work | undefined)[]> {
    return splitting(ids, isTaskId, {
      ofRuns: async (runIds): Promise<(Work | undefined)[]> => (await this.#runs.known(runIds)).map((run) => run && onlyTask(run)),
      ofTasks: (taskIds) => readTasks(this.#store, taskIds),
    })
  }

  forget(ids: readonly string[]): void {
    this.#runs.forget(ids)
  }

  write(changes: readonly Change[], options: { isRepeated: boolean } = { isRepeated: false }) {
    return splitting(changes, isTaskOfRun, {
      ofRuns: (ofRuns) => this.#runs.write(ofRuns, options),
      ofTasks: (ofTasks) => this.#tasks.write(ofTasks as readonly TaskChange[]),
    })
  }

  async endFaulty(faulty: readonly Faulty[]): Promise<void> {
    await this.#runs.endFaulty(faulty.flatMap(({ work, error }) => (isTaskOfRun(work) ? [] : [{ run: work.run, error }])))
    await this.#tasks.endFaulty(faulty.flatMap(({ work, error }) => (isTaskOfRun(work) ? [{ work, error }] : [])))
  }

  async repeatEnd(work: Work): Promise<void> {
    if (!isTaskOfRun(work)) return this.#runs.repeatEnd(work.run)
    this.#reconciler.soon(work.run.id)
    if (mayLeaveChildren(work.task)) this.#parents.changed(work.run.id)
  }
}
