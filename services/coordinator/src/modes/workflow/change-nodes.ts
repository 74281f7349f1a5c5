import {
  CarillonError,
  isEnded,
  LIMITS,
  nextState,
  nodeTaskId,
  printable,
  type RunEvent,
  type RunState,
  type RunView,
  TIMES,
  writeJson,
} from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { LifeChange, RunHead, Store, TaskHead } from '@carillon/store'
import type { Reconciler, Tasks, WorkQueue } from '../../ports.ts'
import { wasCancelled } from '../../runs/rules/cancelled.ts'
import { isRefused } from '../../runs/rules/decision.ts'
import { decideCancel } from '../../runs/rules/life.ts'
import { taskOfRun } from '../../runs/rules/new-run.ts'
import type { RunRestarts } from '../../runs/rules/restarts.ts'
import { runOf } from '../../runs/rules/work.ts'
import type { Caller } from './decide-approvals.ts'
import { againHint, type FoundNode, NodeFinder, type NodeOf, wrongNode } from './find-node.ts'
import { currentRecords } from './read-facts.ts'
import { checkApprover } from './rules/approvers.ts'
import { generationOf } from './rules/generations.ts'

/** What operators say about single nodes of a workflow. Each write is one of the node; if the run had ended, it goes on then. */
export class ChangeNodes {
  readonly #store: Store
  readonly #tasks: Tasks
  readonly #work: WorkQueue
  readonly #restarts: RunRestarts
  readonly #reconciler: Reconciler
  readonly #clock: Clock
  readonly #finder: NodeFinder

  constructor(options: { store: Store; tasks: Tasks; work: WorkQueue; restarts: RunRestarts; reconciler: Reconciler; clock: Clock }) {
    this.#store = options.store
    this.#tasks = options.tasks
    this.#work = options.work
    this.#restarts = options.restarts
    this.#reconciler = options.reconciler
    this.#clock = options.clock
    this.#finder = new NodeFinder(options)
  }

  /** The node does nothing, and what follows it goes on: one that has not begun, waits, or did not succeed. @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST, FORBIDDEN, CONCURRENT_CHANGE */
  async skip(namespace: string, at: NodeOf, { by, origin }: Caller): Promise<RunView> {
    const found = await this.#found(namespace, at)
    checkApprover(found.node, origin)
    if (!found.task && found.run.state === 'succeeded') throw wrongNode(at, 'its run has succeeded without it', againHint(at))
    if (found.task) {
      const since = await this.#settle(found.task, { ...found, event: 'passed', set: {}, by })
      return this.#goOn(namespace, { run: found.run, at, since })
    }
    await this.#insertSkipped(found, at, by)
    return this.#goOn(namespace, { run: found.run, at, since: undefined })
  }

  /** A node that did not succeed counts as one that did. @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST, FORBIDDEN, CONCURRENT_CHANGE, RESULT_TOO_LARGE */
  async succeed(namespace: string, { result, ...at }: NodeOf & { readonly result?: unknown }, { by, origin }: Caller): Promise<RunView> {
    const found = await this.#found(namespace, at)
    checkApprover(found.node, origin)
    if (!found.task) throw wrongNode(at, 'it has not begun', 'Skip it: `carillon runs skip-node`. Or wait for its end.')
    const limit = { field: 'result', maxBytes: LIMITS.resultBytes, tooLarge: 'RESULT_TOO_LARGE', notJson: 'RESULT_NOT_JSON' } as const
    const set = { result: writeJson(result ?? null, limit) }
    const since = await this.#settle(found.task, { ...found, event: 'overruled', set, by })
    return this.#goOn(namespace, { run: found.run, at, since })
  }

  /** A node that is under way is cancelled; what does not follow it goes on. @throws CarillonError RUN_NOT_FOUND, INVALID_REQUEST, CONCURRENT_CHANGE */
  async stop(namespace: string, at: NodeOf): Promise<RunView> {
    const { run, task } = await this.#finder.find(namespace, at)
    const decision = task && decideCancel(task, this.#clock.now())
    if (!task || !decision || isRefused(decision))
      throw wrongNode(at, task ? `it is ${task.state}` : 'it has not begun', 'Stop a node that is under way.')
    const [outcome] = await this.#tasks.write([{ task, run: runOf(run, task), decision }])
    if (outcome !== 'applied') throw changed(at)
    if (task.state === 'queued') await this.#work.withdraw({ run: runOf(run, task), task })
    // Its child run is cancelled.
    if (task.node?.child !== undefined) this.#reconciler.soon(run.id)
    return this.#restarts.view(namespace, run.id)
  }

  /** A node of a run that may go on. A child run does so with the run that it is within. */
  async #found(namespace: string, at: NodeOf): Promise<FoundNode> {
    const found = await this.#finder.find(namespace, at)
    const { run } = found
    if (wasCancelled(run) && (run.parentTask === null || !isEnded(run.state)))
      throw wrongNode(
        at,
        isEnded(run.state) ? 'its run was cancelled' : 'its run is being cancelled',
        `Then run it again: \`carillon runs retry ${at.runId}\`.`,
      )
    await this.#checkUndone(found, at)
    return found
  }

