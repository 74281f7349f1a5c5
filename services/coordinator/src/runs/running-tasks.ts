import type { RunState } from '@carillon/contracts'
import type { Store } from '@carillon/store'
import { readLives } from '../lives.ts'
import type { Lives, RunningTasks } from '../ports.ts'
import { runNotFound } from './rules/missing.ts'
import { type Caller, checkRuns } from './rules/running-task.ts'
import type { Work } from './rules/work.ts'

/** Finds the tasks on whose behalf executors call. */
export class TaskFinder implements RunningTasks {
  readonly #store: Store
  readonly #lives: Lives

  constructor({ store, lives }: { store: Store; lives: Lives }) {
    this.#store = store
    this.#lives = lives
  }

  async find(namespace: string, taskId: string): Promise<Work> {
    const [work] = await readLives(this.#store, [taskId])
    if (work?.run.namespace !== namespace) throw runNotFound(taskId)
    return work
  }

  async running(namespace: string, caller: Caller, states: readonly RunState[]): Promise<Work> {
    const work = await this.find(namespace, caller.taskId)
    checkRuns(work, caller, states)
    return work
  }

  async ranRecently(namespace: string, caller: Caller, states: readonly RunState[]): Promise<Work> {
    const [known] = await this.#lives.known([caller.taskId])
    const task = known?.task
    if (
      known?.run.namespace === namespace &&
      task?.attempt === caller.attempt &&
      task.owner === caller.instance &&
      task.state === 'running'
    )
      if (known.run.state === 'running') return known
    return this.running(namespace, caller, states)
  }
}
