import { isEnded, LIMITS } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { RunHead, SignalRecord, StepRecord, Store, TaskHead } from '@carillon/store'
import { readLives } from '../lives.ts'
import { isFanOut } from '../modes/rules/fan-out.ts'
import type { Lives } from '../ports.ts'
import { decideDue } from '../runs/rules/life.ts'
import { isWaitNode } from '../runs/rules/waits-of-nodes.ts'
import { isTaskOfRun, onlyTask, runOf, type TaskOfRun, type Work } from '../runs/rules/work.ts'
import type { Waits } from '../signal-ports.ts'
import {
  childrenOf,
  isInTime,
  outcomeOf,
  receivedBy,
  recordsOf,
  signalOf,
  stepOfTaker,
  takerOf,
  taskOfTaker,
  VERIFY_AFTER_MS,
  type WaitingStep,
  type Window,
  waitsOf,
  windowOf,
} from './rules/waits.ts'

const PAGE = 200
/** Others may take the same signal at the same moment: each time one of them has gone on. */
const TRIES_AGAINST_OTHERS = 20

/**
 * Brings signals and the steps that wait for them together. Level-triggered: it reads what is stored, so it may be called at any time, any number of times. A signal is
 * taken by a write of the signal that names the step; then the first insert of the step's outcome decides, and a signal that came to nothing is given back.
 */
export class SettleWaits implements Waits {
  readonly #store: Store
  readonly #lives: Lives
  readonly #clock: Clock

  constructor(options: { store: Store; lives: Lives; clock: Clock }) {
    this.#store = options.store
    this.#lives = options.lives
    this.#clock = options.clock
  }

