import { isEnded, nodeTaskId } from '@carillon/contracts'
import { FakeClock, settle } from '@carillon/runtime/testing'
import type { RunHead, RunRecord, Store, TaskRecord } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { CHECK_QUEUED_MS } from '../../../runs/rules/life.ts'
import { FakePresence } from '../../test-coordinator.ts'
import { SimulatedBroker } from '../broker.ts'
import { isOver } from '../judge.ts'
import { Random } from '../random.ts'
import { Suspicions } from '../suspicions.ts'
import { Coordinators, type Notifications } from './coordinators.ts'
import { Fleet } from './fleet.ts'
import { History } from './history.ts'
import { judgeWorkflow } from './judge-workflow.ts'
import { allOf, type Child, type RandomWorkflow } from './made-workflow.ts'
import { randomWorkflow } from './random-workflow.ts'
import { byHand, type ChildRun, generationOf } from './script-of.ts'
import { Senders } from './senders.ts'
import type { WorkflowFault } from './workflow-faults.ts'

const [STEPS, CALM_ROUNDS] = [45, 300]
/** Of some workflows nodes are child runs. */
const NESTED_SHARE = 0.4
/** Less than so many times it is retried when it is over. */
const RETRIES = 2
/** Longer than a fan-out run, or a task, is left alone. */
const CALM_MS = 31_000
/** Longer than a signal that was taken is left alone. */
const VERIFIED_MS = 6_000
/** What operators may say about a node that has failed. */
const BY_HAND = /^task \S+ had ended \((failed|timed_out)\) and became (skipped|succeeded)$/
/** What may be created by a coordinator that does not know yet that the run is being cancelled, has failed, or was retried: it is cancelled later. */
const LATE_TASKS = /^the run became (cancelled|failed|succeeded) while \d+ tasks were (queued|waiting|delayed|running|cancelling)$/

/**
 * One workflow, driven by chance: reports come late, twice and out of order, instances and coordinators die between any two writes, messages and notifications get
 * lost. Then it is calm, and every node must have become what the rules say.
 */
export class WorkflowSimulation {
  readonly violations: string[] = []
  readonly #random: Random
  readonly #store: Store
  readonly #clock = new FakeClock()
  readonly #broker = new SimulatedBroker()
  readonly #run: RunRecord
  readonly #made: RandomWorkflow
  readonly #history: History
  readonly #coordinators: Coordinators
  readonly #fleet: Fleet
  readonly #senders: Senders
  readonly #suspicions = new Suspicions(0)
  readonly #losesReports: boolean
  #isRetried = false
  /** Some runs are never cancelled, so that they come to their end. */
  readonly #mayBeCancelled: boolean
  /** Operators skip nodes, and say that they have succeeded. */
  readonly #mayBeChanged: boolean
  readonly #mayBePaused: boolean
  #isChanged = false
  /** Without an answer operators say it again, when it is to be seen that it was heard. Answers whether that was done. */
  #sayAgain: (() => Promise<boolean>) | undefined

