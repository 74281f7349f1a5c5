import { isEnded, type OfferAnswer, OPEN_STATES, subjects, TIMES, taskIdOf } from '@carillon/contracts'
import { type Broker, type Clock, type Logger, traceHeaders } from '@carillon/runtime'
import type { LifeChange, RunRecord, Store, TaskRecord } from '@carillon/store'
import { decideBegun, decideEnd, decideLegLoss } from '../domain/broadcast.ts'
import { decideCancel, decideDue, decideLoss, decideRestart, decideTimeout, isRefused, nextCheck } from '../domain/life.ts'
import { broadcastLeg } from '../domain/new-run.ts'
import { workText } from '../domain/views.ts'
import type { PresenceWatch } from './presence.ts'
import type { RunWriter } from './write-runs.ts'

const OFFER_WITHIN_MS = 2_000
/** A queued broadcast looks this often whether an instance has come. */
const LOOK_AGAIN_MS = 2_000
const BUSY_AGAIN_MS = 1_000
const PAGE = 500

/**
 * Pushes a broadcast run as far as it can go: makes its tasks, offers them, ends it. Looks at the stored state alone, so it may be called at
 * any time, any number of times, by any coordinator.
 */
export class AdvanceBroadcast {
  readonly #store: Store
  readonly #writer: RunWriter
  readonly #presence: PresenceWatch
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #log: Logger
  /** Set once by the composition. */
  arm: (due: { id: string; wakeAt: number }) => void = () => undefined

  constructor(options: { store: Store; writer: RunWriter; presence: PresenceWatch; broker: Broker; clock: Clock; log: Logger }) {
    this.#store = options.store
    this.#writer = options.writer
    this.#presence = options.presence
    this.#broker = options.broker
    this.#clock = options.clock
    this.#log = options.log
  }

  async execute(runId: string): Promise<void> {
    const [run] = await this.#store.runs.get([runId])
    if (!run || isEnded(run.state) || run.mode !== 'broadcast') return
    if (run.state === 'queued') return this.#begin(run)
    if (run.state === 'cancelling') await this.#cancelTasks(run)
    const end = decideEnd(run, await this.#store.tasks.count(run.id), this.#clock.now())
    if (end) await this.#writer.write([{ run, decision: end }])
    else if (run.wakeAt !== null && run.wakeAt <= this.#clock.now()) await this.#lookLater(run, TIMES.ackWaitMs)
  }

  /** Called from where nobody waits: a failure is repaired by the run's `wakeAt`. */
  soon(runId: string): void {
    this.execute(runId).catch((error: unknown) =>
      this.#log.error({ evt: 'broadcast.failed', runId, err: error }, 'a broadcast run could not be advanced; it is tried again'),
    )
  }

  async #begin(run: RunRecord): Promise<void> {
    const instances = this.#presence.offering(run.namespace, run.handler)
    const existing = await this.#allTasks(run.id)
    if (instances.length === 0 && existing.length === 0) return this.#lookLater(run, LOOK_AGAIN_MS)
    const now = this.#clock.now()
    if (existing.length === 0) {
      await this.#store.tasks.insert(
        instances.map(({ instance }, index) => broadcastLeg(run, { id: taskIdOf(run.id, index), index, target: instance, now })),
      )
    } else await this.#restartTasks(run, existing)
    const [outcome] = await this.#writer.write([{ run, decision: decideBegun(run, now) }])
    // It was cancelled meanwhile, or another coordinator has begun it.
    if (outcome !== 'applied') return
    const tasks = await this.#allTasks(run.id)
    await Promise.all(tasks.filter((task) => task.state === 'queued').map((task) => this.offer(run, task, tasks.length)))
  }

