import { createTestLog, type FakeClock } from '@carillon/runtime/testing'
import type { Store } from '@carillon/store'
import { modesOn } from '../../modes/table.ts'
import { type FakePresence, partsOn } from '../test-coordinator.ts'
import type { SimulatedBroker } from './broker.ts'
import { changedBy, type Fault } from './faults.ts'
import { patience } from './patience.ts'
import type { Random } from './random.ts'
import { COORDINATORS, cutAfterWrites, type StoreHooks, watchedStore } from './store.ts'
import type { Suspicions } from './suspicions.ts'

type UseCases = ReturnType<typeof partsOn>
type Coordinator = UseCases & { isDead: boolean; readonly die: () => void; readonly died: Promise<void>; writesLeft: number | undefined }

interface Options {
  readonly random: Random
  readonly store: Store
  readonly clock: FakeClock
  readonly presence: FakePresence
  readonly broker: SimulatedBroker
  readonly suspicions: Suspicions
  readonly fault: Fault | undefined
  /** Turns of the event loop that a slow write takes, less than this. */
  readonly slowTurns: number
  readonly isCalm: () => boolean
  readonly violated: (what: string) => void
}

/** The coordinators of one run: they die between any two writes, and between a write and its answer. */
export class MortalCoordinators {
  readonly #given: Options
  readonly #all: Coordinator[]
  readonly #lastStart = { at: 0 }

  constructor(options: Options) {
    this.#given = options
    this.#all = Array.from({ length: COORDINATORS }, () => this.#newCoordinator())
  }

  /** Runs a use case of a coordinator, which may die, refuse, or wait for time to pass: then it goes on by itself. */
  async with<Result>(work: (coordinator: UseCases) => Promise<Result>): Promise<Result | undefined> {
    const coordinator = this.#given.random.pick(this.#all.filter(({ isDead }) => !isDead))
    if (!coordinator) return undefined
    const done = work(coordinator).catch(() => undefined)
    return Promise.race([done, coordinator.died.then(() => undefined), patience()])
  }

  /** At one of its next writes. */
  crashSoon(): void {
    const coordinator = this.#given.random.pick(this.#all)
    if (coordinator) coordinator.writesLeft = this.#given.random.below(4)
  }

  /** At once, whatever it waits for. */
  crash(): void {
    this.#given.random.pick(this.#all)?.die()
  }

  revive(): void {
    for (const [i, { isDead }] of this.#all.entries()) if (isDead || this.#given.isCalm()) this.#all[i] = this.#newCoordinator()
  }

  #newCoordinator(): Coordinator {
    const { clock, presence, broker, suspicions, fault } = this.#given
    let resolveDied: () => void = () => undefined
    const died = new Promise<void>((resolve) => (resolveDied = resolve))
    const die = () => {
      coordinator.isDead = true
      resolveDied()
    }
    const state = { isDead: false, die, died, writesLeft: undefined as number | undefined }
    const hooks = this.#hooks(() => coordinator)
    const store = watchedStore(suspicions.watching(fault?.store?.(this.#given.store) ?? this.#given.store, hooks.isDead), hooks)
    const seen = broker.seenBy(() => coordinator.isDead)
    const modes = fault?.plan ? changedBy(modesOn(store), fault.plan) : modesOn(store)
    const coordinator: Coordinator = Object.assign(partsOn({ store, clock, log: createTestLog().log, presence, modes, ...seen }), state)
    fault?.coordinator?.(coordinator)
    return coordinator
  }

  #hooks(coordinator: () => Coordinator): StoreHooks {
    const { random, fault, slowTurns, isCalm, violated } = this.#given
    return {
      isDead: () => coordinator().isDead,
      delay: () => (!isCalm() && random.chance(0.2) ? 1 + random.below(slowTurns) : 0),
      die: () => coordinator().die(),
      cut: () => cutAfterWrites(coordinator(), random),
      tamper: fault?.tamper,
      lastStart: this.#lastStart,
      violated,
    }
  }
}
