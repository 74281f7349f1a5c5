import { nodeOfTask, type Report } from '@carillon/contracts'
import type { FakePresence } from '../../test-coordinator.ts'
import type { Delivery, SimulatedBroker } from '../broker.ts'
import { drop, fresh, type Held, type Instance, idsOf, newInstance } from '../instance.ts'
import type { Random } from '../random.ts'
import type { Suspicions } from '../suspicions.ts'
import type { Coordinators } from './coordinators.ts'
import { allOf, type Child, type Course, handlersOf, type RandomWorkflow } from './made-workflow.ts'
import { HANDLERS, outcomeOf, UNDO } from './random-workflow.ts'

interface Options {
  readonly random: Random
  readonly broker: SimulatedBroker
  readonly presence: FakePresence
  readonly coordinators: Coordinators
  readonly suspicions: Suspicions
  readonly runId: string
  /** Whether a run is the one, or within it. */
  readonly isOurs: (runId: string) => boolean
  readonly made: RandomWorkflow
  /** Whether the run is being cancelled, or is cancelled. */
  readonly isCancelled: () => boolean
  readonly violated: (what: string) => void
}

/** Instances that run the nodes of one workflow as its script says. They die, fall silent, report late and twice. */
export class Fleet {
  readonly #given: Options
  readonly #random: Random
  readonly #broker: SimulatedBroker
  readonly #instances: Instance[] = []
  /** Reports that come once more, later. */
  readonly #late: { readonly instance: string; readonly report: Report }[] = []
  readonly #handlers: readonly string[]
  readonly #courses = new Map<string, Course>()
  /** By their handlers. */
  readonly #singles = new Map<string, Course>()
  readonly #lists = new Map<string, Extract<Child, { kind: 'list' }>>()
  /** What the last attempt of each task was given. */
  readonly given = new Map<string, { readonly payload: unknown; readonly context: unknown }>()
  /** Attempts that were begun. */
  readonly #begun = new Set<string>()
  /** Attempts that were given back: such an attempt goes on with another instance, also if one that fell silent has begun it in the meantime. */
  readonly #released = new Set<string>()

  constructor(options: Options) {
    this.#given = options
    this.#random = options.random
    this.#broker = options.broker
    this.#handlers = handlersOf(options.made)
    for (const { children, courses } of allOf(options.made)) {
      for (const [id, course] of courses) this.#courses.set(id, course)
      for (const [id, child] of children) {
        if (child.kind === 'list') this.#lists.set(child.handler, child)
        if (child.kind === 'single') this.#singles.set(child.handler, courses.get(id) as Course)
      }
    }
    for (let i = 0; i < 3; i++) this.join()
  }

