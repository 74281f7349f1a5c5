import { type NodeDecided, type NodeWait, nodeOfTask, type SignalSent, type WorkflowNode } from '@carillon/contracts'
import type { SignalRecord, Store, TaskRecord } from '@carillon/store'
import type { Random } from '../random.ts'
import type { Coordinators } from './coordinators.ts'
import type { History } from './history.ts'
import type { RandomWorkflow } from './made-workflow.ts'
import { SIGNALS } from './random-workflow.ts'

const PEOPLE = ['ada', 'bob', 'eve'] as const
/** Longer than a write takes, and what follows from it: a signal that was stored so long before a time limit was there in time. */
const SLACK_MS = 200

interface Options {
  readonly random: Random
  readonly store: Store
  readonly coordinators: Coordinators
  readonly history: History
  readonly runId: string
  readonly made: RandomWorkflow
}

interface Asked {
  readonly node: string
  /** Undefined: the current one. */
  readonly generation: number | undefined
  readonly decision: NodeDecided['decision']
  readonly by: string
}

/** Others that send signals to a run, and decide about its approvals: twice, too late, at once, and about generations that are history. */
export class Senders {
  readonly #given: Options
  readonly #random: Random
  readonly #sent = new Map<string, { readonly name: string; readonly payload: unknown }>()
  readonly #answers: SignalSent[] = []
  readonly #asked: Asked[] = []
  readonly #decided: (NodeDecided & { readonly asked: Asked })[] = []
  #count = 0

  constructor(options: Options) {
    this.#given = options
    this.#random = options.random
  }

