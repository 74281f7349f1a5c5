import type { RunTree } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { Store, TaskHead } from '@carillon/store'
import type { Modes } from '../modes/mode.ts'
import { countsOf, totalOf } from '../modes/rules/fan-in.ts'
import { missingRun } from './read-runs.ts'
import { leftMsOf, percentOf } from './rules/tree.ts'
import { runView, taskView } from './rules/views.ts'

const SHOWN = 5
/** Above this number of running tasks their progress is not added up. */
const RUNNING_AT_MOST = 1_000
/** Above this number the longest tasks are not queried: to sort them would delay other work. */
const SORTED_AT_MOST = 100_000

/** Reads a fan-out run for people, at a glance. */
export class ReadTree {
  readonly #store: Store
  readonly #modes: Modes
  readonly #clock: Clock

  constructor(options: { store: Store; modes: Modes; clock: Clock }) {
    this.#store = options.store
    this.#modes = options.modes
    this.#clock = options.clock
  }

  /** @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST of a run with one task */
  async execute(namespace: string, runId: string): Promise<RunTree> {
    const [run] = await this.#store.runs.heads([runId])
    if (!run || run.namespace !== namespace) throw await missingRun(this.#store, namespace, runId)
    const now = this.#clock.now()
    const { tasks } = this.#store
    const counts = countsOf(await tasks.tally({ runId }))
    const { stages, nodes } = await this.#modes[run.mode].tree(run, counts, this.#store)
    const isSmall = totalOf(counts) <= SORTED_AT_MOST
    const running = (await tasks.list({ runId, state: 'running', limit: RUNNING_AT_MOST })).items
    const failed = [
      ...(await tasks.list({ runId, state: 'failed', limit: SHOWN })).items,
      ...(await tasks.list({ runId, state: 'timed_out', limit: SHOWN })).items,
    ]
    const slowest = [...(isSmall ? await tasks.slowest({ runId, limit: SHOWN }) : []), ...running].sort(
      (one, other) => tookMs(other, now) - tookMs(one, now),
    )
    const { job, handler, mode, state, reason, startedAt, endedAt } = runView(run)
    // Tasks of nodes that were begun again are history.
    const current = nodes && new Set(nodes.flatMap(({ taskId, compensation }) => [taskId, compensation?.taskId]))
    const isCurrent = ({ id }: TaskHead) => current === undefined || current.has(id)
    const percent = percentOf(run, stages, running)
    // Nodes of a workflow are not alike: what is left of one cannot be estimated from those that have ended.
    const leftMs = nodes === undefined ? leftMsOf(run, percent, now) : undefined
    return {
      runId,
      ...(job === undefined ? {} : { job }),
      handler,
      mode,
      state,
      ...(reason === undefined ? {} : { reason }),
      percent,
      ...(leftMs === undefined ? {} : { leftMs }),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(endedAt === undefined ? {} : { endedAt }),
      stages,
      ...(nodes === undefined ? {} : { nodes }),
      failed: failed.filter(isCurrent).slice(0, SHOWN).map(taskView),
      slowest: slowest.filter(isCurrent).slice(0, SHOWN).map(taskView),
    }
  }
}

const tookMs = ({ startedAt, endedAt }: TaskHead, now: number) => (startedAt === null ? 0 : (endedAt ?? now) - startedAt)
