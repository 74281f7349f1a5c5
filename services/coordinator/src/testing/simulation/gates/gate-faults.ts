import { isEnded } from '@carillon/contracts'
import type { GateStore, RunStore, Store } from '@carillon/store'
import type { partsOn } from '../../test-coordinator.ts'

/** A guard that is removed on purpose. The simulation must find it. */
export interface GateFault {
  readonly store?: (store: Store) => Store
  readonly coordinator?: (coordinator: ReturnType<typeof partsOn>) => void
  /** The violation that it must lead to. */
  readonly leadsTo: RegExp
  /** The search begins there: with this seed it was found when it was last searched for. */
  readonly seed: number
}

const TOO_MANY = /are open/
const FOR_EVER = /for ever/

function changed<Target extends object>(target: Target, other: Partial<Target>): Target {
  return new Proxy(target, {
    get(of, name) {
      if (Object.hasOwn(other, name)) return other[name as keyof Target]
      const member = of[name as keyof Target]
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
}
export const withRuns =
  (other: (runs: RunStore) => Partial<RunStore>) =>
  (store: Store): Store => ({
    ...store,
    runs: changed(store.runs, other(store.runs)),
    describe: () => store.describe(),
  })
export const withGates =
  (other: (gates: GateStore) => Partial<GateStore>) =>
  (store: Store): Store => ({
    ...store,
    gates: changed(store.gates, other(store.gates)),
    describe: () => store.describe(),
  })

export const GATE_FAULTS: Readonly<Record<string, GateFault>> = {
  'a gate is written whatever its revision': {
    store: withGates((gates) => ({
      put: async (changes) => {
        const there = await gates.get(changes.map(({ gate }) => gate.id))
        return gates.put(changes.map((change, i) => ({ ...change, expect: there[i]?.revision ?? null })))
      },
    })),
    leadsTo: TOO_MANY,
    seed: 9,
  },
  'runs are freed though their gate was not written': {
    store: withGates((gates) => ({ put: async (changes) => (await gates.put(changes)).map(() => 'applied') })),
    leadsTo: TOO_MANY,
    seed: 4,
  },
  'a place is free again while its run waits for a further try': {
    store: withRuns((runs) => ({
      places: async (ids) => (await runs.places(ids)).map((run) => run && (run.state === 'delayed' ? { ...run, state: 'failed' } : run)),
    })),
    leadsTo: TOO_MANY,
    seed: 3,
  },
  'a place is free again when its run is cancelled, before it has ended': {
    store: withRuns((runs) => ({
      places: async (ids) =>
        (await runs.places(ids)).map((run) => run && (run.state === 'cancelling' ? { ...run, state: 'cancelled' } : run)),
    })),
    leadsTo: TOO_MANY,
    seed: 67,
  },
  'a place is never free again': {
    store: withRuns((runs) => ({
      places: async (ids) => (await runs.places(ids)).map((run) => run && (isEnded(run.state) ? { ...run, state: 'running' } : run)),
    })),
    leadsTo: FOR_EVER,
    seed: 4,
  },
  'a run that was given a place is not freed after a crash': {
    store: withRuns((runs) => ({
      places: async (ids) => (await runs.places(ids)).map((run) => run && (run.state === 'waiting' ? { ...run, state: 'queued' } : run)),
    })),
    leadsTo: FOR_EVER,
    seed: 29,
  },
  'nobody checks what no signal has moved': {
    coordinator: (coordinator) => {
      coordinator.waitingChecks.execute = async () => undefined
      coordinator.waitingChecks.settled = async () => []
    },
    leadsTo: FOR_EVER,
    seed: 60,
  },
  'the last to come is the first': {
    store: withRuns((runs) => ({ arrivals: async (queries) => (await runs.arrivals(queries)).map((found) => found.reverse()) })),
    leadsTo: /came before/,
    seed: 6,
  },
  'an empty gate is never removed': {
    store: withGates(() => ({ remove: async (gates) => gates.map(() => 'refused') })),
    leadsTo: /is left/,
    seed: 1,
  },
}
