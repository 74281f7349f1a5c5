import { AsyncLocalStorage } from 'node:async_hooks'
import { createTestLog, type FakeClock, settle } from '@carillon/runtime/testing'
import type { Store } from '@carillon/store'
import { LIFE_KINDS } from '../../../lives.ts'
import { modesOn } from '../../../modes/table.ts'
import { type FakePresence, partsOn } from '../../test-coordinator.ts'
import type { SimulatedBroker } from '../broker.ts'
import { patience } from '../patience.ts'
import type { Random } from '../random.ts'
import { COORDINATORS, cutAfterWrites, type StoreHooks, watchedStore } from '../store.ts'
import type { WorkflowFault } from './workflow-faults.ts'

type UseCases = ReturnType<typeof partsOn>
type Coordinator = UseCases & { isDead: boolean; died: Promise<void>; writesLeft: number | undefined }

/** How many of the notifications arrive that make a run be reconciled at once. `none`: only what is due does. */
export type Notifications = 'all' | 'some' | 'none'

const ALL_SHARES = Array.from({ length: 64 }, (_, share) => share)
const DUE_AT_MOST = 10_000
/** More than the writes of one use case take. */
const MOST_TURNS = 200
const signal = new AbortController().signal

interface Options {
  readonly random: Random
  /** What all coordinators share. */
  readonly store: Store
  readonly clock: FakeClock
  readonly presence: FakePresence
  readonly broker: SimulatedBroker
  readonly notifications: Notifications
  readonly fault: WorkflowFault | undefined
  readonly violated: (what: string) => void
}

/** How long a write takes at most, while it is not calm: turns of the event loop. */
export const SLOWEST_WRITE_TURNS = 30

/** Coordinators of one run: they die between any two writes, and between a write and what is published after it. Some notifications do not arrive. */
export class Coordinators {
  /** Writes take no time, nothing fails, and what is notified arrives, unless nothing ever is. */
  isCalm = true
  readonly #given: Options
  readonly #all: Coordinator[]
  readonly #lastStart = { at: 0 }
  /** Use cases without an answer. */
  readonly #underWay = new Map<Promise<unknown>, Coordinator>()
  /** Whether what runs is what a time that has come has set going. */
  readonly #isWoken = new AsyncLocalStorage<boolean>()

  constructor(options: Options) {
    this.#given = options
    this.#all = Array.from({ length: COORDINATORS }, (_, i) => this.#newCoordinator(i))
  }

  /** Runs a use case of a coordinator, which may die, refuse, or wait for time to pass: then it goes on by itself. */
  async with<Result>(work: (coordinator: UseCases) => Promise<Result>): Promise<Result | undefined> {
    const coordinator = this.#given.random.pick(this.#all.filter(({ isDead }) => !isDead))
    if (!coordinator) return undefined
    const done = work(coordinator).catch(() => undefined)
    this.#underWay.set(done, coordinator)
    void done.then(() => this.#underWay.delete(done))
    return Promise.race([done, coordinator.died.then(() => undefined), patience()])
  }

  /** What living coordinators do has its answer, unless it waits for time to pass. */
  async answered(): Promise<void> {
    const isOpen = () => [...this.#underWay.values()].some(({ isDead }) => !isDead)
    for (let turns = 0; turns < MOST_TURNS && isOpen(); turns++) await settle()
  }

  /** What is due of these runs, and their tasks. */
  async wake(isOurs: (id: string) => boolean): Promise<void> {
    const query = { until: this.#given.clock.now(), shares: ALL_SHARES, limit: DUE_AT_MOST }
    for (const kind of LIFE_KINDS) {
      const ids = (await this.#given.store[kind].due(query)).map(({ id }) => id).filter(isOurs)
      if (ids.length > 0) await this.with((coordinator) => coordinator.wakeLives.execute(ids))
    }
    const signals = (await this.#given.store.signals.due(query)).map(({ id }) => id).filter(isOurs)
    if (signals.length > 0) await this.with((coordinator) => coordinator.wakeSignals.execute(signals))
  }

  async repair(): Promise<void> {
    await this.with((coordinator) => coordinator.repair.span({ from: 0, before: Number.MAX_SAFE_INTEGER }, signal))
  }

  async takeOver(instance: string): Promise<void> {
    await this.with((coordinator) => coordinator.takeOverInstance.execute('default', instance, signal))
  }

  crashSoon(): void {
    const coordinator = this.#given.random.pick(this.#all)
    if (coordinator) coordinator.writesLeft = this.#given.random.below(4)
  }

  revive(): void {
    for (const [i, { isDead, writesLeft }] of this.#all.entries())
      if (isDead || (this.isCalm && writesLeft !== undefined)) this.#all[i] = this.#newCoordinator(i)
  }

  #newCoordinator(index: number): Coordinator {
    const { fault, clock, presence, broker } = this.#given
    let resolveDied: () => void = () => undefined
    const died = new Promise<void>((resolve) => (resolveDied = resolve))
    const state = { isDead: false, died, writesLeft: undefined as number | undefined }
    const die = () => {
      coordinator.isDead = true
      resolveDied()
    }
    const store = watchedStore(
      fault?.store?.(this.#given.store, index) ?? this.#given.store,
      this.#hooks(() => coordinator, die),
    )
    const modes = fault?.modes?.(modesOn(store)) ?? modesOn(store)
    const seen = broker.seenBy(() => coordinator.isDead)
    const coordinator: Coordinator = Object.assign(partsOn({ store, clock, log: createTestLog().log, presence, modes, ...seen }), state)
    this.#loseNotifications(coordinator)
    fault?.coordinator?.(coordinator)
    return coordinator
  }

  #hooks(coordinator: () => Coordinator, die: () => void): StoreHooks {
    const { random, fault, violated } = this.#given
    return {
      isDead: () => coordinator().isDead,
      delay: () => (this.isCalm || !random.chance(0.2) ? 0 : 1 + random.below(random.chance(0.1) ? SLOWEST_WRITE_TURNS : 3)),
      die,
      cut: () => cutAfterWrites(coordinator(), random),
      tamper: fault?.tamper,
      lastStart: this.#lastStart,
      violated,
    }
  }

  #loseNotifications({ advance, wakeLives }: Coordinator): void {
    const { notifications, random } = this.#given
    const [soon, execute] = [advance.soon.bind(advance), wakeLives.execute.bind(wakeLives)]
    // What follows from this reconciliation is a notification again.
    if (notifications === 'none') advance.soon = (runId) => void (this.#isWoken.getStore() && this.#isWoken.run(false, () => soon(runId)))
    if (notifications === 'none') wakeLives.execute = (ids) => this.#isWoken.run(true, () => execute(ids))
    if (notifications === 'some') advance.soon = (runId) => void (!this.isCalm && random.chance(0.3) ? undefined : soon(runId))
  }
}
