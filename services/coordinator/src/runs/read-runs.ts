import {
  BUILT_IN_HANDLERS,
  type CarillonError,
  LIMITS,
  OPEN_STATES,
  type Page,
  type Reason,
  type RunState,
  type RunView,
  type TaskView,
  type WhyRun,
} from '@carillon/contracts'
import { pageThatFits } from '@carillon/runtime'
import type { RunHead, RunRecord, Store, TaskHead, TaskRecord } from '@carillon/store'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { Matching, Presence, WhyAtGate } from '../ports.ts'
import type { Programs } from '../program-ports.ts'
import { recordsOf, waitsOf } from '../signals/rules/waits.ts'
import { missingBecause } from './rules/missing.ts'
import { runView, taskView } from './rules/views.ts'
import { reasonOfNodes, whyOf, whyOfNode } from './rules/why.ts'
import { onlyTask, runOf, type Work } from './rules/work.ts'

/** Hung or cordoned instances that a reason names. */
const NAMES_SHOWN = 5
/** Offered handlers that a reason names: enough to find a misspelt one. */
const HANDLERS_SHOWN = 20

/** States of nodes that wait: for others, or for an instance; and those of nodes that move. */
const HELD_STATES = ['delayed', 'queued'] as const
const OTHER_OPEN_STATES = OPEN_STATES.filter((state) => !(HELD_STATES as readonly RunState[]).includes(state))

/** Why a run is not found. */
export async function missingRun(store: Store, namespace: string, runId: string): Promise<CarillonError> {
  const [tombstone] = await store.retention.tombstones([runId])
  return missingBecause(tombstone, { namespace, runId })
}

/** Reads runs for people, with the reason why a queued one waits. */
export class ReadRuns {
  readonly #store: Store
  readonly #presence: Presence
  readonly #matching: Matching
  readonly #programs: Programs
  readonly #whyAtGate: WhyAtGate

  constructor(options: { store: Store; presence: Presence; matching: Matching; programs: Programs; whyAtGate: WhyAtGate }) {
    this.#programs = options.programs
    this.#store = options.store
    this.#whyAtGate = options.whyAtGate
    this.#presence = options.presence
    this.#matching = options.matching
  }

