import { isEnded } from '@carillon/contracts'
import { FakeClock, settle } from '@carillon/runtime/testing'
import type { RunRecord, Store } from '@carillon/store'
import { LIFE_KINDS } from '../../lives.ts'
import { isFanOut } from '../../modes/rules/fan-out.ts'
import { FakePresence } from '../test-coordinator.ts'
import { Attempts, claimOf, endOf, taken } from './attempts.ts'
import { type Delivery, SimulatedBroker } from './broker.ts'
import { MortalCoordinators } from './coordinators.ts'
import { ReportDelivery } from './deliver-reports.ts'
import { DirectRequests, remember } from './direct.ts'
import type { Fault } from './faults.ts'
import {
  drop,
  type Held,
  type Instance,
  idsOf,
  isAttempt,
  keyOf,
  namesOfAlive,
  newInstance,
  type Program,
  register,
  workOn,
} from './instance.ts'
import { isOver, judgeEnd } from './judge.ts'
import { Random } from './random.ts'
import { randomRun } from './random-run.ts'
import { Suspicions } from './suspicions.ts'

const [STEPS, CALM_ROUNDS] = [60, 60]
const HANDLER = 'hello'
const signal = new AbortController().signal

/**
 * One fan-out run, driven by chance: reports come late, twice and out of order, instances and coordinators die between any two
 * writes, messages and orders get lost. Then it is calm, and everything must come to a good end.
 */
export class Simulation {
  readonly violations: string[] = []
  readonly #random: Random
  readonly #store: Store
  readonly #fault: Fault | undefined
  readonly #clock = new FakeClock()
  readonly #presence = new FakePresence()
  readonly #broker = new SimulatedBroker()
  readonly #coordinators: MortalCoordinators
  readonly #instances: Instance[] = []
  readonly #run: RunRecord
  readonly #program: Program
  readonly #suspicions: Suspicions
  readonly #direct: DirectRequests
  readonly #reports: ReportDelivery
  readonly #attempts: Attempts
  /** Instances take assignments, and the run is one that may be assigned. */
  readonly #hasAssignments: boolean
  /** Every other instance has another program. */
  readonly #hasPrograms: boolean
  /** Writes take no time, nothing fails. */
  #isCalm = true