  constructor({ seed, store, fault, notifications }: SimulationOptions) {
    const random = new Random(seed)
    const presence = new FakePresence()
    const violated = (what: string) => void (this.#isAllowed(what) || this.violations.push(what))
    this.#random = random
    this.#losesReports = fault?.losesReports ?? false
    this.#mayBeCancelled = random.chance(0.25)
    this.#mayBeChanged = random.chance(0.3)
    this.#mayBePaused = new Random(seed * 17 + 3).chance(0.3)
    const nesting = new Random(seed * 13 + 5)
    const nested = nesting.chance(NESTED_SHARE) ? { random: nesting, name: `s${seed}`, depth: 2 } : undefined
    this.#made = randomWorkflow(random, { now: this.#clock.now(), undoing: new Random(seed * 31 + 7), nested })
    this.#run = newRun(this.#made, { seed, now: this.#clock.now() })
    this.#history = new History({ runId: this.#run.id, now: () => this.#clock.now() })
    this.#store = this.#history.watch(store)
    const shared = { random, presence, broker: this.#broker, violated }
    const heard = notifications ?? random.pick(['all', 'some', 'some', 'none'] as const) ?? 'all'
    this.#coordinators = new Coordinators({ ...shared, store: this.#store, clock: this.#clock, fault, notifications: heard })
    const given = { suspicions: this.#suspicions, runId: this.#run.id, made: this.#made }
    const isCancelled = () => this.#history.cancelledAt !== undefined
    this.#senders = new Senders({
      random,
      store: this.#store,
      coordinators: this.#coordinators,
      history: this.#history,
      ...given,
    })
    const isOurs = (runId: string) => this.#history.tree.has(runId)
    this.#fleet = new Fleet({ ...shared, ...given, coordinators: this.#coordinators, isCancelled, isOurs })
  }

  /** @returns what was violated; nothing when all is well */
  async run(): Promise<string[]> {
    for (const { children } of allOf(this.#made)) for (const child of children.values()) await this.#put(child)
    await this.#coordinators.with((coordinator) => coordinator.runs.insert([this.#run]))
    await this.#play()
    for (let i = this.#random.below(RETRIES); i > 0 && this.violations.length === 0; i--) {
      await this.#retry()
      await this.#play()
    }
    return this.violations
  }

  async #put(child: Child): Promise<void> {
    if (child.kind === 'list') return
    const { job: name } = child
    const job =
      child.kind === 'single'
        ? { handler: child.handler, attempts: child.attempts }
        : { workflow: child.made.workflow, attempts: child.made.tries }
    await this.#coordinators.with((coordinator) => coordinator.changeJobs.put('default', { name, ...job } as never))
  }

  /** Until it has ended. */
  async #play(): Promise<void> {
    this.#coordinators.isCalm = false
    const steps = STEPS + 3 * this.#made.workflow.nodes.length
    for (let step = 0; step < steps && this.violations.length === 0; step++) await this.#step()
    this.#coordinators.isCalm = true
    await this.#coordinators.answered()
    for (let round = 0; round < CALM_ROUNDS && this.violations.length === 0 && !(await this.#calmRound()); round++);
    if (this.violations.length === 0) await this.#judgeEnd()
  }

  /** Time passes between steps only: a plan is made at the time of what it reads. */
  async #step(): Promise<void> {
    await this.#clock.advance(this.#random.chance(0.15) ? 1 + this.#random.below(12_000) : 1 + this.#random.below(3))
    const actions: readonly (readonly [number, () => unknown])[] = [
      [6, () => this.#fleet.take()],
      [6, () => this.#fleet.begin()],
      [6, () => this.#fleet.finish(false)],
      [6, () => this.#apply()],
      [1.5, () => this.#fleet.redeliver()],
      [0.4, () => this.#fleet.die()],
      [1, () => this.#fleet.sayLate()],
      [1, () => this.#fleet.join()],
      [1, () => this.#fleet.obey(false)],
      [0.6, () => this.#coordinators.crashSoon()],
      [1, () => this.#coordinators.revive()],
      [1, () => this.#coordinators.repair()],
      [4, () => this.#wake()],
      [this.#mayBeCancelled ? 0.5 : 0, () => this.#cancel()],
      [this.#made.undos.size > 0 && this.#mayBeCancelled ? 0.1 : 0, () => this.#cancel({ force: true })],
      [0.3, () => this.#retry()],
      [this.#hasWaits ? 1.5 : 0, () => this.#senders.send()],
      [this.#hasWaits ? 1.5 : 0, () => this.#senders.decide()],
      [this.#mayBePaused ? 0.7 : 0, () => this.#pause()],
      [this.#mayBePaused ? 1.2 : 0, () => this.#resume()],
      [this.#mayBeChanged ? 0.8 : 0, () => this.#changeNode()],
    ]
    // Up to four things at once: what they read and write is then mixed.
    await Promise.all(Array.from({ length: 1 + this.#random.below(4) }, () => this.#random.weighted(actions)()))
    await settle()
  }

  async #cancel(options: { force?: true } = {}): Promise<void> {
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.cancel('default', this.#run.id, options))
  }

  #wake(): Promise<void> {
    const { tree } = this.#history
    return this.#coordinators.wake((id) => tree.has(id.split(/[-.]/)[0] as string))
  }

  async #pause(): Promise<void> {
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.pause('default', this.#run.id))
  }

  async #resume(): Promise<void> {
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.resume('default', this.#run.id))
  }

  /** As a whole, or from what did not succeed, or from a node: what follows runs again, so it is as if all ran in the order of the graph. */
  async #retry(): Promise<void> {
    const run = await this.#stored()
    if (!run || !isEnded(run.state)) return
    const { id = '' } = this.#random.pick(this.#made.workflow.nodes) ?? {}
    const part = this.#random.pick([{}, { only: 'failed' }, { fromNode: id }] as const) ?? {}
    this.#isRetried = true
    // Other nodes than those would stay cancelled.
    const isUndone = run.compensation !== null && run.compensation !== 'complete' && this.#random.chance(0.6)
    const request = isUndone ? ({ only: 'compensation' } as const) : run.state === 'cancelled' || this.#history.isUndoneAgain ? {} : part
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.retry('default', { runId: run.id, ...request }))
  }

  /** A node that has not begun, or has failed and so blocks what follows, is skipped; one of a handler may also count as succeeded. */
  async #changeNode(): Promise<void> {
    const run = await this.#stored()
    const node = this.#random.pick(this.#made.workflow.nodes)
    if (!node || (run?.state !== 'running' && run?.state !== 'failed')) return
    const place = this.#made.workflow.nodes.indexOf(node)
    const generation = generationOf(run, place)
    const id = nodeTaskId(run.id, place, generation)
    const [task] = await this.#store.tasks.heads([id])
    const hasFailed = task?.state === 'failed' || task?.state === 'timed_out'
    // After a second one what ran is not what the graph says: it has gone on from the first one.
    if (this.#isChanged || (task && !(hasFailed && node.onFailure !== 'skip'))) return
    this.#isChanged = true
    this.#isRetried = true
    const at = { runId: run.id, node: node.id }
    const isOverruled = hasFailed && 'handler' in node && !('foreach' in node) && this.#random.chance(0.5)
    const say = () =>
      this.#coordinators.with(async ({ changeNodes }) =>
        isOverruled ? changeNodes.succeed('default', at, {}) : changeNodes.skip('default', at, {}),
      )
    if (await say()) return
    this.#sayAgain = async () => {
      const now = await this.#stored()
      // It was said about what is history by now.
      if (!now || generationOf(now, place) !== generation) return true
      const isHeard = byHand((await this.#store.tasks.get([id]))[0]) !== undefined
      if (isHeard) await say()
      return isHeard
    }
  }

  async #apply(): Promise<void> {
    const { reports } = this.#broker
    const batches = this.#random.chance(0.5) ? 2 : 1
    const { isCalm } = this.#coordinators
    await Promise.all(
      Array.from({ length: batches }, async () => {
        const batch = reports.splice(0, 1 + this.#random.below(4))
        if (batch.length === 0) return
        this.#broker.unacknowledged += batch.length
        const done = await this.#coordinators.with((coordinator) => coordinator.applyReports.execute(batch).then(() => true))
        this.#broker.unacknowledged -= batch.length
        const again = done === undefined || (!isCalm && this.#random.chance(0.1))
        if (again && !(this.#losesReports && done === undefined)) reports.splice(this.#random.below(reports.length + 1), 0, ...batch)
      }),
    )
    await settle()
  }

  /** Answers whether all is over. */
  async #calmRound(): Promise<boolean> {
    this.#coordinators.revive()
    if ((await this.#stored())?.state === 'paused') await this.#resume()
    if (await this.#sayAgain?.()) this.#sayAgain = undefined
    while (this.#broker.orders.length > 0) this.#fleet.obey(true)
    await this.#fleet.loseTheDead()
    this.#fleet.redeliverLost()
    for (let i = 0; i < 60 && this.#fleet.queued.length + this.#fleet.held > 0; i++) {
      this.#fleet.take()
      await this.#fleet.begin()
      this.#fleet.finish(true)
    }
    while (this.#broker.reports.length > 0) await this.#apply()
    if (this.#random.chance(0.5)) await this.#senders.end()
    await this.#coordinators.repair()
    await this.#clock.advance(this.#random.chance(0.5) ? CALM_MS : 1 + this.#random.below(CALM_MS))
    await this.#wake()
    await settle()
    this.#broker.forgetIds()
    for (const id of this.#history.tree) if (!(await isOver(this.#store, id))) return false
    return this.#isPublished((await this.#stored()) as RunRecord) && this.#isQuiet()
  }

  get #hasWaits(): boolean {
    return this.#made.workflow.nodes.some((node) => 'wait' in node && ('signal' in node.wait || 'approval' in node.wait))
  }

  #isQuiet(): boolean {
    return this.#broker.reports.length === 0 && this.#fleet.queued.length === 0 && this.#fleet.held === 0
  }

  #isPublished({ id, state, attempt }: RunHead): boolean {
    return this.#broker.ended.some((event) => event.runId === id && event.state === state && event.attempt === attempt)
  }

  async #stored(): Promise<RunRecord | undefined> {
    return (await this.#store.runs.get([this.#run.id]))[0]
  }

  async #judgeEnd(): Promise<void> {
    const run = await this.#stored()
    const tasks = await this.#tasksOf(this.#run.id)
    if (!run) return void this.violations.push('the run is gone')
    this.violations.push(
      ...judgeWorkflow({
        run,
        tasks,
        children: await this.#children(),
        made: this.#made,
        history: this.#history,
        given: this.#fleet.given,
      }),
    )
    // Signals that came to nothing are given back by then.
    await this.#clock.advance(VERIFIED_MS)
    await this.#wake()
    await settle()
    this.violations.push(...(await this.#senders.judge(tasks)))
    this.violations.push(...(await this.#suspicions.judge(this.#store, run)))
    if (!this.#isPublished(run)) this.violations.push('the terminal event was not published')
    if (this.#fleet.queued.length > 0) this.violations.push('work is left in the queue')
  }

  async #tasksOf(runId: string): Promise<TaskRecord[]> {
    const { items } = await this.#store.tasks.list({ runId, limit: 1_000 })
    return (await this.#store.tasks.get(items.map(({ id }) => id))).filter((task) => task !== undefined)
  }

  async #children(): Promise<Map<string, ChildRun>> {
    const children = new Map<string, ChildRun>()
    for (const run of await this.#store.runs.get([...this.#history.tree]))
      if (run?.parentTask) children.set(run.id, { run, tasks: await this.#tasksOf(run.id) })
    return children
  }

  #isAllowed(what: string): boolean {
    if (this.#mayBeChanged && BY_HAND.test(what)) return true
    const [, state] = LATE_TASKS.exec(what) ?? []
    if (state === undefined) return false
    return state === 'cancelled' || (state === 'failed' && this.#made.workflow.failFast === true) || this.#isRetried
  }
}

export interface SimulationOptions {
  readonly seed: number
  readonly store: Store
  readonly fault?: WorkflowFault | undefined
  /** Default: chance decides. */
  readonly notifications?: Notifications
}

function newRun({ workflow, payload, tries }: RandomWorkflow, { seed, now }: { seed: number; now: number }): RunRecord {
  const backoff = { type: 'fixed', delayMs: 1_000 } as const
  const started = { queuedAt: now, wakeAt: now + CHECK_QUEUED_MS, tries, attempts: tries, backoff }
  const graph = JSON.stringify(workflow)
  return aRun(seed, { mode: 'workflow', handler: 'flow', graph, payload: JSON.stringify(payload), ...started })
}
