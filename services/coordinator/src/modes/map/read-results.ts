import { CarillonError, type Page, printable, type TaskResult } from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import { rangeOf } from './plan.ts'

/** Reads the results that a reduce or merge task reduces, in the order of the map. */
export class ReadResults {
  readonly #store: Store

  constructor(options: { store: Store }) {
    this.#store = options.store
  }

  /** @throws CarillonError INVALID_REQUEST of a task that reduces nothing */
  async execute(namespace: string, query: { taskId: string; cursor?: string | undefined; limit: number }): Promise<Page<TaskResult>> {
    const { taskId, cursor } = query
    const [task] = await this.#store.tasks.get([taskId])
    const range = task?.namespace === namespace ? rangeOf(task) : undefined
    if (!task || !range) {
      const hint = 'Only reduce and merge tasks of a map-reduce run have results to read.'
      throw new CarillonError('INVALID_REQUEST', `task ${printable(taskId)} reduces nothing`, {
        field: 'taskId',
        value: printable(taskId),
        hint,
      })
    }
    const leaves = { runId: task.runId, ...range, state: 'succeeded', isLeaf: true, cursor } as const
    return pageThatFits(
      (maxBytes) => this.#store.tasks.results({ ...leaves, limit: query.limit, maxBytes }),
      (tasks) => tasks.map(({ id, result }) => ({ taskId: id, result: result === null ? null : (JSON.parse(result) as unknown) })),
    )
  }
}
