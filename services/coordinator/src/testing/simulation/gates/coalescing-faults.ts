import { settle } from '@carillon/runtime/testing'
import type { RunHead } from '@carillon/store'
import { isCoalescing } from '../../../gates/rules/coalescing.ts'
import { type GateFault, withGates, withRuns } from './gate-faults.ts'

/** Turns of the event loop that a write takes where it is to be overtaken. */
const SLOW_TURNS = 20

/** What is found out of debounce, throttle and batches. */
export const COALESCING_FAULTS: Readonly<Record<string, GateFault>> = {
  'a seal is written whatever the revision of its gate': {
    store: withGates((gates) => ({
      put: async (changes) => {
        const there = await gates.get(changes.map(({ gate }) => gate.id))
        return gates.put(changes.map((change, i) => ({ ...change, expect: there[i]?.revision ?? null })))
      },
    })),
    leadsTo: /stands for|within a period|has not started|started by itself|members have/,
    seed: 48,
  },
  'a seal is forgotten': {
    store: withGates((gates) => ({ get: async (ids) => (await gates.get(ids)).map((gate) => gate && { ...gate, window: null }) })),
    leadsTo: /within a period|which there is not|for ever/,
    seed: 1,
  },
  'a run that was cancelled at its gate counts as started': {
    store: withRuns((runs) => ({
      heads: async (ids) => (await runs.heads(ids)).map((run) => run && (isCancelledAtGate(run) ? { ...run, gate: null } : run)),
    })),
    leadsTo: /has not started/,
    seed: 6,
  },
  'a run that has moved on to another gate is written as if it had not': {
    store: withRuns((runs) => ({
      update: async (changes) => {
        // Slowly: another write comes before it more often.
        for (let turns = 0; turns < SLOW_TURNS; turns++) await settle()
        return runs.update(changes.map(({ expect: { gate: _, ...expect }, ...change }) => ({ ...change, expect })))
      },
    })),
    leadsTo: /for ever/,
    seed: 348,
  },
  'the oldest counts as the newest': {
    store: withRuns((runs) => ({ waiting: (queries) => runs.waiting(queries.map(({ isNewestFirst: _, ...query }) => query)) })),
    leadsTo: /left out/,
    seed: 4,
  },
  'a payload is in a batch though its run was cancelled': {
    store: withRuns((runs) => ({
      get: async (ids, maxBytes) => {
        const found = await runs.get(ids, maxBytes)
        const terms = found.find((run) => run?.terms?.mergedInto)?.terms ?? null
        return found.map((run) => run && (isCancelledAtGate(run) ? { ...run, state: 'skipped', terms } : run))
      },
    })),
    leadsTo: /members have/,
    seed: 41,
  },
  'a batch is inserted again under another id': {
    store: withRuns((runs) => ({
      insert: (items) => runs.insert(items.map((run) => (run.payload.startsWith('[') ? { ...run, id: `${run.id}0` } : run))),
    })),
    leadsTo: /which there is not/,
    seed: 1,
  },
  'nobody finishes what was sealed': {
    coordinator: (coordinator) => {
      coordinator.waitingChecks.execute = async () => undefined
    },
    leadsTo: /for ever/,
    seed: 12,
  },
  'an empty gate is never removed': {
    store: withGates(() => ({ remove: async (gates) => gates.map(() => 'refused') })),
    leadsTo: /is left/,
    seed: 1,
  },
}

const isCancelledAtGate = ({ state, gate }: RunHead) => state === 'cancelled' && isCoalescing(gate)