  async get(namespace: string, runId: string): Promise<RunView> {
    const [run] = await this.#store.runs.get([runId])
    if (run?.namespace !== namespace) throw await missingRun(this.#store, namespace, runId)
    const message = await this.#whyAtGate(run)
    if (message !== undefined) return runView(run, { reason: 'gate', message })
    const waiting = run.mode === 'workflow' ? await this.#whyNothingMoves(run) : undefined
    return waiting === undefined ? this.view(run) : runView(run, waiting)
  }

  /** Why a run is in its state. */
  async why(namespace: string, runId: string): Promise<WhyRun> {
    const [run] = await this.#store.runs.heads([runId])
    if (run?.namespace !== namespace) throw await missingRun(this.#store, namespace, runId)
    const offering = this.#presence.offering(namespace, run.handler).length
    if (run.mode === 'workflow' && (run.state === 'running' || run.state === 'cancelling'))
      return { runId, state: run.state, why: await this.#whyNodes(run) }
    const facts = {
      run,
      noInstance: run.mode === 'workflow' ? undefined : (this.#whyNoProgram(onlyTask(run)) ?? this.#whyNoneMay(run)),
      offering,
      atGate: await this.#whyAtGate(run),
      waitingSince: await this.#waitingSince(run),
    }
    return { runId, state: run.state, why: whyOf(facts) }
  }

  /** When the first of the steps began to wait that wait for signals now. */
  async #waitingSince(run: RunHead): Promise<number | undefined> {
    const waits = waitsOf(run)
    if (waits.length === 0) return undefined
    const steps = await this.#store.steps.get(waits.map((wait) => recordsOf(wait)[0]))
    return Math.min(...steps.flatMap((step) => (step ? [step.at] : [])))
  }

  /**
   * What all open nodes of a workflow wait for: people, others, or an instance. It is found when it is read: to keep it in the record of the run would be a write for each wait that
   * begins or ends. Undefined: something of it is under way, or is due by itself.
   */
  async #whyNothingMoves(run: RunHead): Promise<{ reason: Reason; message: string } | undefined> {
    if (run.state !== 'running' || run.reason !== null) return undefined
    const { tasks } = this.#store
    if ((await tasks.countUpTo({ runId: run.id, states: OTHER_OPEN_STATES, atMost: 1 })) > 0) return undefined
    const pages = await Promise.all(HELD_STATES.map((state) => tasks.list({ runId: run.id, state, limit: LIMITS.workflowNodes })))
    const held = pages.flatMap(({ items }) => items)
    const reason = reasonOfNodes(held.map((task) => (task.state === 'queued' ? this.#reasonOfQueued(run, task) : task.reason)))
    return reason && { reason, message: this.#whyThese(run, held) }
  }

  #reasonOfQueued(run: RunHead, task: TaskHead): Reason | null {
    return this.#whyNoneMay(runOf(run, task)) === undefined ? null : 'no-instance'
  }

  /** What holds back the nodes of a workflow that have begun: those behind them wait for these. */
  async #whyNodes(run: RunHead): Promise<string> {
    const pages = await Promise.all(OPEN_STATES.map((state) => this.#store.tasks.list({ runId: run.id, state, limit: NAMES_SHOWN })))
    const nodes = pages.flatMap(({ items }) => items)
    const what = nodes.length === 0 ? 'its next nodes are about to begin' : this.#whyThese(run, nodes)
    if (run.state === 'cancelling') return nodes.length === 0 ? 'it is being cancelled' : `it is being cancelled: ${what}`
    return run.reason === 'compensating' ? `it can only fail, and what its nodes have done is being undone: ${what}` : what
  }

  #whyThese(run: RunHead, tasks: readonly TaskHead[]): string {
    const why = (task: TaskHead) =>
      whyOfNode(task, () => this.#whyNoProgram({ run: runOf(run, task), task }) ?? this.#whyNoneMay(runOf(run, task)))
    return tasks.slice(0, NAMES_SHOWN).map(why).join('; ')
  }

  async tasks(
    namespace: string,
    query: { runId: string; state?: RunState | undefined; cursor?: string | undefined; limit: number },
  ): Promise<Page<TaskView>> {
    const [run] = await this.#store.runs.heads([query.runId])
    if (run?.namespace !== namespace) throw await missingRun(this.#store, namespace, query.runId)
    return pageThatFits(
      (maxBytes) => this.#store.tasks.listWhole({ ...query, maxBytes }),
      (tasks) => tasks.map((task) => this.#taskView(run, task)),
    )
  }

  #taskView(run: RunHead, task: TaskRecord): TaskView {
    const isQueued = task.state === 'queued' && task.target === null
    if (isQueued && task.reason !== 'program-changed' && this.#programs.whyNone({ run: runOf(run, task), task }) !== undefined)
      return taskView({ ...task, reason: 'no-compatible-instance' })
    const isWaiting = isQueued && task.reason === null
    return taskView(isWaiting && this.#whyNoneMay(runOf(run, task)) !== undefined ? { ...task, reason: 'no-instance' } : task)
  }

  /** Which program a task waits for, with what was wrong with the last one that had it. */
  #whyNoProgram(work: Work): string | undefined {
    const { state, target, reason, error } = work.task
    if (state !== 'queued' || target !== null) return undefined
    const why = this.#programs.whyNone(work)
    return why !== undefined && reason === 'program-changed' && error ? `${error.message} ${why}` : why
  }

  /** Undefined: some instance may be given its tasks. */
  #whyNoneMay(run: RunHead): string | undefined {
    const why = run.routing === null ? undefined : this.#matching.whyNone(run)
    if (why !== undefined) return why
    return this.#presence.offers(run.namespace, run.handler) ? undefined : this.#whyNoInstance(run)
  }

  #whyNoInstance({ namespace, handler }: Pick<RunHead, 'namespace' | 'handler'>): string {
    const holding = this.#presence.holding(namespace, handler).map(({ instance }) => instance)
    if (holding.length > 0) return this.#whyNoneTakesWork(namespace, handler, holding)
    const offered = this.#presence.handlers(namespace)
    const these = offered.length > 0 ? `these are offered: ${listed(offered, HANDLERS_SHOWN)}` : 'no handler is offered at all'
    const command = BUILT_IN_HANDLERS.get(handler)
    return `no instance offers handler \`${handler}\`; ${these}${command === undefined ? '' : `. To offer the built-in one: ${command}`}`
  }

  /** An instance that is both is named as cordoned: an operator knows of it. */
  #whyNoneTakesWork(namespace: string, handler: string, instances: readonly string[]): string {
    const cordoned = instances.filter((instance) => this.#presence.isCordoned(namespace, instance))
    const hung = instances.filter((instance) => !cordoned.includes(instance))
    const every = `every instance that offers handler \`${handler}\` is`
    const areIdle = hung.every((instance) => this.#presence.hungIdleMs(namespace, instance) !== undefined)
    const why = areIdle ? 'nothing has come of their tasks for too long' : 'handlers that ignore ctx.signal hold all their slots'
    if (hung.length === 0) return `${every} cordoned: ${listed(cordoned)}`
    if (cordoned.length === 0) return `${every} hung: ${listed(hung)}; ${why}`
    return `${every} cordoned (${listed(cordoned)}) or hung (${listed(hung)}: ${why})`
  }

  /** @param run of a head the view has neither payload nor result */
  view(run: RunHead & Partial<RunRecord>): RunView {
    const isWaiting = (run.state === 'queued' && run.target === null) || (run.state === 'running' && isFanOut(run))
    // Nodes of a workflow have handlers of their own.
    if (run.mode === 'workflow') return runView(run)
    const whyNoProgram = isFanOut(run) ? undefined : this.#whyNoProgram(onlyTask(run))
    if (whyNoProgram !== undefined) {
      const reason = run.reason === 'program-changed' ? run.reason : 'no-compatible-instance'
      return runView({ ...run, reason }, { reason, message: whyNoProgram })
    }
    const message = isWaiting ? this.#whyNoneMay(run) : undefined
    return message === undefined ? runView(run) : runView({ ...run, reason: null }, { reason: 'no-instance', message })
  }
}

/** The first few names. */
function listed(names: readonly string[], shown = NAMES_SHOWN): string {
  const more = names.length - shown
  return `${names.slice(0, shown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