  async send(name: string = this.#random.pick(SIGNALS) ?? 'paid'): Promise<void> {
    // Some are sent once more, by a sender that has had no answer.
    const again = this.#random.chance(0.2) ? this.#random.pick([...this.#sent]) : undefined
    const [id, of] = again ?? [`m${this.#count}`, { name, payload: { n: this.#random.below(10), nr: this.#count++ } }]
    this.#sent.set(id, of)
    const { runId, coordinators } = this.#given
    const input = { runId, name: of.name, payload: of.payload, id }
    const answer = await coordinators.with(({ sendSignals }) => sendSignals.send({ namespace: 'default', by: undefined, input }))
    if (answer) this.#answers.push(answer)
  }

  /** @param task that waits; default: any approval of the workflow, whether it waits or not */
  async decide(task?: { readonly id: string; readonly name: string | null }): Promise<void> {
    const { random, made, runId, coordinators } = this.#given
    const node = task?.name ?? random.pick(made.workflow.nodes.filter(isApproval))?.id
    if (node === undefined) return
    const generation = task ? nodeOfTask(task.id)?.generation : random.pick([undefined, 1, 2])
    const decision: Asked['decision'] = random.chance(0.7) ? 'approved' : 'rejected'
    const asked: Asked = { node, generation, decision, by: random.pick(PEOPLE) ?? 'ada' }
    this.#asked.push(asked)
    const request = { runId, node, decision, ...(generation === undefined ? {} : { generation }) }
    const answer = await coordinators.with(({ decideApprovals }) => decideApprovals.decide('default', request, asked))
    if (answer) this.#decided.push({ ...answer, asked })
  }

  /** What would wait for ever is sent, unless it is there already. */
  async end(): Promise<void> {
    const { store, runId } = this.#given
    const { items } = await store.tasks.list({ runId, state: 'delayed', limit: 1_000 })
    for (const task of items) {
      if (task.reason === 'approval') await this.decide(task)
      const name = task.reason === 'signal' ? task.waits?.[0]?.signal : undefined
      if (name !== undefined && (await store.signals.open({ namespace: 'default', runId, name, limit: 1 })).length === 0)
        await this.send(name)
    }
  }

  /** What is wrong with the ends of the nodes that waited, of all generations. */
  async judge(tasks: readonly TaskRecord[]): Promise<string[]> {
    const { store, runId } = this.#given
    const { items } = await store.signals.list({ namespace: 'default', runId, limit: 1_000 })
    return [...this.#signals(new Map(items.map((signal) => [signal.id, signal])), tasks), ...this.#approvals(tasks)]
  }

  *#signals(stored: ReadonlyMap<string, SignalRecord>, tasks: readonly TaskRecord[]): Generator<string> {
    for (const { signalId } of this.#answers) if (!stored.has(signalId)) yield `signal ${signalId} was kept, and is gone`
    const created = this.#answers.filter((answer) => answer.created).map(({ signalId }) => signalId)
    if (new Set(created).size < created.length) yield 'a signal was created twice'
    const usedBy = new Map<string, string>()
    for (const task of tasks) {
      const wait = this.#waitOf(task)
      if (!wait || !('signal' in wait)) continue
      const signal = stored.get(task.node?.signal ?? '')
      if (task.reason === 'completed') {
        if (!signal) yield `${task.id} has ended without a signal`
        else yield* this.#received(task, { signal, wait, usedBy })
      } else if (task.reason === 'wait-timeout') yield* this.#missed(task, { stored, wait })
    }
    for (const { id, takenBy } of stored.values())
      if (takenBy !== null && !usedBy.has(id)) yield `signal ${id} is unused, and is taken by ${takenBy}`
  }

  *#received(
    task: TaskRecord,
    { signal, wait, usedBy }: { signal: SignalRecord; wait: Extract<NodeWait, { signal: unknown }>; usedBy: Map<string, string> },
  ): Generator<string> {
    const before = usedBy.get(signal.id)
    if (before !== undefined) yield `signal ${signal.id} has ended both ${before} and ${task.id}`
    usedBy.set(signal.id, task.id)
    if (signal.takenBy !== task.id) yield `signal ${signal.id} is taken by ${signal.takenBy}, and has ended ${task.id}`
    if (signal.name !== wait.signal) yield `${task.id} waited for ${wait.signal}, and has got ${signal.name}`
    if (signal.payload !== task.result) yield `${task.id} has the result ${task.result}, and its signal ${signal.payload}`
    const { frozen } = task.node ?? {}
    // Its run was resumed, and no coordinator had noticed: its time stood still, unless it was over before.
    const stoodStill = frozen !== undefined && frozen.wakeAt >= frozen.at
    const pausedMs = this.#given.history.pausedSince(task.id)
    if (!stoodStill && wait.timeoutMs !== undefined && signal.at > (task.startedAt ?? 0) + wait.timeoutMs + pausedMs)
      yield `signal ${signal.id} came too late for ${task.id}`
  }

  *#missed(
    task: TaskRecord,
    { stored, wait }: { stored: ReadonlyMap<string, SignalRecord>; wait: Extract<NodeWait, { signal: unknown }> },
  ): Generator<string> {
    yield* this.#overAt(task, wait.timeoutMs)
    const { arrivals, taken } = this.#given.history
    const limit = (task.startedAt ?? 0) + (wait.timeoutMs ?? 0)
    for (const { id, name } of stored.values()) {
      const isThere = name === wait.signal && !taken.has(id) && (arrivals.get(id) ?? limit) < limit - SLACK_MS
      if (isThere) yield `the time of ${task.id} was over, and signal ${id} lay there`
    }
  }

  *#approvals(tasks: readonly TaskRecord[]): Generator<string> {
    for (const { runId, node, generation, already, by, decision, asked } of this.#decided) {
      const task = tasks.find(({ id, name }) => name === node && nodeOfTask(id)?.generation === generation)
      const { by: storedBy, decision: stored } = task?.node ?? {}
      if (stored !== decision || storedBy !== by)
        yield `${runId} ${node} was ${decision} by ${by}, and is stored as ${stored} by ${storedBy}`
      if (asked.generation !== undefined && asked.generation !== generation)
        yield `node ${node}: generation ${asked.generation} was meant, and ${generation} is ${decision}`
      if (!already && (asked.by !== by || asked.decision !== decision)) yield `node ${node}: ${asked.by} is answered what ${by} has decided`
    }
    for (const task of tasks) {
      const wait = this.#waitOf(task)
      if (!wait || !('approval' in wait)) continue
      const { by, decision } = task.node ?? {}
      if (task.reason === 'wait-timeout') yield* this.#overAt(task, wait.approval.timeoutMs)
      const expected = decision === 'approved' ? 'succeeded completed' : decision === 'rejected' ? 'failed rejected' : undefined
      // A node that was rejected may be skipped by hand.
      const isByHand = task.reason?.endsWith('-by-request')
      if (expected && !isByHand && `${task.state} ${task.reason}` !== expected)
        yield `${task.id} was ${decision}, and is ${task.state}: ${task.reason}`
      if (!decision && (task.reason === 'completed' || task.reason === 'rejected'))
        yield `${task.id} is ${task.reason}, and nobody has decided`
      if (decision && !this.#asked.some((one) => one.node === task.name && one.by === by && one.decision === decision))
        yield `${task.id} was ${decision} by ${by}, who has not said so`
    }
    const first = this.#decided.filter(({ already }) => !already).map(({ node, generation }) => `${node} ${generation}`)
    if (new Set(first).size < first.length) yield 'two were told that they were the first to decide'
  }

  *#overAt(task: TaskRecord, timeoutMs: number | undefined): Generator<string> {
    if (timeoutMs === undefined) return yield `${task.id} has no time limit, and its time was over`
    const early = (task.startedAt ?? 0) + timeoutMs - (this.#given.history.ended.get(task.id)?.time ?? 0)
    if (early > 0) yield `the time of ${task.id} was over ${early} ms early`
  }

  #waitOf({ id, reason }: TaskRecord): NodeWait | undefined {
    const node = this.#given.made.workflow.nodes[nodeOfTask(id)?.place ?? -1]
    return node && 'wait' in node && reason !== 'cancelled-by-request' ? node.wait : undefined
  }
}

const isApproval = (node: WorkflowNode) => 'wait' in node && 'approval' in node.wait
