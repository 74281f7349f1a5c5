import { createTestLog, FakeClock } from '@carillon/runtime/testing'
import { type RunHead, SHARES, type Store } from '@carillon/store'
import { FakeBroker } from '../../fake-broker.ts'
import { FakePresence, partsOn } from '../../test-coordinator.ts'
import { patience } from '../patience.ts'
import type { Random } from '../random.ts'
import type { GateFault } from './gate-faults.ts'
import { type Mortal, mortalStore } from './mortal-store.ts'

export type Coordinator = ReturnType<typeof partsOn> & { readonly mortal: Mortal }

const COORDINATORS = 2
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)

/** Coordinators that all believe to own the gates of one namespace, die between any two writes, and lose signals. */
export class MortalCoordinators {
  /** Nothing fails and no signal is lost. */
  isCalm = true
  readonly clock = new FakeClock()
  readonly #random: Random
  readonly #store: Store
  readonly #namespace: string
  readonly #fault: GateFault | undefined
  readonly #presence = new FakePresence()
  readonly #all: Coordinator[]
  #advanced: Promise<void> = Promise.resolve()

  constructor(options: { random: Random; store: Store; namespace: string; fault: GateFault | undefined }) {
    this.#random = options.random
    this.#store = options.store
    this.#namespace = options.namespace
    this.#fault = options.fault
    this.#all = Array.from({ length: COORDINATORS }, () => this.#newCoordinator())
  }

  /** One that lives does some work, for as long as it takes without a clock. */
  async with<Result>(work: (coordinator: Coordinator) => Promise<Result>): Promise<Result | undefined> {
    const coordinator = this.#random.pick(this.#all.filter(({ mortal }) => !mortal.isDead))
    if (!coordinator) return undefined
    const done = work(coordinator).catch(() => undefined)
    return Promise.race([done, patience().then(patience).then(patience)])
  }

  async runs(): Promise<RunHead[]> {
    return (await this.#store.runs.list({ namespace: this.#namespace, limit: 1_000 })).items
  }

  /** Time passes, and what is due is woken. */
  async wake(ms: number): Promise<void> {
    // Two at once would set the clock back.
    this.#advanced = this.#advanced.then(() => this.clock.advance(ms))
    await this.#advanced
    const query = { until: this.clock.now(), shares: ALL_SHARES, limit: 10_000 }
    const runs = new Set((await this.runs()).map(({ id }) => id))
    const dueRuns = (await this.#store.runs.due(query)).filter(({ id }) => runs.has(id))
    const dueGates = await this.gates(this.clock.now())
    if (dueRuns.length > 0) await this.with((coordinator) => coordinator.wakeLives.execute(dueRuns.map(({ id }) => id)))
    if (dueGates.length > 0) await this.with((coordinator) => coordinator.waitingChecks.execute(dueGates))
  }

  /** Gates that wake until then. */
  async gates(until: number): Promise<string[]> {
    const ids = (await this.#store.gates.due({ until, shares: ALL_SHARES, limit: 10_000 })).map(({ id }) => id)
    const gates = await this.#store.gates.get(ids)
    return ids.filter((_, i) => gates[i]?.namespace === this.#namespace)
  }

  crashSoon(): void {
    const coordinator = this.#random.pick(this.#all)
    if (coordinator) coordinator.mortal.writesLeft = this.#random.below(4)
  }

  revive(): void {
    for (const [i, { mortal }] of this.#all.entries())
      if (mortal.isDead || mortal.writesLeft !== undefined) this.#all[i] = this.#newCoordinator()
  }

  #newCoordinator(): Coordinator {
    const mortal: Mortal = { isDead: false, writesLeft: undefined }
    const tampered = this.#fault?.store?.(this.#store) ?? this.#store
    const store = mortalStore(tampered, { random: this.#random, mortal, slow: () => !this.isCalm })
    const { broker, publisher } = new FakeBroker()
    const parts = partsOn({ store, clock: this.clock, log: createTestLog().log, presence: this.#presence, broker, publisher })
    const { gateHints } = parts
    const [arrived, ended] = [gateHints.arrived.bind(gateHints), gateHints.ended.bind(gateHints)]
    const isLost = () => !this.isCalm && this.#random.chance(0.3)
    gateHints.arrived = (run) => (isLost() ? undefined : arrived(run))
    gateHints.ended = (run) => (isLost() ? undefined : ended(run))
    this.#fault?.coordinator?.(parts)
    return Object.assign(parts, { mortal })
  }
}
