import { isEnded, isTaskId, POISON_AFTER, RUN_STATES, type RunMode } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import type { LifeChange, Store } from '@carillon/store'
import type { MapFacts } from '../../modes/map/plan.ts'
import type { Effect, Facts, Mode, Modes } from '../../modes/mode.ts'
import { UNDER_WAY } from '../../modes/rules/fan-in.ts'
import type { CountedFacts } from '../../modes/rules/go-on.ts'
import type { partsOn } from '../test-coordinator.ts'
import { withPort } from './store.ts'

/** A fault that is planted on purpose: one guard removed. The simulation must find it. */
export interface Fault {
  /** What is written instead. */
  readonly tamper?: (change: LifeChange) => LifeChange
  readonly store?: (store: Store) => Store
  /** The violation that it must lead to. A stand-in for a store that merely fails would lead to another one. Default: any. */
  readonly leadsTo?: RegExp
  readonly plan?: (plan: Plan) => Plan
  readonly coordinator?: (coordinator: ReturnType<typeof partsOn>) => void
  /** It shows where instances take assignments: the run has one task. */
  readonly isSingle?: true
  /** Executors forget what has ended. */
  readonly forgetsEnded?: true
  /** Reports are acknowledged before they are applied. */
  readonly losesReports?: true
  /** The search begins there: with this seed it was found when it was last searched for. */
  readonly seed?: number
}

type Plan = Mode['plan']
/** Each mode adds what it reads; which one it is shows in what is there. */
type AnyFacts = Facts & Partial<Pick<CountedFacts, 'counts'>> & MapFacts

/** Modes whose plans a fault has changed. */
export function changedBy(modes: Modes, change: (plan: Plan) => Plan): Modes {
  const changed = Object.entries(modes).map(([name, mode]) => [name, { ...mode, plan: change(mode.plan) }])
  return Object.fromEntries(changed) as Record<RunMode, Mode>
}

function withoutAttempt(change: LifeChange): LifeChange {
  const { attempt: _, ...expect } = change.expect
  return { ...change, expect }
}

/** What a mode plans, each effect replaced or left out. */
const changing =
  (change: (effect: Effect) => Effect | undefined) =>
  (plan: Plan): Plan =>
  (facts) =>
    plan(facts).flatMap((effect) => change(effect) ?? [])

const nothing = async () => undefined

const SLOW_TURNS = 30
const ONE_LEAF = [{ stage: 'map', mapped: 0, state: 'succeeded', count: 1 }] as const

