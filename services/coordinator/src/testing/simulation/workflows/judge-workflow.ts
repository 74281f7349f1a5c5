import { isEnded, undoneByTask, type WorkflowNode } from '@carillon/contracts'
import type { RunRecord, TaskRecord } from '@carillon/store'
import type { History } from './history.ts'
import { type Fate, type Interpretation, interpret } from './interpret.ts'
import { judgeChildren } from './judge-children.ts'
import { type Ended, judgeUndo } from './judge-undo.ts'
import type { RandomWorkflow } from './made-workflow.ts'
import { byHand, currentOf, generationOf, type Played, scriptOf } from './script-of.ts'

/** What is wrong with a workflow that should have ended, by the interpreter of the rules. */
export function judgeWorkflow(ended: Ended): string[] {
  const { run, tasks } = ended
  const open = [run, ...tasks].find(({ state }) => !isEnded(state))
  if (open) return [`${open.id} never ended: it is ${open.state}`]
  return [...new Judgement(ended).all()]
}

class Judgement {
  readonly #run: RunRecord
  readonly #tasks = new Map<string, TaskRecord>()
  readonly #current: readonly { readonly id: string; readonly task: TaskRecord }[]
  readonly #played: Played
  readonly #made: RandomWorkflow
  readonly #history: History
  readonly #given: Ended['given']
  readonly #expected: Interpretation
  readonly #judged: Ended
  readonly #hadBegun: (id: string) => boolean

