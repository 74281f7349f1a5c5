import { CarillonError, DEFAULT_NAMESPACE, type ErrorCode, isEnded, printable, type RunView, runIdOfTask } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { LifeChange, RunHead, Store } from '@carillon/store'
import { isCoalescing } from '../gates/rules/coalescing.ts'
import { decideReturn, decideToLeave } from '../gates/rules/decide.ts'
import { isGated } from '../gates/rules/gating.ts'
import type { Modes, RetryRequest } from '../modes/mode.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { ChildChanges, Placement, Presence, Runs, Tasks, WorkQueue } from '../ports.ts'
import { HoldTasks } from './hold-tasks.ts'
import { missingRun, type ReadRuns } from './read-runs.ts'
import { type Decision, isRefused } from './rules/decision.ts'
import { beginsAnew, decideRestart, UNBOUND } from './rules/life.ts'
import { noWorkflow } from './rules/no-workflow.ts'
import { decidePause, decideResume, withoutPause } from './rules/pause.ts'
import type { RunRestarts } from './rules/restarts.ts'
import type { ElapsedTime } from './rules/timing.ts'
import { onlyTask } from './rules/work.ts'

const TRIES_AGAINST_OTHERS = 5

/** Cancels and retries runs on request. */
export class ChangeRuns implements RunRestarts, ChildChanges {
  readonly #store: Store
  readonly #runs: Runs
  readonly #reads: ReadRuns
  readonly #modes: Modes
  readonly #placement: Placement
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #elapsed: ElapsedTime
  readonly #hold: HoldTasks
  readonly #work: WorkQueue

  constructor(options: {
    store: Store
    runs: Runs
    reads: ReadRuns
    modes: Modes
    placement: Placement
    presence: Presence
    clock: Clock
    elapsed: ElapsedTime
    tasks: Tasks
    work: WorkQueue
  }) {
    this.#store = options.store
    this.#runs = options.runs
    this.#modes = options.modes
    this.#placement = options.placement
    this.#presence = options.presence
    this.#clock = options.clock
    this.#elapsed = options.elapsed
    this.#hold = new HoldTasks(options)
    this.#work = options.work
    this.#reads = options.reads
  }

  /**
   * A queued run never starts; a running one, and one that may run and has a place, is cancelled when its executor confirms or is silent.
   * @param options.force what nodes of a workflow have done is not undone, also where that has begun
   * @throws CarillonError RUN_ENDED, INVALID_REQUEST
   */
  async cancel(namespace: string, runId: string, { force = false }: { force?: boolean | undefined } = {}): Promise<RunView> {
    const before = await this.#decide(namespace, runId, (run) => {
      if (force && run.mode !== 'workflow') throw noWorkflow(run, 'force', true)
      if (run.state === 'cancelling')
        return force
          ? { event: 'checked', expect: { state: ['cancelling'], attempt: run.attempt }, set: { compensation: 'cut' } }
          : undefined
      const mayRun = isGated(run) && this.#presence.holding(run.namespace, run.handler).length > 0
      const decision = decideToLeave(run, { now: this.#clock.now(), mayRun })
      if (isRefused(decision)) throw ended(run)
      return { ...decision, set: { ...decision.set, ...compensationLeft(run, { force, isOver: decision.set.state === 'cancelled' }) } }
    })
    if (before.state === 'queued' && !isFanOut(before)) await this.#runs.withdraw(before)
    return this.#reads.get(namespace, runId)
  }

  /** What is under way ends, nothing new starts, and limits of time stand still. @throws CarillonError RUN_ENDED, RUN_NOT_PAUSABLE */
  async pause(namespace: string, runId: string): Promise<RunView> {
    await this.#decide(namespace, runId, (run) => {
      if (isEnded(run.state)) throw ended(run)
      if (run.state === 'paused') return undefined
      const decision = decidePause(run, { now: this.#clock.now() })
      if (!('why' in decision)) return decision
      throw new CarillonError('RUN_NOT_PAUSABLE', `run ${printable(runId)} cannot be paused: ${decision.why}`, {
        field: 'runId',
        value: printable(runId),
      })
    })
    return this.#reads.get(namespace, runId)
  }

  /** One that is not paused stays as it is. @throws CarillonError RUN_ENDED, CHILD_RUN */
  async resume(namespace: string, runId: string): Promise<RunView> {
    const { state, terms, parentTask } = await this.head(namespace, runId)
    if (state === 'paused' && terms?.paused?.within) await this.#refuseWithin(namespace, { runId, parentTask })
    await this.#resume(namespace, runId)
    return this.#reads.get(namespace, runId)
  }

