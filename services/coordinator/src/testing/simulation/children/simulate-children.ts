import { isEnded, OPEN_STATES, type Workflow } from '@carillon/contracts'
import { FakeClock, settle } from '@carillon/runtime/testing'
import type { RunRecord, Store, TaskHead } from '@carillon/store'
import { FakePresence } from '../../test-coordinator.ts'
import { SimulatedBroker } from '../broker.ts'
import { Random } from '../random.ts'
import { Coordinators, SLOWEST_WRITE_TURNS } from '../workflows/coordinators.ts'
import type { WorkflowFault } from '../workflows/workflow-faults.ts'

const [STEPS, CALM_ROUNDS] = [80, 120]
const CALM_MS = 31_000
/** Of a paused run: what is under way ends within the first ones. */
const STILL_ROUNDS = 4
/** What may be created by a coordinator that does not know yet that its run is being cancelled. */
const LATE = /^the run became cancelled while \d+ tasks were/
const HANDLERS = ['good', 'bad'] as const

type Node = Workflow['nodes'][number]

/** What a run must become, by the rules: written for the test alone. */
interface Expected {
  readonly state: 'succeeded' | 'failed'
}

/** A workflow whose nodes are handlers, runs of other workflows, and lists, each after the one before it or beside it. */
function randomNodes(random: Random, depth: number): { nodes: Node[]; expected: Expected; jobs: Map<string, Node[]> } {
  const jobs = new Map<string, Node[]>()
  const nodes: Node[] = []
  const states = new Map<string, Expected['state'] | 'blocked'>()
  for (let i = 1 + random.below(3); i >= 0; i--) {
    const id = `n${nodes.length}`
    const before = random.chance(0.6) ? nodes.at(-1) : undefined
    const after = before ? { after: before.id } : {}
    const isBlocked = before !== undefined && states.get(before.id) !== 'succeeded'
    const kind = random.pick(depth > 0 ? (['handler', 'job', 'job', 'list'] as const) : (['handler', 'list'] as const))
    let state: Expected['state'] = 'succeeded'
    if (kind === 'job') {
      const within = randomNodes(random, depth - 1)
      const name = `w${depth}-${random.below(1_000_000_000).toString(36)}`
      jobs.set(name, within.nodes)
      for (const [other, inner] of within.jobs) jobs.set(other, inner)
      nodes.push({ id, job: name, ...after })
      state = within.expected.state
    } else {
      const handler = random.chance(0.85) ? 'good' : 'bad'
      const count = random.below(5)
      if (kind === 'handler') nodes.push({ id, handler, ...after })
      else nodes.push({ id, handler, foreach: `[${Array.from({ length: count }, (_, n) => n).join(', ')}]`, maxParallel: 2, ...after })
      if (handler === 'bad' && (kind === 'handler' || count > 0)) state = 'failed'
    }
    states.set(id, isBlocked ? 'blocked' : state)
  }
  return { nodes, jobs, expected: { state: [...states.values()].every((state) => state === 'succeeded') ? 'succeeded' : 'failed' } }
}

/**
 * A workflow of workflows and lists, whose coordinators die between any two writes. Reports come late and twice, notifications get lost, and it may be cancelled. Then it
 * is calm, and it must have become what the rules say, each child run once.
 */
export class ChildrenSimulation {
  readonly violations: string[] = []
  readonly #random: Random
  readonly #store: Store
  readonly #clock = new FakeClock()
  readonly #broker = new SimulatedBroker()
  readonly #coordinators: Coordinators
  #isCancelled = false
  /** Of its own: what is decided elsewhere stays as it is without pauses. */
  readonly #mayBePaused: boolean