export const FAULTS: Readonly<Record<string, Fault>> = {
  'which program has begun a run is not stored': {
    seed: 58,
    leadsTo: /steps of several programs/,
    tamper: ({ set: { program: _, ...set }, ...change }) => ({ ...change, set }),
  },
  'a write does not compare the attempt': { seed: 18, tamper: withoutAttempt },
  'a write does not compare the state': { tamper: (change) => ({ ...change, expect: { ...change.expect, state: RUN_STATES } }) },
  'a failed attempt keeps its number': {
    seed: 61,
    tamper: ({ set: { attempt, ...set }, ...change }) =>
      set.state === 'delayed' || attempt === undefined ? { ...change, set } : { ...change, set: { ...set, attempt } },
  },
  'an interruption is held against a task': {
    seed: 18,
    tamper: ({ set: { interruptions, ...set }, ...change }) => ({
      ...change,
      set: interruptions
        ? { ...set, losses: POISON_AFTER, state: 'failed', reason: 'poison', endedAt: 1, queuedAt: null }
        : { ...set, ...(interruptions === null ? { interruptions } : {}) },
    }),
  },
  'reports are acknowledged before they are applied': { seed: 85, losesReports: true },
  'nobody takes over what a lost instance ran': {
    seed: 7,
    coordinator: ({ takeOverInstance, presence }) => {
      takeOverInstance.execute = nothing
      presence.isLost = () => false
    },
  },
  'work that was not published is not found': {
    seed: 10,
    coordinator: ({ repair }) => {
      repair.span = async () => 0
    },
  },
  'timers of tasks are not heard': { seed: 7, coordinator: ({ wakeLives }) => wakingOnly(wakeLives, (id) => !isTaskId(id)) },
  'timers of runs are not heard': { seed: 53, coordinator: ({ wakeLives }) => wakingOnly(wakeLives, isTaskId) },
  'a terminal event that may be missing is not published again': {
    seed: 33,
    coordinator: ({ runs }) => {
      runs.repeatEnd = nothing
    },
  },
  'the limit of tasks under way is forgotten': {
    plan: changing((effect) => (effect.do === 'free' ? { do: 'free', tasks: effect.tasks } : effect)),
  },
  'what is under way is counted before the waiting tasks are read': {
    seed: 29,
    leadsTo: /tasks were under way/,
    store: (store) => {
      let counted = 0
      return withPort(store, 'tasks', {
        async list(query) {
          const { runId, state } = query
          if (state === 'waiting') counted = await store.tasks.countUpTo({ runId, states: UNDER_WAY, atMost: 1_000 })
          await settle()
          return store.tasks.list(query)
        },
        countUpTo: async (query) => (query.states === UNDER_WAY ? counted : store.tasks.countUpTo(query)),
      })
    },
  },
  'a run ends while tasks run': {
    seed: 12,
    plan: (plan) => (facts: AnyFacts) => plan(facts.counts ? ({ ...facts, counts: { ...facts.counts, running: 0 } } as Facts) : facts),
  },
  'a run begins before its tasks are made': { seed: 18, plan: (plan) => (facts) => plan(facts).reverse() },
  'what waits while the limit is reached is never freed': {
    seed: 6,
    plan: (plan) => (facts: AnyFacts) => {
      const isBegun = Object.keys(facts.counts ?? {}).some((state) => state !== 'waiting')
      return plan(facts).filter((effect) => effect.do !== 'free' || !isBegun)
    },
  },
  'a cancelled run does not cancel its tasks': { plan: changing((effect) => (effect.do === 'cancel' ? undefined : effect)) },
  'a run does not end with its last task': {
    plan: changing((effect) => (effect.do === 'decide' && isEnded(effect.decision.set.state ?? 'queued') ? undefined : effect)),
  },
  'one more failure is tolerated than allowed': {
    seed: 34,
    plan: (plan) => (facts) => {
      const { run } = facts
      const tolerate = typeof run.plan?.tolerate === 'number' ? run.plan.tolerate + 1 : 1
      return plan({ ...facts, run: { ...run, plan: { ...run.plan, tolerate } } })
    },
  },
  'an instance is given every leg that chose it': {
    seed: 40,
    leadsTo: /has two tasks of a broadcast/,
    store: (store) =>
      withPort(store, 'steps', {
        async insert(records) {
          const outcomes = await store.steps.insert(records)
          return outcomes.map((outcome, i) => (records[i]?.id.includes('.seat.') ? 'created' : outcome))
        },
      }),
  },
  'what has ended since the retry is opened once more': {
    seed: 7,
    leadsTo: /has ended since the run was retried/,
    store: (store) =>
      withPort(store, 'tasks', {
        async list(query) {
          // Slow: another coordinator has begun the run in between, and tasks have ended again.
          for (let turns = 0; query.state !== undefined && isEnded(query.state) && turns < SLOW_TURNS; turns++) await settle()
          const slice = await store.tasks.list(query)
          return { ...slice, items: slice.items.map((task) => (task.endedAt === null ? task : { ...task, endedAt: 0 })) }
        },
      }),
  },
  'a task that maps is not checked for whether it still runs': {
    seed: 318,
    tamper: (change) => (change.set.mapped ? { ...change, expect: { state: RUN_STATES } } : change),
  },
  'a reduce is made while leaves are open': {
    seed: 3,
    plan: (plan) => (facts: AnyFacts) =>
      plan(facts.run.state === 'running' && !facts.counts ? ({ tally: ONE_LEAF, firsts: [], ...facts } as Facts) : facts),
  },
  'a failed part of a reduce is tolerated': {
    seed: 15,
    plan: (plan) => (facts: AnyFacts) => {
      const tally = facts.tally?.map((kind) => (kind.stage === 'map' ? kind : { ...kind, state: 'succeeded' as const }))
      return plan(tally ? ({ ...facts, tally } as Facts) : facts)
    },
  },
  'results of tasks that mapped are reduced as well': {
    seed: 9,
    leadsTo: /is not what the leaves gave/,
    store: (store) => withPort(store, 'tasks', { results: ({ isLeaf: _, ...query }) => store.tasks.results(query) }),
  },
}

function wakingOnly(wakeLives: ReturnType<typeof partsOn>['wakeLives'], isWoken: (id: string) => boolean): void {
  const execute = wakeLives.execute.bind(wakeLives)
  wakeLives.execute = (ids) => execute(ids.filter(isWoken))
}