  /** Messages of the run, and of those within it, that wait in the queue. */
  get queued(): Delivery[] {
    return [...this.#broker.work.values()].filter(({ work }) => this.#given.isOurs(work.runId))
  }

  /** Tasks that instances hold. */
  get held(): number {
    return this.#instances.reduce((sum, { alive, held }) => sum + (alive ? held.length : 0), 0)
  }

  join(): void {
    const id = `i-${this.#instances.length}`
    const instance = newInstance(id, { hasSession: this.#random.chance(0.5) })
    if (instance.session) this.#given.presence.sessions.set(id, instance.session)
    this.#instances.push(instance)
    this.#showPresence()
  }

  #showPresence(): void {
    const alive = this.#instances.filter((instance) => instance.alive).map(({ id }) => id)
    for (const handler of [...HANDLERS, UNDO, ...this.#handlers]) this.#given.presence.alive.set(handler, alive)
  }

  #alive(): Instance | undefined {
    return this.#random.pick(this.#instances.filter(({ alive }) => alive))
  }

  take(of?: { delivery: Delivery; instance: Instance }): void {
    const delivery = of?.delivery ?? this.#random.pick(this.queued.filter(({ holder }) => holder === undefined))
    const instance = of?.instance ?? this.#alive()
    if (!delivery || !instance) return
    delivery.holder = instance.id
    delivery.count++
    const { work } = delivery
    if (instance.held.some((held) => held.work.taskId === work.taskId)) return
    instance.held.push({ work, attempt: work.attempt, delivery, needsClaim: delivery.count > 1, ...fresh() })
  }

  async begin(): Promise<void> {
    const instance = this.#alive()
    const held = this.#random.pick(instance?.held.filter(({ begun }) => !begun) ?? [])
    if (!instance || !held) return
    if (held.needsClaim) return this.#claim(instance, held)
    held.begun = true
    const attempt = `${held.work.taskId}#${held.attempt}`
    if (this.#begun.has(attempt) && !this.#released.has(attempt)) this.#given.violated(`${attempt} was run twice`)
    this.#begun.add(attempt)
    const { taskId, payload, context = {} } = held.work
    this.given.set(taskId, { payload, context })
    if (this.#random.chance(0.6)) this.#broker.report(instance.id, { ...idsOf(held), type: 'started', session: instance.session })
  }

  /** Claims until there is an answer, as executors do. */
  async #claim(instance: Instance, held: Held): Promise<void> {
    const { work, delivery } = held
    if (held.isBusy) return
    held.isBusy = true
    const claim = { taskId: work.taskId, attempt: work.attempt, instance: instance.id, session: instance.session, redelivered: true }
    // Without a session its second claim is a loss.
    if (!instance.session) this.#given.suspicions.add(work.taskId)
    const answer = await this.#given.coordinators.with((coordinator) => coordinator.claimTask.execute('default', claim))
    held.isBusy = false
    if (answer === undefined) return
    held.needsClaim = false
    if (answer.run) {
      held.attempt = answer.attempt
      held.isClaimed = true
    } else {
      drop(instance, held)
      if (delivery?.holder === instance.id) this.#broker.acknowledge(delivery)
    }
  }

  finish(isCalm: boolean, of?: { instance: Instance; held: Held; isCancelled: boolean }): void {
    const instance = of?.instance ?? this.#alive()
    const held = of?.held ?? this.#random.pick(instance?.held.filter(({ begun }) => begun) ?? [])
    if (!instance || !held) return
    const report: Report = of?.isCancelled ? { ...idsOf(held), type: 'finished', outcome: 'cancelled' } : this.#endOf(held)
    this.#broker.report(instance.id, report)
    if (!isCalm && this.#random.chance(0.1)) this.#late.push({ instance: instance.id, report })
    drop(instance, held)
    if (held.delivery?.holder !== instance.id) return
    // An acknowledgement may get lost.
    if (!isCalm && this.#random.chance(0.12)) {
      held.delivery.holder = undefined
      this.#given.suspicions.add(held.work.taskId)
    } else this.#broker.acknowledge(held.delivery)
  }

  /** As its script says, whichever instance runs it. */
  #endOf(held: Held): Report {
    if (held.work.handler === UNDO) return this.#endOfUndo(held)
    const list = this.#lists.get(held.work.handler)
    if (list) return this.#endOfItem(held, list)
    const course = this.#singles.get(held.work.handler) ?? this.#courses.get(held.work.task ?? '')
    if (!course) {
      this.#given.violated(`${held.work.taskId} is a node without a handler, and was given to an instance`)
      return { ...idsOf(held), type: 'finished', outcome: 'failed' }
    }
    const { outcome, isFinal } = outcomeOf(course, { attempt: held.attempt, generation: nodeOfTask(held.work.taskId)?.generation ?? 1 })
    if (outcome === 'succeeded') return { ...idsOf(held), type: 'finished', outcome, result: course.result, context: course.addition }
    const error = { name: 'Error', message: `attempt ${held.attempt}`, ...(isFinal ? { retryable: false } : {}) }
    return { ...idsOf(held), type: 'finished', outcome, error }
  }

  #endOfItem(held: Held, { bad }: Extract<Child, { kind: 'list' }>): Report {
    if (!bad.has(held.work.index ?? -1)) return { ...idsOf(held), type: 'finished', outcome: 'succeeded', result: held.work.index }
    return { ...idsOf(held), type: 'finished', outcome: 'failed', error: { name: 'Error', message: `item ${held.work.index}` } }
  }

  #endOfUndo(held: Held): Report {
    const succeedsAt = this.#given.made.undos.get(held.work.task ?? '') ?? 1
    if (held.attempt >= succeedsAt) return { ...idsOf(held), type: 'finished', outcome: 'succeeded' }
    return { ...idsOf(held), type: 'finished', outcome: 'failed', error: { name: 'Error', message: `undo attempt ${held.attempt}` } }
  }

  /** An instance that is silent for ten seconds loses its message, and may go on with its task nevertheless. */
  redeliver(): void {
    const delivery = this.#random.pick(this.queued.filter(({ holder }) => holder !== undefined))
    const instance = this.#alive()
    if (!delivery || delivery.holder === instance?.id) return
    delivery.holder = undefined
    this.#given.suspicions.add(delivery.work.taskId)
    if (instance && this.#random.chance(0.5)) this.take({ delivery, instance })
  }

  /** Messages of what nobody holds any more are delivered again. */
  redeliverLost(): void {
    for (const delivery of this.queued) {
      const isHeld = this.#instances.some(({ alive, held }) => alive && held.some((one) => one.delivery === delivery))
      if (delivery.holder === undefined || isHeld) continue
      delivery.holder = undefined
      this.#given.suspicions.add(delivery.work.taskId)
    }
  }

  async die(): Promise<void> {
    const instance = this.#alive()
    if (!instance || this.#instances.filter(({ alive }) => alive).length === 1) return
    instance.alive = false
    for (const held of instance.held) {
      this.#given.suspicions.add(held.work.taskId)
      // It was on its way when the process ended.
      if (held.begun) this.#late.push({ instance: instance.id, report: this.#endOf(held) })
    }
    this.#showPresence()
    await this.#lose(instance)
  }

  async #lose(instance: Instance): Promise<void> {
    const { presence, coordinators } = this.#given
    presence.lost.add(instance.id)
    presence.gone.add(instance.id)
    for (const delivery of this.queued) if (delivery.holder === instance.id) delivery.holder = undefined
    await Promise.all(Array.from({ length: this.#random.chance(0.5) ? 2 : 1 }, () => coordinators.takeOver(instance.id)))
  }

  /** Coordinators take over the tasks of all dead instances; a new instance joins if none is alive. */
  async loseTheDead(): Promise<void> {
    for (const instance of this.#instances) if (!instance.alive) await this.#lose(instance)
    if (!this.#instances.some(({ alive }) => alive)) this.join()
  }

  sayLate(): void {
    const report = this.#random.pick(this.#late)
    if (report) this.#broker.report(report.instance, report.report)
  }

  /** A control message may get lost. */
  obey(isCalm: boolean): void {
    const order = this.#broker.orders.shift()
    if (!order || (!isCalm && this.#random.chance(0.2))) return
    const instance = this.#instances.find(({ id, alive }) => id === order.instance && alive)
    if (!instance) return
    // An order to cancel a whole run would reach it once more after a retry. In a mesh it arrives within milliseconds.
    if (order.taskId === this.#given.runId && !this.#given.isCancelled()) return
    const meant = instance.held.filter(({ work }) => work.taskId === order.taskId || work.runId === order.taskId)
    if (order.type === 'check' && meant.length === 0) this.#release(instance, order)
    if (order.type === 'cancel') for (const held of meant) this.#cancel(instance, held, isCalm)
  }

  #cancel(instance: Instance, held: Held, isCalm: boolean): void {
    // Some handlers end as they would have, however soon.
    if (held.begun) this.finish(isCalm, { instance, held, isCancelled: this.#random.chance(0.7) })
    if (held.begun || held.needsClaim) return
    drop(instance, held)
    if (held.isClaimed) {
      this.#release(instance, idsOf(held))
      if (held.delivery?.holder === instance.id) held.delivery.holder = undefined
    } else if (held.delivery) this.#broker.acknowledge(held.delivery)
  }

  #release(instance: Instance, { runId, taskId, attempt }: { runId: string; taskId: string; attempt: number }): void {
    this.#released.add(`${taskId}#${attempt}`)
    this.#broker.report(instance.id, { runId, taskId, attempt, type: 'released' })
  }
}