  /** @param options.store a new one: all runs in it are judged */
  constructor({ seed, store, fault }: { seed: number; store: Store; fault?: WorkflowFault | undefined }) {
    this.#random = new Random(seed)
    this.#mayBePaused = new Random(seed + 1_000_003).chance(0.4)
    this.#store = store
    const presence = new FakePresence()
    for (const handler of HANDLERS) presence.alive.set(handler, ['i-1'])
    const notifications = this.#random.pick(['all', 'some', 'some', 'none'] as const) ?? 'all'
    const violated = (what: string) => void (LATE.test(what) || this.violations.push(what))
    const given = { random: this.#random, store, clock: this.#clock, presence, broker: this.#broker, violated }
    this.#coordinators = new Coordinators({ ...given, notifications, fault })
  }

  async run(): Promise<string[]> {
    const namespace = 'default'
    const { nodes, jobs, expected } = randomNodes(this.#random, 2)
    for (const [name, inner] of [...jobs, ['root', nodes] as const])
      await this.#coordinators.with(({ changeJobs }) => changeJobs.put(namespace, { name, workflow: { nodes: inner } }))
    const item = { namespace, request: { job: 'root' }, bytes: 100, trigger: 'call', traceparent: undefined } as const
    const started = await this.#coordinators.with(({ startRuns }) => startRuns.execute([item]))
    const [root] = started ?? []
    if (!root || !('runId' in root)) return [`the run was not started: ${JSON.stringify(started)}`]
    this.#coordinators.isCalm = false
    const mayBeCancelled = this.#random.chance(0.3)
    for (let i = 0; i < STEPS && this.violations.length === 0; i++) await this.#step(namespace, root.runId, mayBeCancelled)
    this.#coordinators.isCalm = true
    if (this.#mayBePaused) await this.#standsStill(namespace, root.runId)
    for (let i = 0; i < CALM_ROUNDS && !(await this.#calmRound(namespace)); i++);
    await this.#judge(namespace, root.runId, expected)
    return this.violations
  }

  /** While it is paused what is under way ends, and then nothing of it, and of what is within it, changes any more. */
  async #standsStill(namespace: string, runId: string): Promise<void> {
    this.#coordinators.revive()
    await this.#coordinators.with(({ changeRuns }) => changeRuns.pause(namespace, runId))
    const isPaused = async () => (await this.#store.runs.heads([runId]))[0]?.state === 'paused'
    if (!(await isPaused())) return
    // What was decided before may still be written.
    for (let i = 0; i < SLOWEST_WRITE_TURNS; i++) await settle()
    for (let i = 0; i < STILL_ROUNDS; i++) await this.#calmRound(namespace)
    const before = await this.#tasks(namespace)
    for (let i = 0; i < STILL_ROUNDS; i++) await this.#calmRound(namespace)
    if ((await isPaused()) && (await this.#tasks(namespace)) !== before) this.violations.push('something began while the run was paused')
    await this.#coordinators.with(({ changeRuns }) => changeRuns.resume(namespace, runId))
  }

  /** All that there are, with their states, as text. */
  async #tasks(namespace: string): Promise<string> {
    const lists = (await this.#runs(namespace)).map(({ id }) => this.#store.tasks.list({ runId: id, limit: 1_000 }))
    const tasks = (await Promise.all(lists)).flatMap(({ items }) => items.map(({ id, state, attempt }) => `${id} ${state} ${attempt}`))
    return tasks.sort().join('\n')
  }

  async #step(namespace: string, runId: string, mayBeCancelled: boolean): Promise<void> {
    await this.#clock.advance(this.#random.chance(0.15) ? 1 + this.#random.below(12_000) : 1 + this.#random.below(3))
    const cancel = async () => {
      this.#isCancelled = true
      await this.#coordinators.with(({ changeRuns }) => changeRuns.cancel(namespace, runId))
    }
    const actions: readonly (readonly [number, () => unknown])[] = [
      [8, () => this.#work()],
      [6, () => this.#apply()],
      [4, () => this.#coordinators.wake(() => true)],
      [1, () => this.#coordinators.crashSoon()],
      [1, () => this.#coordinators.revive()],
      [1, () => this.#coordinators.repair()],
      [mayBeCancelled ? 0.6 : 0, cancel],
      [this.#mayBePaused ? 0.4 : 0, () => this.#coordinators.with(({ changeRuns }) => changeRuns.pause(namespace, runId))],
      [this.#mayBePaused ? 0.6 : 0, () => this.#coordinators.with(({ changeRuns }) => changeRuns.resume(namespace, runId))],
    ]
    await Promise.all(Array.from({ length: 1 + this.#random.below(4) }, () => this.#random.weighted(actions)()))
    await settle()
  }

  /** An instance does a task, and reports its end, perhaps twice. */
  #work(): void {
    const delivery = this.#random.pick([...this.#broker.work.values()])
    if (!delivery) return
    const { runId, taskId, attempt, handler } = delivery.work
    const about = { runId, taskId, attempt }
    const error = { name: 'Error', message: 'bad' }
    const end = handler === 'good' ? ({ outcome: 'succeeded', result: 1 } as const) : ({ outcome: 'failed', error } as const)
    for (let i = this.#random.chance(0.2) ? 2 : 1; i > 0; i--) this.#broker.report('i-1', { ...about, type: 'finished', ...end })
    this.#broker.acknowledge(delivery)
  }

  async #apply(): Promise<void> {
    const { reports } = this.#broker
    const batch = reports.splice(0, 1 + this.#random.below(4))
    if (batch.length === 0) return
    this.#broker.unacknowledged += batch.length
    const done = await this.#coordinators.with(({ applyReports }) => applyReports.execute(batch).then(() => true))
    this.#broker.unacknowledged -= batch.length
    if (done === undefined) reports.push(...batch)
    await settle()
  }

  /** Answers whether all is over. */
  async #calmRound(namespace: string): Promise<boolean> {
    this.#coordinators.revive()
    this.#broker.orders.length = 0
    for (let i = 0; i < 60 && this.#broker.work.size > 0; i++) this.#work()
    while (this.#broker.reports.length > 0) await this.#apply()
    await this.#coordinators.repair()
    await this.#clock.advance(CALM_MS)
    await this.#coordinators.wake(() => true)
    await settle()
    this.#broker.forgetIds()
    const runs = await this.#runs(namespace)
    if (this.#broker.work.size + this.#broker.reports.length > 0 || !runs.every(({ state }) => isEnded(state))) return false
    // What a coordinator made that did not know yet that its run had ended is cancelled later.
    for (const { id } of runs) if ((await this.#store.tasks.countUpTo({ runId: id, states: OPEN_STATES, atMost: 1 })) > 0) return false
    return true
  }

  async #runs(namespace: string): Promise<RunRecord[]> {
    const { items } = await this.#store.runs.list({ namespace, limit: 1_000 })
    return (await this.#store.runs.get(items.map(({ id }) => id))).filter((run) => run !== undefined)
  }

  async #judge(namespace: string, rootId: string, expected: Expected): Promise<void> {
    const runs = await this.#runs(namespace)
    const root = runs.find(({ id }) => id === rootId)
    for (const { id, state } of runs) if (!isEnded(state)) this.violations.push(`run ${id} never ended: it is ${state}`)
    if (root?.state !== 'cancelled' && root?.state !== expected.state)
      this.violations.push(`the run is ${root?.state}, and had to be ${expected.state}`)
    if (root?.state === 'cancelled' && !this.#isCancelled) this.violations.push('the run is cancelled, and nobody wanted that')
    for (const run of runs) if (run.mode === 'workflow') await this.#judgeTasks(run, runs)
  }

  /** Each node that waits for a run has one, which is ended, and ended as it did. */
  async #judgeTasks({ id: runId }: RunRecord, runs: readonly RunRecord[]): Promise<void> {
    const { items } = await this.#store.tasks.list({ runId, limit: 1_000 })
    const children = runs.filter(({ parentTask }) => parentTask?.startsWith(`${runId}-`))
    const waiting = items.filter(({ node }) => node?.child !== undefined)
    if (children.length > waiting.length) this.violations.push(`run ${runId} has ${children.length} child runs for ${waiting.length} nodes`)
    for (const task of items) this.violations.push(...this.#wrongWith(task, children))
  }

  *#wrongWith({ id, state, node }: TaskHead, children: readonly RunRecord[]): Generator<string> {
    if (!isEnded(state)) yield `task ${id} never ended: it is ${state}`
    if (node?.child === undefined) return
    const child = children.find((run) => run.id === node.child)
    if (!child) yield `task ${id} has ended, and its child run is not there`
    else if (child.state !== state && !this.#isCancelled) yield `task ${id} is ${state}, and its child run ${child.state}`
  }
}