  /** @param options.isSingle the run has one task, which any instance may have */
  constructor(options: { seed: number; store: Store; fault?: Fault | undefined; isSingle?: true }) {
    this.#random = new Random(options.seed)
    this.#store = options.store
    this.#fault = options.fault
    const about = { seed: options.seed, isSingle: options.isSingle ?? options.fault?.isSingle, handler: HANDLER, now: this.#clock.now() }
    ;({ run: this.#run, program: this.#program } = randomRun(this.#random, about))
    this.#hasPrograms = this.#run.mode === 'single' && options.seed % 2 === 0
    this.#suspicions = new Suspicions(this.#run.losses)
    const isAssignable = this.#run.mode === 'single' && this.#run.routing === null
    this.#hasAssignments = isAssignable && new Random(options.seed * 17 + 3).chance(0.75)
    this.#attempts = new Attempts((what) => void (isAssignable && this.violations.push(what)))
    const violated = (what: string) => void this.violations.push(what)
    const shared = { random: this.#random, clock: this.#clock, suspicions: this.#suspicions, isCalm: () => this.#isCalm, violated }
    const requests = { instances: this.#instances, isBroadcast: this.#run.mode === 'broadcast', mayBeLate: this.#hasAssignments }
    this.#direct = new DirectRequests({ ...shared, ...requests })
    const world = { store: options.store, presence: this.#presence, broker: this.#broker, fault: options.fault }
    this.#coordinators = new MortalCoordinators({ ...shared, ...world, slowTurns: isFanOut(this.#run) ? 3 : 40 })
    const delivery = { broker: this.#broker, coordinators: this.#coordinators, losesReports: options.fault?.losesReports ?? false }
    this.#reports = new ReportDelivery({ ...shared, ...delivery })
    this.#broker.answer = (...offer) => this.#direct.offered(...offer)
    this.#broker.assign = (...assignment) => this.#direct.assigned(...assignment)
    for (let i = 0; i < 3; i++) this.#join()
  }

  /** @returns what was violated; nothing when all is well */
  async run(): Promise<string[]> {
    await this.#insert()
    this.#isCalm = false
    for (let step = 0; step < STEPS && this.violations.length === 0; step++) await this.#step()
    this.#isCalm = true
    for (let round = 0; round < CALM_ROUNDS && this.violations.length === 0; round++) {
      await this.#calmRound()
      if ((await isOver(this.#store, this.#run.id)) && this.#broker.reports.length === 0) break
    }
    if (this.violations.length === 0) await this.#checkEnd()
    return this.violations
  }

  /** A coordinator may die before it has sent an assignment; the run is stored in any case. */
  async #insert(): Promise<void> {
    this.#isCalm = !this.#hasAssignments
    // The store does not say whether the instance has received it: when that is lost, it is a loss of the run.
    if (this.#hasAssignments) this.#suspicions.add(this.#run.id)
    if (this.#hasAssignments && this.#random.chance(0.3)) this.#coordinators.crashSoon()
    do {
      if (this.#hasAssignments) this.#coordinators.revive()
      await this.#coordinators.with((coordinator) => coordinator.runs.insert([{ ...this.#run }]))
    } while ((await this.#stored()) === undefined)
  }

  async #step(): Promise<void> {
    const late = this.#hasAssignments ? 1 : 0
    const actions: readonly (readonly [number, () => unknown])[] = [
      [6, () => this.#take()],
      [6, () => this.#begin()],
      [6, () => this.#finish()],
      [6, () => this.#reports.apply()],
      [2, () => this.#redeliver()],
      [1, () => this.#die()],
      [0.5, () => this.#dieReported()],
      [1, () => this.#reports.sayLate()],
      [1, () => this.#coordinators.crashSoon()],
      [1, () => this.#coordinators.revive()],
      [3, () => this.#wake(1 + this.#random.below(12_000))],
      [2, () => this.#coordinators.with((coordinator) => coordinator.advance.execute(this.#run.id))],
      [1, () => this.#coordinators.with((coordinator) => coordinator.repair.span({ from: 0, before: Number.MAX_SAFE_INTEGER }, signal))],
      [1, () => this.#obey()],
      [1, () => this.#join()],
      [0.3, () => this.#coordinators.with((coordinator) => coordinator.changeRuns.cancel('default', this.#run.id))],
      [0.7, () => this.#retry()],
      [3 * late, () => this.#direct.arrive()],
      [0.5 * late, () => this.#direct.standStill(this.#alive())],
      [late, () => this.#goOn(this.#random.pick(this.#instances.filter(({ stillSince }) => stillSince !== undefined)))],
      [late, () => this.#loseStill()],
      [0.3 * late, () => this.#coordinators.crash()],
      [0.5 * late, () => this.#giveBack()],
      [0.3 * late, () => this.#pause(true)],
      [0.7 * late, () => this.#pause(false)],
    ]
    // Up to four things at once: what they read and write is then mixed.
    await Promise.all(Array.from({ length: 1 + this.#random.below(4) }, () => this.#random.weighted(actions)()))
    await settle()
  }

  async #calmRound(): Promise<void> {
    this.#coordinators.revive()
    for (const instance of this.#instances) this.#goOn(instance)
    this.#direct.arriveAll()
    if ((await this.#stored()).state === 'paused') await this.#pause(false)
    while (this.#broker.orders.length > 0) this.#obey()
    for (const instance of this.#instances) if (!instance.alive) await this.#lose(instance)
    for (let i = 0; i < 2; i++) if (!this.#instances.some(({ alive }, n) => alive && (!this.#hasPrograms || n % 2 === i))) this.#join()
    for (let i = 0; i < 20; i++) {
      await this.#take()
      await this.#begin()
      await this.#finish()
    }
    while (this.#broker.reports.length > 0) await this.#reports.apply()
    for (const delivery of this.#broker.work.values())
      if (delivery.holder && !this.#instances.some(({ alive, held }) => alive && held.some((one) => one.delivery === delivery))) {
        delivery.holder = undefined
        this.#suspicions.add(delivery.work.taskId)
      }
    await this.#coordinators.with((coordinator) => coordinator.repair.span({ from: 0, before: Number.MAX_SAFE_INTEGER }, signal))
    await this.#wake(31_000)
    this.#broker.forgetIds()
  }

  #join(): void {
    const id = `i-${this.#instances.length}`
    const program = this.#hasPrograms ? `${HANDLER}@v${this.#instances.length % 2}` : undefined
    const hasSession = this.#random.chance(0.5) || this.#hasAssignments
    const instance = newInstance(id, { hasSession, program })
    register(this.#presence, instance, { assignments: this.#hasAssignments })
    this.#instances.push(instance)
    this.#showPresence()
  }

  #showPresence(): void {
    this.#presence.alive.set(HANDLER, namesOfAlive(this.#instances))
  }

  #alive(): Instance | undefined {
    return this.#random.pick(this.#instances.filter(({ alive, stillSince }) => alive && stillSince === undefined))
  }

  async #take(of?: { delivery: Delivery; instance: Instance }): Promise<void> {
    const delivery = of?.delivery ?? this.#random.pick([...this.#broker.work.values()].filter(({ holder }) => holder === undefined))
    const instance = of?.instance ?? this.#alive()
    if (!delivery || !instance) return
    delivery.holder = instance.id
    delivery.count++
    const { work } = delivery
    if (instance.ended.has(keyOf(work))) return this.#broker.acknowledge(delivery)
    if (!instance.held.some((held) => held.work.taskId === work.taskId)) instance.held.push(taken(instance, delivery))
  }

  /** Claims until there is an answer, as executors do. */
  async #claim(instance: Instance, held: Held): Promise<void> {
    const { work, delivery } = held
    const claim = claimOf(instance, held)
    // Without a session its second claim is a loss.
    if (!instance.session) this.#suspicions.add(work.taskId)
    const answer = await this.#coordinators.with((coordinator) => coordinator.claimTask.execute('default', claim))
    if (answer === undefined) return
    held.needsClaim = false
    const other = answer.run && instance.held.find((one) => one !== held && isAttempt(one, work.taskId, answer.attempt))
    // It runs there already: by now that is what answers for the delivery.
    if (other) drop(instance, held)
    else if (answer.run) {
      held.attempt = answer.attempt
      held.isClaimed = true
    } else {
      drop(instance, held)
      if (delivery?.holder === instance.id) this.#broker.acknowledge(delivery)
    }
  }

  async #begin(): Promise<void> {
    const instance = this.#alive()
    const held = this.#random.pick(instance?.held.filter(({ begun }) => !begun) ?? [])
    if (!instance || !held) return
    if (held.needsClaim) return this.#claim(instance, held)
    held.begun = true
    this.#attempts.begin(held)
    if (this.#random.chance(0.6)) this.#broker.report(instance.id, { ...idsOf(held), type: 'started', session: instance.session })
  }

  async #finish(outcome?: 'cancelled', of?: { instance: Instance; held: Held }): Promise<void> {
    const instance = of?.instance ?? this.#alive()
    const held = of?.held ?? this.#random.pick(instance?.held.filter(({ begun, isBusy }) => begun && !isBusy) ?? [])
    if (!instance || !held) return
    held.isBusy = true
    const isDone =
      outcome !== undefined || (await workOn(held, { instance, program: this.#program, ask: (work) => this.#coordinators.with(work) }))
    held.isBusy = false
    if (!isDone || !instance.alive || !instance.held.includes(held)) return
    const report = endOf(held, { outcome, random: this.#random, isCalm: this.#isCalm })
    this.#broker.report(instance.id, report)
    if (!this.#isCalm && this.#random.chance(0.1)) this.#reports.mayBeLate(instance.id, report)
    if (!this.#fault?.forgetsEnded) remember(instance, held)
    drop(instance, held)
    if (held.delivery?.holder !== instance.id) return
    // An acknowledgement may get lost.
    if (!this.#isCalm && this.#random.chance(0.15)) {
      held.delivery.holder = undefined
      this.#suspicions.add(held.work.taskId)
    } else this.#broker.acknowledge(held.delivery)
  }

  /** An instance that is silent for ten seconds loses its message, and may go on with its task nevertheless. */
  async #redeliver(): Promise<void> {
    const held = [...this.#broker.work.values()].filter(({ holder }) => holder !== undefined)
    const isBusy = (delivery: Delivery) => this.#instances.some((one) => one.held.some((task) => task.delivery === delivery && task.isBusy))
    const delivery = this.#random.pick(held.filter(isBusy)) ?? this.#random.pick(held)
    const instance = this.#alive()
    if (!delivery || delivery.holder === instance?.id) return
    delivery.holder = undefined
    this.#suspicions.add(delivery.work.taskId)
    if (!instance || this.#random.chance(0.5)) return
    // Another instance takes it over while the first one still runs it.
    await this.#take({ delivery, instance })
    const taken = instance.held.find((task) => task.delivery === delivery && !task.begun)
    if (taken?.needsClaim) await this.#claim(instance, taken)
  }

  async #die(): Promise<void> {
    const instance = this.#alive()
    if (!instance || this.#instances.filter(({ alive }) => alive).length === 1) return
    instance.alive = false
    for (const held of instance.held) {
      this.#suspicions.add(held.work.taskId)
      // What is left of a map's task that was not done cannot have succeeded.
      const outcome = held.work.task === undefined && held.work.index !== undefined ? 'succeeded' : 'failed'
      this.#reports.mayBeLate(instance.id, { ...idsOf(held), type: 'finished', outcome })
    }
    this.#showPresence()
    await settle()
    await this.#lose(instance)
  }

  /** A process that reports its end: the report names the task that ends it, and so clears the others. */
  async #dieReported(): Promise<void> {
    const instance = this.#alive()
    if (!instance || this.#instances.filter(({ alive }) => alive).length === 1) return
    instance.alive = false
    const [begun, others] = [instance.held.filter(({ begun }) => begun), instance.held.filter(({ begun }) => !begun)]
    const guilty = this.#random.chance(0.3) ? this.#random.pick(begun) : undefined
    const error = { name: 'Error', message: 'uncaught' }
    for (const held of begun)
      this.#broker.report(instance.id, { ...idsOf(held), type: 'died', blame: held === guilty ? 'this' : 'another', error })
    for (const held of guilty ? [...others, guilty] : others) this.#suspicions.add(held.work.taskId)
    this.#showPresence()
    for (let i = 0; i < 10 && this.#broker.reports.length > 0; i++) await this.#reports.apply()
    // Else its loss is applied before its reports.
    if (this.#broker.reports.length > 0) for (const held of begun) this.#suspicions.add(held.work.taskId)
    await this.#lose(instance)
  }

  async #lose(instance: Instance): Promise<void> {
    this.#presence.lost.add(instance.id)
    this.#presence.gone.add(instance.id)
    for (const delivery of this.#broker.work.values()) if (delivery.holder === instance.id) delivery.holder = undefined
    const count = this.#random.chance(0.5) ? 2 : 1
    await Promise.all(
      Array.from({ length: count }, () =>
        this.#coordinators.with((coordinator) => coordinator.takeOverInstance.execute('default', instance.id, signal)),
      ),
    )
  }

  /** A process that was suspended for so long is declared lost. */
  async #loseStill(): Promise<void> {
    const instance = this.#direct.silent
    if (!instance) return
    for (const { work } of instance.held) this.#suspicions.add(work.taskId)
    await this.#lose(instance)
  }

  #goOn(instance: Instance | undefined): void {
    if (instance?.stillSince === undefined) return
    // It has registered again before it reads anything.
    if (instance.alive) for (const set of [this.#presence.lost, this.#presence.gone]) set.delete(instance.id)
    this.#direct.goOn(instance)
  }

  async #wake(ms: number): Promise<void> {
    await this.#clock.advance(ms)
    const query = { until: this.#clock.now(), shares: Array.from({ length: 64 }, (_, share) => share), limit: 100 }
    for (const kind of LIFE_KINDS) {
      const ids = (await this.#store[kind].due(query)).map(({ id }) => id).filter((id) => id.startsWith(this.#run.id))
      if (ids.length > 0) await this.#coordinators.with((coordinator) => coordinator.wakeLives.execute(ids))
    }
    await settle()
  }

  /** A control message may get lost. */
  #obey(): void {
    const order = this.#broker.orders.shift()
    if (!order || (!this.#isCalm && this.#random.chance(0.2))) return
    const instance = this.#instances.find(({ id, alive }) => id === order.instance && alive)
    if (!instance) return
    const meant = instance.held.filter(({ work }) => work.taskId === order.taskId || work.runId === order.taskId)
    if (order.type === 'check' && meant.length === 0) {
      this.#attempts.release(order)
      this.#broker.report(instance.id, { ...order, type: 'released' })
    }
    if (order.type === 'cancel') for (const held of meant) this.#cancel(instance, held)
  }

  #cancel(instance: Instance, held: Held): void {
    if (held.begun) void this.#finish('cancelled', { instance, held })
    else if (held.isClaimed) this.#release(instance, held)
    else if (!held.needsClaim) {
      drop(instance, held)
      if (held.delivery) this.#broker.acknowledge(held.delivery)
    }
  }

  /** What was assigned, and has waited for a slot, goes to another instance. */
  #giveBack(): void {
    const instance = this.#alive()
    const held = instance?.held.find(({ begun, needsClaim, isAssigned }) => isAssigned && !begun && !needsClaim)
    if (!instance || !held) return
    instance.refused.add(keyOf(held.work))
    this.#release(instance, held)
  }

  #release(instance: Instance, held: Held): void {
    drop(instance, held)
    this.#broker.report(instance.id, { ...idsOf(held), type: 'released' })
    if (held.delivery?.holder === instance.id) held.delivery.holder = undefined
  }

  async #pause(isPaused: boolean): Promise<void> {
    await this.#coordinators.with(({ changeRuns }) => changeRuns[isPaused ? 'pause' : 'resume']('default', this.#run.id))
  }

  async #retry(): Promise<void> {
    if (!isEnded((await this.#stored()).state)) return
    const only = this.#random.chance(0.5) ? ('failed' as const) : undefined
    await this.#clock.advance(1)
    await this.#coordinators.with((coordinator) => coordinator.changeRuns.retry('default', { runId: this.#run.id, only }))
  }

  async #stored(): Promise<RunRecord> {
    return (await this.#store.runs.get([this.#run.id]))[0] as RunRecord
  }

  async #checkEnd(): Promise<void> {
    const run = await this.#stored()
    this.violations.push(...(await judgeEnd(this.#store, run)), ...(await this.#suspicions.judge(this.#store, run)))
    if (!this.#broker.ended.some(({ runId, state }) => runId === run.id && state === run.state))
      this.violations.push('the terminal event was not published')
    for (let round = 0; round < CALM_ROUNDS && this.#broker.work.size > 0; round++) await this.#calmRound()
    if (this.#broker.work.size > 0) this.violations.push('work is left in the queue')
  }
}