  /** The run would go on as if what was undone were still there. @throws CarillonError NODES_COMPENSATED */
  async #checkUndone({ run }: Pick<FoundNode, 'run'>, { runId, node }: NodeOf): Promise<void> {
    const { undos } = await currentRecords(this.#store, run)
    const [undone] = undos.values()
    if (!undone) return
    throw new CarillonError(
      'NODES_COMPENSATED',
      `node ${printable(node)} of run ${printable(runId)} cannot be changed: node ${printable(undone.name ?? '')} was undone`,
      {
        field: 'node',
        value: printable(node),
        hint: `Run the first node that was undone again: \`carillon runs retry ${runId} --from-node ${undone.name}\`.`,
      },
    )
  }

  async #insertSkipped({ run, place, total }: FoundNode, at: NodeOf, by: string | undefined): Promise<void> {
    const now = this.#clock.now()
    const id = nodeTaskId(run.id, place, generationOf(run, place))
    const task = taskOfRun(run, { id, name: at.node, index: place, total })
    const ended = { state: 'skipped', reason: 'skipped-by-request', startedAt: now, endedAt: now, wakeAt: goesOnBy(now) } as const
    const [created] = await this.#tasks.insert([{ ...task, ...ended, node: by === undefined ? {} : { by } }])
    if (!created) throw changed(at)
  }

  /** Repeated, it changes nothing, and answers when it was done. */
  async #settle(
    task: TaskHead,
    { run, event, set, by }: FoundNode & { event: RunEvent & ('passed' | 'overruled'); set: LifeChange['set']; by: string | undefined },
  ): Promise<number | undefined> {
    const at = { runId: run.id, node: task.name ?? '' }
    const state = nextState(task.state, event)
    if (state === undefined) {
      if (task.reason === REASON[event]) return task.endedAt ?? undefined
      throw wrongNode(at, `it is ${task.state}`, isEnded(task.state) ? againHint(at) : 'Stop it first: `carillon runs stop-node`.')
    }
    const now = this.#clock.now()
    const ended = { state, reason: REASON[event], error: null, endedAt: now, wakeAt: goesOnBy(now), queuedAt: null } as const
    const decision = {
      event,
      expect: { state: [task.state] as RunState[], attempt: task.attempt },
      set: { ...set, ...ended, node: { ...task.node, ...(by === undefined ? {} : { by }) } },
    }
    const [outcome] = await this.#tasks.write([{ task, run: runOf(run, task), decision }])
    if (outcome !== 'applied') throw changed(at)
    return undefined
  }

  /**
   * It may have ended since it was read, without what was said about its node.
   * @param since when that was said, if it had been before: a run that has ended since has gone on with it already
   */
  async #goOn(namespace: string, { run: before, at, since }: { run: RunHead; at: NodeOf; since: number | undefined }): Promise<RunView> {
    const run = await this.#restarts.head(namespace, before.id)
    // What its nodes have done may have been undone since.
    if (isEnded(run.state)) await this.#checkUndone({ run }, at)
    // A child run goes on when the run that it is within does; one that was cancelled in the meantime does not.
    if (isEnded(run.state) && run.parentTask === null && !wasCancelled(run) && !(since !== undefined && (run.endedAt ?? 0) > since))
      await this.#restarts.restart(namespace, run.id)
    // Also where another request has restarted it: this change may have come after its reconciliation.
    this.#reconciler.soon(run.id)
    return this.#restarts.view(namespace, run.id)
  }
}

const REASON = { passed: 'skipped-by-request', overruled: 'succeeded-by-request' } as const

/** As at the end of a wait: should this coordinator die before the run goes on, or another one write its end, it goes on then. */
const goesOnBy = (now: number) => now + TIMES.ackWaitMs

const changed = ({ node }: NodeOf) =>
  new CarillonError('CONCURRENT_CHANGE', `node ${printable(node)} is being changed by others, or has just begun`, {
    field: 'node',
    value: printable(node),
  })