  /** A signal of this name has come for a run: what waits for it goes on. */
  async arrived({ namespace, runId, name }: { namespace: string; runId: string; name: string }): Promise<void> {
    const [run] = await this.#store.runs.heads([runId])
    if (run?.namespace !== namespace || isEnded(run.state)) return
    if (!isFanOut(run)) return this.#goOn(onlyTask(run), name)
    let cursor: string | undefined
    do {
      const page = await this.#store.tasks.list({ runId, state: 'delayed', limit: PAGE, cursor })
      for (const task of page.items) await this.#goOn(workOf(run, task), name)
      cursor = page.cursor
    } while (cursor !== undefined && (await this.#store.signals.open({ namespace, runId, name, limit: 1 })).length > 0)
  }

  /** Without a signal that is free there is nothing to do, but at the end of a time limit: one may have been taken by a coordinator that has died since. */
  async take({ namespace, id: runId }: RunHead, { taskIds, isLast }: { taskIds: readonly string[]; isLast: boolean }): Promise<void> {
    if (!isLast && (await this.#store.signals.usage({ namespace, runId })).count === 0) return
    for (const taskId of taskIds) await this.asleep(taskId)
  }

  async asleep(taskId: string): Promise<void> {
    const [work] = await readLives(this.#store, [taskId])
    if (work) await this.#goOn(work)
  }

  async outcome(
    namespace: string,
    wait: WaitingStep,
    { isBehind = false }: { isBehind?: boolean | undefined } = {},
  ): Promise<StepRecord | undefined> {
    const taker = takerOf(wait)
    // All at once: a signal is to reach what waits for it soon.
    const [[waiting, outcome], [held], [next]] = await Promise.all([
      this.#store.steps.get(recordsOf(wait)),
      this.#store.signals.takenBy(taker),
      isBehind ? [] : this.#store.signals.open({ namespace, runId: runIdOf(wait), name: wait.name, limit: 1 }),
    ])
    if (!waiting || outcome) return outcome
    const by = { taker, namespace, runId: runIdOf(wait), name: wait.name, from: null, until: waiting.until }
    const signal = held ?? (await this.#take(next, by))
    return this.#decide(waiting, signal)
  }

  /** A signal was taken a while ago: whether by something that is there, else it is given back. */
  async verify(signal: SignalRecord): Promise<void> {
    if (signal.takenBy === null) return
    const wait = stepOfTaker(signal.takenBy, signal.name)
    if (!wait) {
      await this.asleep(signal.takenBy)
      return this.#giveBackUnlessTaken(signal.takenBy, signal)
    }
    const outcome = await this.outcome(signal.namespace, wait)
    if (signalOf(outcome) !== signal.id) await this.#giveBack([signal])
    await this.asleep(taskOfTaker(signal.takenBy))
  }

  /** Queues a task for which one of its waits is over. @param name only waits for this signal */
  async #goOn(work: Work, name?: string): Promise<void> {
    if (isTaskOfRun(work) && isWaitNode(work.task)) return this.#goOnWithNode(work, name)
    const children = name === undefined ? childrenOf(work.task) : []
    const heads = children.length === 0 ? [] : await this.#store.runs.heads(children)
    if (heads.some((child) => child && isEnded(child.state))) {
      await this.#lives.write([{ ...work, decision: decideDue(work.task, this.#clock.now()) }])
      return
    }
    const waits = waitsOf(work.task).filter((wait) => name === undefined || wait.name === name)
    for (const wait of waits) {
      if (!(await this.outcome(work.run.namespace, wait))) continue
      // It finds the outcomes of the others when it goes on.
      await this.#lives.write([{ ...work, decision: decideDue(work.task, this.#clock.now()) }])
      return
    }
  }

  /** A node of a workflow takes its signal by a write of its task, which also a time limit and a cancel write. */
  async #goOnWithNode({ run, task }: TaskOfRun, name?: string): Promise<void> {
    const waitsFor = task.waits?.[0]?.signal
    if (task.state !== 'delayed' || waitsFor === undefined || (name !== undefined && name !== waitsFor)) return
    const by = { taker: task.id, namespace: run.namespace, runId: run.id, name: waitsFor, ...windowOf(task) }
    const [[held], next] = await Promise.all([this.#store.signals.takenBy(task.id), this.#open(by)])
    const signal = held ?? (await this.#take(next, by))
    if (!signal) return
    const [outcome] = await this.#lives.write([{ run, task, decision: receivedBy(task, signal, this.#clock.now()) }])
    if (outcome !== 'applied') await this.#giveBackUnlessTaken(task.id, signal)
  }

  async #giveBackUnlessTaken(taskId: string, signal: SignalRecord): Promise<void> {
    const [task] = await this.#store.tasks.heads([taskId])
    if (task && (task.state === 'delayed' || task.node?.signal === signal.id)) return
    await this.#giveBack([signal])
  }

  /** The first insert counts. */
  async #decide(waiting: StepRecord, signal: SignalRecord | undefined): Promise<StepRecord | undefined> {
    const now = this.#clock.now()
    if (!signal && (waiting.until === null || waiting.until > now)) return undefined
    const outcome = outcomeOf(waiting, signal, now)
    const [inserted] = await this.#store.steps.insert([outcome])
    if (inserted === 'created') return outcome
    const [there] = await this.#store.steps.get([outcome.id])
    if (signal && signalOf(there) !== signal.id) await this.#giveBack([signal])
    return there
  }

  /** The first signal that is there in time, and has this taker from now on. @param first that nothing had taken when it was read */
  async #take(first: SignalRecord | undefined, taker: Taker): Promise<SignalRecord | undefined> {
    for (let signal = first, tried = 0; signal && isInTime(signal, taker) && tried < TRIES_AGAINST_OTHERS; tried++) {
      // Should this coordinator die now, the signal is brought together with its taker, or given back.
      const wakeAt = this.#clock.now() + VERIFY_AFTER_MS
      const take = { id: signal.id, expect: { takenBy: null }, set: { takenBy: taker.taker, unclaimed: 0, wakeAt } }
      if ((await this.#store.signals.update([take]))[0] === 'applied') return { ...signal, takenBy: taker.taker }
      signal = await this.#open(taker)
    }
    return undefined
  }

  /** The first that has not come too early. */
  async #open({ namespace, runId, name, from }: Taker): Promise<SignalRecord | undefined> {
    const found = await this.#store.signals.open({ namespace, runId, name, limit: from === null ? 1 : LIMITS.signalsPerRun })
    return found.find((signal) => isInTime(signal, { from, until: null }))
  }

  async #giveBack(signals: readonly SignalRecord[]): Promise<void> {
    await this.#store.signals.update(signals.map(({ id, takenBy }) => ({ id, expect: { takenBy }, set: { takenBy: null } })))
  }
}

/** What takes a signal, and when it may have come. */
interface Taker extends Window {
  readonly taker: string
  readonly namespace: string
  readonly runId: string
  /** Of the signal. */
  readonly name: string
}

const runIdOf = ({ taskId }: WaitingStep) => taskId.split('-')[0] as string

const workOf = (run: RunHead, task: TaskHead): Work => ({ task, run: runOf(run, task) })