  constructor(ended: Ended) {
    const { run, made, history, given } = ended
    this.#judged = ended
    this.#given = given
    this.#run = run
    this.#made = made
    this.#history = history
    this.#current = currentOf(ended, made)
    for (const { id, task } of this.#current) this.#tasks.set(id, task)
    this.#played = { run, made, current: this.#tasks, children: ended.children }
    const script = scriptOf(this.#played)
    const { ancestors } = interpret(made.workflow, script)
    this.#hadBegun = (id) => this.#beganBefore(id, ancestors.get(id) ?? new Set())
    this.#expected = interpret(made.workflow, { ...script, hadBegun: this.#hadBegun })
  }

  *all(): Generator<string> {
    if (this.#tasks.size < this.#current.length) yield `${this.#current.length - this.#tasks.size} nodes have more than one task`
    yield* this.#outcome()
    yield* judgeUndo({ ...this.#judged, current: this.#tasks, ancestors: this.#expected.ancestors })
    for (const id of this.#history.queuedWhilePaused) yield `task ${id} was queued while the run was paused`
    const isCut = this.#isCancelled() || this.#isOnlyUndone()
    yield* judgeChildren(this.#played, { expected: this.#expected, history: this.#history, isCut })
    const isPartial = this.#isPartial()
    for (const node of this.#made.workflow.nodes) {
      const task = this.#tasks.get(node.id)
      const fate = this.#expected.fates.get(node.id) as Fate
      if (task && fate.is !== 'ran' && !this.#isByHand(task)) yield `node ${node.id} is ${fate.is}, and has a task, which is ${task.state}`
      if (!task && fate.is === 'ran' && !isPartial) yield `node ${node.id} had to run, and has no task`
      if (!task || fate.is !== 'ran' || this.#isByHand(task)) continue
      yield* this.#end(node, task, fate)
      if (!this.#hadBegun(node.id)) yield* this.#input(node, task, fate)
      yield* this.#order(node, task)
    }
  }

  #isByHand(task: TaskRecord): boolean {
    return byHand(task) !== undefined
  }

  #isCancelled(): boolean {
    return this.#run.reason === 'cancelled-by-request' || (this.#run.compensation !== null && this.#history.cancelledAt !== undefined)
  }

  /** It did not go on as its nodes say: only what was left was undone, or a node was changed when that had begun. */
  #isOnlyUndone(): boolean {
    const isChanged = this.#current.some(({ task }) => this.#isByHand(task))
    return this.#history.isUndoneAgain || (isChanged && this.#judged.tasks.some(({ id }) => this.#isUndo(id)))
  }

  #isUndo(id: string): boolean {
    const undone = undoneByTask(id)
    return undone !== undefined && undone.generation === generationOf(this.#run, undone.place)
  }

  /** Not all that could have started did. */
  #isPartial(): boolean {
    return this.#isCancelled() || this.#isOnlyUndone() || (this.#made.workflow.failFast === true && this.#firstFailure() !== undefined)
  }

  /** Before one of its ancestors was changed by hand. */
  #beganBefore(id: string, ancestors: ReadonlySet<string>): boolean {
    const at = this.#history.created.get(this.#tasks.get(id)?.id ?? '')?.at
    const changes = [...ancestors].flatMap((one) => this.#tasks.get(one) ?? []).filter((task) => this.#isByHand(task))
    return at !== undefined && changes.some((task) => at < (this.#history.ended.get(task.id)?.at ?? 0))
  }

  #followsHand(id: string): boolean {
    return [id, ...(this.#expected.ancestors.get(id) ?? [])].some((one) => byHand(this.#tasks.get(one)) !== undefined)
  }

  *#outcome(): Generator<string> {
    const { state, reason } = this.#run
    if (reason === 'compensation-failed') {
      if (state !== 'failed') yield `what was to be undone was not, and the run is ${state}`
    } else if (this.#isOnlyUndone()) {
      if (state !== 'failed' && state !== 'cancelled') yield `nodes of the run were undone, and it is ${state}`
    } else if (this.#isCancelled()) {
      if (state !== 'cancelled') yield `the run was cancelled, and is ${state}`
      if (this.#history.cancelledAt === undefined) yield 'the run is cancelled, and nobody wanted that'
    } else if (this.#isPartial()) {
      if (state !== 'failed' || reason !== 'tasks-failed') yield `the run had to stop at a failure, and is ${state}: ${reason}`
    } else if (state !== this.#expected.state || reason !== this.#expected.reason)
      yield `the run is ${state}: ${reason}, and had to be ${this.#expected.state}: ${this.#expected.reason}`
  }

  *#end(node: WorkflowNode, task: TaskRecord, fate: Extract<Fate, { is: 'ran' }>): Generator<string> {
    const isAsCancelled =
      (this.#isCancelled() || this.#isOnlyUndone()) &&
      (task.state === 'cancelled' || (task.state === 'failed' && ('handler' in node || 'job' in node)))
    if (task.state !== fate.state && !isAsCancelled) yield `node ${node.id} is ${task.state}: ${task.reason}, and had to be ${fate.state}`
    if ('decision' in node && task.state === 'succeeded' && task.node?.branch !== fate.branch)
      yield `decision ${node.id} took branch ${task.node?.branch}, and had to take ${fate.branch}`
    if ('wait' in node && task.state === 'succeeded') yield* this.#wait(node, task)
  }

  *#wait({ id, wait }: Extract<WorkflowNode, { wait: unknown }>, task: TaskRecord): Generator<string> {
    const until = 'until' in wait ? Date.parse(wait.until) : 0
    const due = 'durationMs' in wait ? (task.startedAt ?? 0) + wait.durationMs + this.#history.pausedSince(task.id) : until
    const time = this.#history.ended.get(task.id)?.time ?? 0
    if (time < due) yield `wait ${id} was over ${due - time} ms before its time`
  }

  *#input({ id }: WorkflowNode, task: TaskRecord, { given: expected }: Extract<Fate, { is: 'ran' }>): Generator<string> {
    const given = this.#given.get(task.id)
    if (given && sortedText(given) !== sortedText(expected ?? 'nothing'))
      yield `node ${id} was given ${sortedText(given)}, and had to be given ${sortedText(expected ?? 'nothing')}`
    const isChild = this.#made.children.has(id)
    if (!given && expected && task.state === 'succeeded' && !isChild) yield `node ${id} has succeeded, and no instance ran it`
  }

  /** Whatever leads to a node has ended before it, and nothing starts after a cancel or, where that is wanted, after a failure. */
  *#order(node: WorkflowNode, task: TaskRecord): Generator<string> {
    const created = this.#history.created.get(task.id)
    if (!created) return yield `node ${node.id} has a task that was never created`
    for (const id of this.#expected.ancestors.get(node.id) ?? []) {
      const before = this.#tasks.get(id)
      const end = before && this.#history.ended.get(before.id)
      // What was not needed can be skipped by hand later on: then what follows it runs, too.
      if (before && !this.#followsHand(id) && !(end && end.at < created.at)) yield `node ${node.id} was started before ${id} had ended`
      if (!before && this.#expected.fates.get(id)?.is === 'ran') yield `node ${node.id} was started, and ${id} before it never was`
    }
    if (this.#history.isPausedAt(created.plannedAt)) yield `node ${node.id} was started while the run was paused`
    const { cancelledAt } = this.#history
    if (cancelledAt !== undefined && created.plannedAt > cancelledAt) yield `node ${node.id} was started after the run was cancelled`
    const failedAt = this.#made.workflow.failFast ? this.#firstFailure() : undefined
    if (failedAt !== undefined && created.plannedAt > failedAt) yield `node ${node.id} was started after a failure`
  }

  /** When the first failure was written that is not skipped. */
  #firstFailure(): number | undefined {
    const times = this.#made.workflow.nodes.flatMap(({ id, onFailure }) => {
      const task = this.#tasks.get(id)
      const end = task && this.#history.ended.get(task.id)
      return end && onFailure !== 'skip' && (end.state === 'failed' || end.state === 'timed_out') ? [end.time] : []
    })
    return times.length === 0 ? undefined : Math.min(...times)
  }
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
