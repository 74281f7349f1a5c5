import type { NodeState, RunMode, RunState, TreeNode } from '@carillon/contracts'
import type { LifeChange, RunHead, RunRecord, Store, TaskHead, TaskRecord } from '@carillon/store'
import type { Decision } from '../runs/rules/decision.ts'

/** How many tasks of a run are in each state. */
export type Counts = Partial<Record<RunState, number>>

/** Where a mode reads what it decides about. */
export interface Sources {
  readonly store: Store
  /** Live instances that may have tasks of a run, by id. */
  readonly offering: (run: RunHead) => readonly string[]
  readonly now: () => number
}

/** The stored state that a plan is made from: each mode adds what it reads. It may be stale: effects are conditional, so a stale view is harmless. */
export interface Facts {
  readonly run: RunHead
  readonly now: number
}

/** Tasks of the run in these states, with ids from `from` on and below `before`. Default: all of them. */
export interface TaskSet {
  readonly states: readonly RunState[]
  readonly from?: string
  readonly before?: string
}

/**
 * What is to be done next, in this order. Each is idempotent, also for several coordinators: tasks have deterministic ids, and every write
 * names the state that it expects.
 */
export type Effect =
  /** In this order, a page a write: there may be 100,000, so they are made as they are written. */
  | { readonly do: 'create'; readonly tasks: Iterable<TaskRecord> }
  /** Tasks that begin at once, or have ended already. `isPart`: more are to begin after these. */
  | { readonly do: 'insert'; readonly tasks: readonly TaskRecord[]; readonly isPart?: boolean }
  /** Changes of single tasks. */
  | { readonly do: 'change'; readonly changes: readonly { readonly task: TaskHead; readonly decision: Decision }[] }
  /** Starts, cancels and reads the child runs that these tasks wait for. */
  | { readonly do: 'settle-children'; readonly tasks: readonly TaskHead[] }
  /** Tasks of the set that had ended when the run was queued become waiting again. */
  | { readonly do: 'reopen'; readonly tasks: TaskSet }
  /** A change of the run: its tasks are created, or all have ended. */
  | { readonly do: 'decide'; readonly decision: Decision }
  /** Waiting tasks of the set, by id, until so many of the run are under way as `limit` says (default: all); `room` was free. */
  | { readonly do: 'free'; readonly tasks: TaskSet; readonly limit?: number; readonly room?: number }
  | { readonly do: 'cancel'; readonly tasks: TaskSet }
  /** Tasks that wait for signals take those that are there. `isLast`: their time is over. */
  | { readonly do: 'take-signals'; readonly taskIds: readonly string[]; readonly isLast: boolean }
  /** Messages of nodes are published. */
  | { readonly do: 'publish'; readonly taskIds: readonly string[] }
  | { readonly do: 'check-again'; readonly afterMs: number }
  /** What an ended run says is no longer so. */
  | { readonly do: 'correct'; readonly set: Pick<LifeChange['set'], 'compensation' | 'error'> }

/** The child runs that tasks wait for. */
export interface ChildRuns {
  /** Brings those of these tasks a step further, as the stored state says. @throws a transient error */
  settle(run: RunHead, tasks: readonly TaskHead[]): Promise<void>
  /** Cancels those of an ended run, which has tasks that are being cancelled. @throws a transient error */
  abandon(run: RunHead): Promise<void>
}

/** What a retry requests. */
export interface RetryRequest {
  /** `compensation`: of a workflow, what is left to be undone. */
  readonly only?: 'failed' | 'compensation' | undefined
  readonly fromStep?: string | undefined
  /** Of a workflow: this node and those that follow it. */
  readonly fromNode?: string | undefined
  /** Of a workflow: this node alone. */
  readonly node?: string | undefined
}

/** Tasks of a run that belong together, for people. */
export interface TreeStage {
  readonly name: string
  readonly total: number
  readonly counts: Partial<Record<NodeState, number>>
}

/** How a run is shown to people. */
export interface Tree {
  /** In the order in which they come. */
  readonly stages: readonly TreeStage[]
  /** Of a workflow. */
  readonly nodes?: readonly TreeNode[]
}

/** The table of modes. */
export type Modes = Readonly<Record<RunMode, Mode>>

/** How the tasks of a run are created, and how its state is advanced. One row of the table in `table.ts`. */
export interface Mode {
  /** Reads the facts that `plan` needs. */
  readFacts(run: RunHead, sources: Sources): Promise<Facts>
  /** The effects that advance the run as far as possible; none when there is nothing to do. Pure. @param facts of `readFacts` of the same mode */
  plan(facts: Facts): Effect[]
  /**
   * What a retry of an ended run writes besides its new attempt.
   * @throws CarillonError NOTHING_FAILED, INVALID_REQUEST
   */
  retry(
    run: RunHead,
    request: RetryRequest,
    store: Store,
  ): Promise<Partial<Pick<RunRecord, 'resume' | 'reason' | 'generations' | 'compensation'>>>
  /**
   * @param counts of all its tasks
   * @throws CarillonError INVALID_REQUEST of a run that has one task
   */
  tree(run: RunHead, counts: Counts, store: Store): Promise<Tree>
}