  /** Of a run that was retried: tasks that ended before the retry run again. */
  async #restartTasks(run: RunRecord, tasks: readonly TaskRecord[]): Promise<void> {
    const before = run.queuedAt ?? 0
    const changes: LifeChange[] = []
    for (const task of tasks) {
      if (!isEnded(task.state) || (task.endedAt ?? 0) > before) continue
      const decision = decideRestart(task, { tries: run.tries, now: this.#clock.now() })
      if (!isRefused(decision))
        changes.push({ id: task.id, expect: decision.expect, set: { ...decision.set, wakeAt: this.#clock.now() + TIMES.ackWaitMs } })
    }
    await this.#store.tasks.update(changes)
  }

  /** Offers a queued leg to its instance; what is not heard of again is offered anew by the task's `wakeAt`. */
  async offer(run: RunRecord, task: TaskRecord, total: number): Promise<void> {
    const subject = subjects.direct(run.namespace, task.target)
    const body = workText(run, { id: task.id, attempt: task.attempt, index: task.index, total })
    let answer: OfferAnswer | undefined
    try {
      answer = (
        await this.#broker.connection.request(subject, body, { timeout: OFFER_WITHIN_MS, ...traceHeaders(run.traceparent) })
      ).json<OfferAnswer>()
    } catch (error) {
      this.#log.debug({ evt: 'offer.unanswered', taskId: task.id, target: task.target, err: error }, 'an offer had no answer')
    }
    if (answer?.accepted) return
    const delayMs = answer ? BUSY_AGAIN_MS : LOOK_AGAIN_MS
    await this.#wakeTask(task, this.#clock.now() + delayMs)
  }

  /** A task's `wakeAt` has come. */
  async wakeTask(taskId: string): Promise<void> {
    const [task] = await this.#store.tasks.get([taskId])
    const [run] = task ? await this.#store.runs.get([task.runId]) : []
    const now = this.#clock.now()
    if (!task || !run || isEnded(task.state) || task.wakeAt === null || task.wakeAt > now) return
    if (isEnded(run.state)) return this.#endLate(task, now)
    if (task.state === 'delayed') return this.#change(task, decideDue(task, now), { wakeAt: now + TIMES.ackWaitMs })
    const holder = task.owner ?? task.target
    if (this.#presence.isLost(run.namespace, holder)) return this.#lose(run, task)
    if (task.state === 'queued') {
      await this.#wakeTask(task, now + TIMES.ackWaitMs)
      return this.offer(run, task, (await this.#allTasks(run.id)).length)
    }
    if (task.state === 'cancelling') return this.#change(task, decideLoss(task, { now }))
    const startedAt = task.startedAt ?? now
    const next = nextCheck(startedAt, run.timeoutMs, now)
    if (run.timeoutMs !== null && next <= now + 1) return this.#change(task, decideTimeout(task, { policy: run, now }))
    await this.#wakeTask(task, next)
  }

  /** A task whose run was cancelled while its tasks were being made. */
  async #endLate(task: TaskRecord, now: number): Promise<void> {
    const decision = task.state === 'cancelling' ? decideLoss(task, { now }) : decideCancel(task, now)
    if (!isRefused(decision)) await this.#change(task, decision)
  }

  /** What the state of a written task asks for. */
  async taskChanged(task: TaskRecord): Promise<void> {
    if (task.wakeAt !== null && !isEnded(task.state)) this.arm({ id: task.id, wakeAt: task.wakeAt })
    if (isEnded(task.state)) return this.execute(task.runId)
    const [run] = await this.#store.runs.get([task.runId])
    if (!run) return
    if (task.state === 'queued') await this.offer(run, task, (await this.#allTasks(run.id)).length)
  }

  async lose(task: TaskRecord): Promise<void> {
    const [run] = await this.#store.runs.get([task.runId])
    if (run) await this.#lose(run, task)
  }

  async #lose(run: RunRecord, task: TaskRecord): Promise<void> {
    const used = new Set((await this.#allTasks(run.id)).map((other) => other.target))
    const unused = this.#presence
      .offering(run.namespace, run.handler)
      .map(({ instance }) => instance)
      .filter((instance) => !used.has(instance))
    const loss = decideLegLoss(task, unused, this.#clock.now())
    await this.#change(task, { ...loss, expect: { state: [task.state], attempt: task.attempt, owner: [task.owner] } })
  }

  async #cancelTasks(run: RunRecord): Promise<void> {
    for (const task of await this.#allTasks(run.id)) {
      const decision = decideCancel(task, this.#clock.now())
      if (isRefused(decision)) continue
      this.#writer.control(run.namespace, task.owner ?? task.target, { type: 'cancel', taskId: task.id })
      const [outcome] = await this.#store.tasks.update([{ id: task.id, expect: decision.expect, set: decision.set }])
      if (outcome === 'applied' && decision.set.wakeAt) this.arm({ id: task.id, wakeAt: decision.set.wakeAt })
    }
  }

  async #change(
    task: TaskRecord,
    decision: { expect: LifeChange['expect']; set: LifeChange['set'] },
    more: LifeChange['set'] = {},
  ): Promise<void> {
    const set = { ...decision.set, ...more }
    const [outcome] = await this.#store.tasks.update([{ id: task.id, expect: decision.expect, set }])
    if (outcome === 'applied') await this.taskChanged({ ...task, ...set })
  }

  async #wakeTask(task: TaskRecord, wakeAt: number): Promise<void> {
    await this.#store.tasks.update([
      { id: task.id, expect: { state: [...OPEN_STATES].filter((state) => state === task.state), attempt: task.attempt }, set: { wakeAt } },
    ])
    this.arm({ id: task.id, wakeAt })
  }

  async #lookLater(run: RunRecord, delayMs: number): Promise<void> {
    const wakeAt = this.#clock.now() + delayMs
    await this.#store.runs.update([{ id: run.id, expect: { state: [run.state], attempt: run.attempt }, set: { wakeAt } }])
    this.arm({ id: run.id, wakeAt })
  }

  async #allTasks(runId: string): Promise<TaskRecord[]> {
    const tasks: TaskRecord[] = []
    let cursor: string | undefined
    do {
      const slice = await this.#store.tasks.list({ runId, cursor, limit: PAGE })
      tasks.push(...slice.items)
      cursor = slice.cursor
    } while (cursor)
    return tasks
  }
}