  /** One that was paused with the run that it is within goes on with that. @throws CarillonError CHILD_RUN */
  async #refuseWithin(namespace: string, { runId, parentTask }: { runId: string; parentTask: string | null }): Promise<void> {
    const [parent] = await this.#store.runs.heads([runIdOfTask(parentTask ?? '') ?? parentTask ?? ''])
    if (parent?.state !== 'paused') return
    throw new CarillonError('CHILD_RUN', `run ${printable(runId)} was paused with run ${parent.id}, which it is within`, {
      field: 'runId',
      value: printable(runId),
      hint: `Run \`carillon runs resume ${parent.id}${inNamespace(namespace)}\`.`,
    })
  }

  async #resume(namespace: string, runId: string): Promise<void> {
    const before = await this.head(namespace, runId)
    // Nothing else holds its tasks, and the time of its waits, before it goes on, if a coordinator has stopped since it was paused.
    if (before.state === 'paused' && isFanOut(before)) await this.#hold.hold(before)
    await this.#decide(namespace, runId, (run) => {
      if (isEnded(run.state)) throw ended(run)
      return decideResume(run, { now: this.#clock.now(), pausedForMs: this.#elapsed.since(run.terms?.paused?.at ?? 0) })
    })
  }

  async cancelWithin(child: RunHead): Promise<void> {
    await unlessEnded(this.cancel(child.namespace, child.id))
  }

  async pauseWithin(child: RunHead): Promise<boolean> {
    let isPaused = false
    const before = await this.#decide(child.namespace, child.id, (run) => {
      const decision =
        isEnded(run.state) || run.state === 'paused' ? undefined : decidePause(run, { now: this.#clock.now(), isWithin: true })
      isPaused = decision !== undefined && !('why' in decision)
      return decision && 'why' in decision ? undefined : decision
    })
    // Instances are not ordered to cancel it: one that has begun it a moment before goes on, and it runs as soon as its start is known.
    if (isPaused && before.state === 'queued' && !isFanOut(before)) await this.#work.withdraw(onlyTask(before))
    return isPaused
  }

  async resumeWithin(child: RunHead): Promise<void> {
    await unlessEnded(this.#resume(child.namespace, child.id))
  }

  /**
   * With as many tries as at first, whatever the limit was.
   * @param request `only`: what did not succeed; `fromStep`: that step and those after it are done again. The mode decides which of them applies
   * @throws CarillonError RUN_OPEN, NOTHING_FAILED, INVALID_REQUEST, CHILD_RUN
   */
  async retry(namespace: string, { runId, ...request }: RetryRequest & { readonly runId: string }): Promise<RunView> {
    await this.#restart(namespace, runId, async (run) => {
      await this.#refuseChild(run)
      if (run.mode !== 'workflow') refuseNodes(run, request)
      return this.#modes[run.mode].retry(run, request, this.#store)
    })
    return this.#reads.get(namespace, runId)
  }

  async head(namespace: string, runId: string): Promise<RunHead> {
    const [run] = await this.#store.runs.heads([runId])
    if (!run || run.namespace !== namespace) throw await missingRun(this.#store, namespace, runId)
    return run
  }

  restart(namespace: string, runId: string): Promise<void> {
    return unlessOpen(this.#restart(namespace, runId, async () => ({})))
  }

  async goOn(child: RunHead): Promise<void> {
    const retried = this.#restart(child.namespace, child.id, async (run) => {
      if (run.attempt !== child.attempt) throw open(run)
      return this.#modes[run.mode].retry(run, { only: 'failed' }, this.#store)
    })
    await unlessOpen(retried)
  }

  /** What waits for it has ended with it, or goes on without it. @throws CarillonError CHILD_RUN */
  async #refuseChild({ id, namespace, parentTask }: RunHead): Promise<void> {
    if (parentTask === null) return
    const [parent] = await this.#store.runs.heads([runIdOfTask(parentTask) ?? parentTask])
    if (!parent) return
    const message = `run ${printable(id)} is within run ${parent.id} of ${parent.job ?? parent.handler}, which is ${parent.state}`
    throw new CarillonError('CHILD_RUN', message, {
      field: 'runId',
      value: printable(id),
      hint: isEnded(parent.state)
        ? `Run \`carillon runs retry ${parent.id} --failed${inNamespace(namespace)}\`: it goes on with this run.`
        : `When run ${parent.id} has ended, retry that one.`,
    })
  }

  view(namespace: string, runId: string): Promise<RunView> {
    return this.#reads.get(namespace, runId)
  }

  async #restart(namespace: string, runId: string, also: (run: RunHead) => Promise<LifeChange['set']>): Promise<void> {
    await this.#decide(namespace, runId, async (run) => {
      const decision = decideRestart(run, { tries: run.tries, now: this.#clock.now() })
      if (isRefused(decision) || !isEnded(run.state)) throw open(run)
      const terms = withoutPause(run.terms)
      const anew = { ...(run.compensation === null ? {} : { compensation: null }), ...(terms === run.terms ? {} : { terms }) }
      const restarted = { ...decision.set, ...anew, ...(await also(run)), ...(await this.#placed({ ...run, terms })) }
      const isAnew = restarted.resume != null && beginsAnew(restarted.resume, restarted.attempt ?? run.attempt)
      const set = isAnew ? { ...restarted, ...UNBOUND } : restarted
      if (!isGated({ ...run, ...set })) return { ...decision, set }
      // A retry arrives at the gate as a new run does.
      return decideReturn({ ...decision, set }, { order: await this.#placement.order(run), now: this.#clock.now() })
    })
  }

  /**
   * At the gate that its job has for it now. A retry is no trigger: it waits for no other ones, and no other run starts for it, unless it is to be part of a
   * batch.
   */
  async #placed(run: RunHead): Promise<LifeChange['set']> {
    const at = await this.#placement.again(run)
    if (!isCoalescing(run.gate)) return at
    const { mergedInto: _, arrivedAt: __, published: ___, ...rest } = run.terms ?? {}
    const terms = isCoalescing(at.gate ?? null) ? { ...rest, arrivedAt: this.#clock.now() } : rest
    return { ...at, terms: Object.keys(terms).length > 0 ? terms : null }
  }

  /** Decides from the stored run, again if it changed in between. Answers the run as it was. */
  async #decide(
    namespace: string,
    runId: string,
    decide: (run: RunHead) => Decision | undefined | Promise<Decision | undefined>,
  ): Promise<RunHead> {
    for (let i = 0; i < TRIES_AGAINST_OTHERS; i++) {
      const run = await this.head(namespace, runId)
      const decision = await decide(run)
      if (!decision) return run
      const [outcome] = await this.#runs.write([{ run, decision }])
      if (outcome === 'applied') return run
      if (CarillonError.is(outcome)) throw outcome
    }
    throw new CarillonError('CONCURRENT_CHANGE', `run ${printable(runId)} is being changed by others`, {
      field: 'runId',
      value: printable(runId),
    })
  }
}

const inNamespace = (namespace: string) => (namespace === DEFAULT_NAMESPACE ? '' : ` --namespace ${namespace}`)

/** A child run may have ended by itself. */
const unlessEnded = (change: Promise<unknown>): Promise<void> => unless('RUN_ENDED', change)
/** Another coordinator, or another request, may have been faster. */
const unlessOpen = (change: Promise<unknown>): Promise<void> => unless('RUN_OPEN', change)

async function unless(code: ErrorCode, change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!CarillonError.is(error) || error.code !== code) throw error
  })
}

const open = ({ id, state }: RunHead) =>
  new CarillonError('RUN_OPEN', `run ${printable(id)} is ${state}`, { field: 'runId', value: printable(id) })

/** One that has not begun, or not begun again, ends at once: what was left to undo is left. */
function compensationLeft({ compensation }: RunHead, { force, isOver }: { force: boolean; isOver: boolean }): LifeChange['set'] {
  if (isOver) return compensation === 'again' ? { compensation: 'incomplete' } : {}
  return force ? { compensation: 'cut' } : {}
}

const ended = ({ id, state }: RunHead) =>
  new CarillonError('RUN_ENDED', `run ${printable(id)} has ended: ${state}`, { field: 'runId', value: printable(id) })

/** @throws CarillonError INVALID_REQUEST */
function refuseNodes(run: RunHead, { only, fromNode, node }: RetryRequest): void {
  if (only === 'compensation') throw noWorkflow(run, 'only', only)
  if (fromNode !== undefined) throw noWorkflow(run, 'fromNode', fromNode)
  if (node !== undefined) throw noWorkflow(run, 'node', node)
}
