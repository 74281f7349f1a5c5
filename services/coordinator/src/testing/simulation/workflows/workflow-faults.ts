import { nodeOfTask, RUN_STATES, undoneByTask, type Workflow } from '@carillon/contracts'
import type { LifeChange, RunRecord, Store, TaskRecord } from '@carillon/store'
import type { Effect, Facts, Mode, Modes } from '../../../modes/mode.ts'
import { ALL_OPEN } from '../../../modes/rules/go-on.ts'
import type { WorkflowFacts } from '../../../modes/workflow/plan.ts'
import type { partsOn } from '../../test-coordinator.ts'
import { replaced } from './history.ts'

/** A guard that is removed on purpose. The simulation must find it. */
export interface WorkflowFault {
  /** What is written instead. */
  readonly tamper?: (change: LifeChange) => LifeChange
  /** @param coordinator which of them it is */
  readonly store?: (store: Store, coordinator: number) => Store
  readonly modes?: (modes: Modes) => Modes
  readonly coordinator?: (coordinator: ReturnType<typeof partsOn>) => void
  /** Reports are acknowledged before they are applied. */
  readonly losesReports?: true
  /** The violation that it must lead to. */
  readonly leadsTo: RegExp
  /** The search begins there: with this seed it was found when it was last searched for. */
  readonly seed: number
}

const nothing = async () => undefined

const changing =
  (change: (workflow: Mode) => Partial<Mode>) =>
  (modes: Modes): Modes => ({ ...modes, workflow: { ...modes.workflow, ...change(modes.workflow) } })

/** What is read of a workflow, changed before the plan is made. */
const withFacts = (change: (facts: WorkflowFacts) => Partial<WorkflowFacts>) =>
  changing(({ readFacts }) => ({
    readFacts: async (run, sources): Promise<Facts> => {
      const facts = (await readFacts(run, sources)) as WorkflowFacts
      return { ...facts, ...change(facts) } as Facts
    },
  }))

const withEffects = (change: (effect: Effect, facts: WorkflowFacts) => Effect) =>
  changing(({ plan }) => ({ plan: (facts) => plan(facts).map((effect) => change(effect, facts as WorkflowFacts)) }))

const withTasks =
  (change: (tasks: Store['tasks'], coordinator: number) => Partial<Store['tasks']>) =>
  (store: Store, coordinator: number): Store => ({
    ...store,
    tasks: replaced(store.tasks, change(store.tasks, coordinator)),
    describe: () => store.describe(),
  })

const withSignals =
  (change: (signals: Store['signals']) => Partial<Store['signals']>) =>
  (store: Store): Store => ({ ...store, signals: replaced(store.signals, change(store.signals)), describe: () => store.describe() })

/** The graph as it is read: each of its nodes is another one. */
const withGraph =
  (change: (workflow: Workflow) => object) =>
  (store: Store): Store => ({
    ...store,
    runs: replaced(store.runs, {
      get: async (...query) => (await store.runs.get(...query)).map((run) => run && changedGraph(run, change)),
    }),
    describe: () => store.describe(),
  })

function changedGraph(run: RunRecord, change: (workflow: Workflow) => object): RunRecord {
  return run.graph === null ? run : { ...run, graph: JSON.stringify(change(JSON.parse(run.graph) as Workflow)) }
}

const withNodes = (change: (node: Workflow['nodes'][number]) => object) =>
  withGraph((workflow) => ({ ...workflow, nodes: workflow.nodes.map(change) }))

const statusesOf = (facts: WorkflowFacts, change: (place: number) => WorkflowFacts['statuses'][number] | undefined) =>
  facts.statuses.map((status, place) => change(place) ?? status)

/** What is to start, without that for which something else was decided. */
const stillReady = ({ prepared }: WorkflowFacts, statuses: WorkflowFacts['statuses']) =>
  new Map([...prepared].filter(([place]) => statuses[place] === 'ready'))

function killLosers(facts: WorkflowFacts): Partial<WorkflowFacts> {
  const { graph, tasks } = facts
  const losers = graph.edges.filter(({ from, branches }) => {
    const taken = tasks.get(from)?.node?.branch
    return branches !== undefined && taken !== undefined && !branches.includes(taken)
  })
  const killed = new Set(losers.map(({ to }) => to).filter((place) => !tasks.has(place)))
  const statuses = statusesOf(facts, (place) => (killed.has(place) ? 'not-needed' : undefined))
  return { statuses, prepared: stillReady(facts, statuses) }
}

/** A join behind a branch that was not taken is not needed either. */
function needAll(facts: WorkflowFacts): Partial<WorkflowFacts> {
  const isUnneeded = (place: number) => facts.graph.into[place]?.some(({ from }) => facts.statuses[from] === 'not-needed')
  const statuses = statusesOf(facts, (place) => (facts.statuses[place] === 'ready' && isUnneeded(place) ? 'not-needed' : undefined))
  return { statuses, prepared: stillReady(facts, statuses) }
}

/** A decision whose condition fails takes its last branch. */
function takeDefault({ prepared, graph }: WorkflowFacts): Partial<WorkflowFacts> {
  const taken = [...prepared].map(([place, what]) => {
    const node = graph.nodes[place]
    if (what.kind !== 'failed' || !node || !('decision' in node)) return [place, what] as const
    const branch = node.decision.findIndex((one) => 'otherwise' in one)
    return [place, { kind: 'decided', branch, to: [], why: 'no condition is true' }] as const
  })
  return { prepared: new Map(taken) }
}

const startWhileCancelling = changing(({ readFacts, plan }) => ({
  readFacts: async (run, sources) => {
    const isCancelling = run.state === 'cancelling'
    const facts = await readFacts(isCancelling ? { ...run, state: 'running' } : run, sources)
    return { ...facts, isCancelling } as Facts
  },
  plan: (facts) => {
    const { isCancelling } = facts as Facts & { isCancelling?: boolean }
    const effects = plan(facts)
    if (!isCancelling || effects[0]?.do === 'insert') return effects
    return plan({ ...facts, run: { ...facts.run, state: 'cancelling' } })
  },
}))

function withoutContext(task: TaskRecord): TaskRecord {
  if (task.item === null) return task
  const { context: _, ...item } = JSON.parse(task.item) as { context?: unknown }
  return { ...task, item: JSON.stringify(item) }
}

/** One of the coordinators writes generations with another number of digits. */
const ownId = (id: string, coordinator: number) => (coordinator === 0 ? id : id.replace(/g1$/, 'g01'))

const TOO_EARLY = /was started before|had to be given|before it never was/
const MISSING = /had to run, and has no task/
const FOR_EVER = /never ended/

export const WORKFLOW_FAULTS: Readonly<Record<string, WorkflowFault>> = {
  'a branch that is not taken kills the node that it leads to': { modes: withFacts(killLosers), leadsTo: MISSING, seed: 1 },
  'a join needs all its branches': { modes: withFacts(needAll), leadsTo: MISSING, seed: 6 },
  'a join waits for the first of its edges only': {
    store: withNodes((node) => (Array.isArray(node.after) ? { ...node, after: node.after[0] } : node)),
    leadsTo: TOO_EARLY,
    seed: 1,
  },
  'a condition that fails counts as false': { modes: withFacts(takeDefault), leadsTo: /and had to be failed/, seed: 11 },
  'each coordinator has ids of its own for nodes': {
    store: withTasks((tasks, coordinator) => ({
      insert: (records) => tasks.insert(records.map((task) => (nodeOfTask(task.id) ? { ...task, id: ownId(task.id, coordinator) } : task))),
    })),
    leadsTo: /more than one task/,
    seed: 71,
  },
  'each coordinator has ids of its own for what undoes a node': {
    store: withTasks((tasks, coordinator) => ({
      insert: (records) =>
        tasks.insert(records.map((task) => (undoneByTask(task.id) ? { ...task, id: ownId(task.id, coordinator) } : task))),
    })),
    leadsTo: /was undone (twice|while)/,
    seed: 158,
  },
  'a run fails with any of its nodes': {
    modes: withEffects((effect, { tasks }) => {
      if (effect.do !== 'decide' || effect.decision.event !== 'succeeded') return effect
      if (![...tasks.values()].some(({ state }) => state === 'failed' || state === 'timed_out')) return effect
      return { do: 'decide', decision: { ...effect.decision, set: { ...effect.decision.set, state: 'failed', reason: 'tasks-failed' } } }
    }),
    leadsTo: /the run is failed: tasks-failed, and had to be succeeded/,
    seed: 27,
  },
  'nodes start while the run is being cancelled': { modes: startWhileCancelling, leadsTo: /after the run was cancelled/, seed: 9 },
  'nodes start after a failure that is to stop the run': {
    store: withGraph(({ failFast: _, ...workflow }) => workflow),
    leadsTo: /after a failure|had to stop at a failure/,
    seed: 194,
  },
  'a failure blocks although it is to be skipped': {
    store: withNodes(({ onFailure: _, ...node }) => node),
    leadsTo: MISSING,
    seed: 1,
  },
  'a disabled node runs': { store: withNodes(({ disabled: _, ...node }) => node), leadsTo: /is passed, and has a task/, seed: 1 },
  'an earlier end replaces a later one in the context': {
    store: withTasks((tasks) => ({
      get: async (...query) => (await tasks.get(...query)).map((task) => task && { ...task, endedAt: -(task.endedAt ?? 0) }),
    })),
    leadsTo: /had to be given/,
    seed: 55,
  },
  'a node does not see the context of its ancestors': {
    modes: withEffects((effect) => (effect.do === 'insert' ? { ...effect, tasks: effect.tasks.map(withoutContext) } : effect)),
    leadsTo: /had to be given/,
    seed: 1,
  },
  'a node has the attempts of its run': {
    modes: withEffects((effect, { run }) =>
      effect.do === 'insert' ? { ...effect, tasks: effect.tasks.map((task) => ({ ...task, attempts: run.tries })) } : effect,
    ),
    leadsTo: /is failed: handler-error, and had to be succeeded/,
    seed: 10,
  },
  'a retry keeps what follows a node that runs again': {
    modes: changing(({ retry }) => ({
      retry: async (run, request, store) => {
        const { generations } = await retry(run, request, store)
        const kept = Object.entries(generations ?? {}).filter(([place]) => Number(place) % 2 === 0)
        return { generations: { ...run.generations, ...Object.fromEntries(kept) } }
      },
    })),
    leadsTo: /was started before/,
    seed: 59,
  },
  'a node that is skipped ahead of its turn lets others overtake': {
    store: withTasks((tasks) => ({
      list: async (query) => {
        const page = await tasks.list(query)
        return { ...page, items: page.items.map((task) => (task.state === 'skipped' ? { ...task, state: 'succeeded' } : task)) }
      },
    })),
    leadsTo: /was started before/,
    seed: 155,
  },
  'a wait is over before its time': {
    modes: changing(({ plan }) => ({
      plan: (facts) => {
        const later = plan({ ...facts, now: facts.now + 10_000 })
        return later.some((effect) => effect.do === 'change') ? later : plan(facts)
      },
    })),
    leadsTo: /before its time/,
    seed: 85,
  },
  'a run ends while nodes run': {
    modes: withFacts((facts) => {
      const isLast = facts.prepared.size === 0 && facts.run.state === 'running'
      return isLast ? { statuses: statusesOf(facts, (place) => (facts.statuses[place] === 'under-way' ? 'succeeded' : undefined)) } : {}
    }),
    leadsTo: /the run became succeeded while/,
    seed: 2,
  },
  'a run whose notification was lost is not checked': {
    coordinator: ({ advance, wakeLives }) => {
      const execute = wakeLives.execute.bind(wakeLives)
      wakeLives.execute = async (ids) => {
        const { soon } = advance
        advance.soon = () => undefined
        await execute(ids)
        advance.soon = soon
      }
    },
    leadsTo: FOR_EVER,
    seed: 2,
  },
  'work that was not published is not found': {
    coordinator: ({ repair }) => {
      repair.span = async () => 0
    },
    leadsTo: FOR_EVER,
    seed: 93,
  },
  'a terminal event that may be missing is not published again': {
    coordinator: ({ runs }) => {
      runs.repeatEnd = nothing
    },
    leadsTo: /terminal event/,
    seed: 42,
  },
  'a signal may be taken twice': {
    store: withSignals((signals) => ({
      open: async (query) => {
        const { items } = await signals.list(query)
        return items.filter(({ name }) => name === query.name)
      },
      update: async (changes) => {
        const stored = await signals.get(changes.map(({ id }) => id))
        return signals.update(changes.map((change, i) => ({ ...change, expect: { takenBy: stored[i]?.takenBy ?? null } })))
      },
    })),
    leadsTo: /has ended both|is taken by/,
    seed: 23,
  },
  'signals are not asked for at the end of a time limit': {
    modes: changing(({ plan }) => ({
      plan: (facts) => {
        const effects = plan(facts)
        return effects.some((effect) => effect.do === 'take-signals' && effect.isLast)
          ? effects.filter((effect) => effect.do !== 'take-signals')
          : effects
      },
    })),
    coordinator: ({ wakeSignals }) => {
      wakeSignals.execute = nothing
    },
    leadsTo: /lay there/,
    seed: 448,
  },
  'signals are asked for at the end of a time limit only': {
    modes: changing(({ plan }) => ({ plan: (facts) => plan(facts).filter((effect) => effect.do !== 'take-signals' || effect.isLast) })),
    coordinator: ({ wakeSignals }) => {
      wakeSignals.execute = nothing
    },
    leadsTo: FOR_EVER,
    seed: 1,
  },
  'a signal that came to nothing is not given back': {
    store: withSignals((signals) => ({
      update: (changes) => signals.update(changes.filter(({ set }) => set.takenBy !== null)),
    })),
    leadsTo: /unused, and is taken/,
    seed: 185,
  },
  'an approval counts for a later generation': {
    coordinator: ({ decideApprovals }) => {
      const decide = decideApprovals.decide.bind(decideApprovals)
      decideApprovals.decide = (namespace, { generation: _, ...request }, caller) => decide(namespace, request, caller)
    },
    leadsTo: /generation 1 was meant/,
    seed: 42,
  },
  'a wait that ends leaves nothing that is due': {
    store: withTasks((tasks) => ({
      update: (changes) =>
        tasks.update(
          changes.map((change) => ({ ...change, set: change.set.endedAt == null ? change.set : { ...change.set, wakeAt: null } })),
        ),
    })),
    leadsTo: FOR_EVER,
    seed: 22,
  },
  'nodes are undone in the order in which they ended': {
    store: withTasks((tasks) => ({
      list: async (query) => {
        const page = await tasks.list(query)
        return { ...page, items: page.items.map((task) => ({ ...task, endedAt: -(task.endedAt ?? 0) })) }
      },
    })),
    leadsTo: /was undone before/,
    seed: 8,
  },
  'a cancel cuts what is being undone': {
    modes: changing(({ plan }) => ({
      plan: (facts) => {
        const { run, undoing } = facts as WorkflowFacts
        return run.state === 'cancelling' && undoing.underWay.length > 0 ? [{ do: 'cancel', tasks: ALL_OPEN }] : plan(facts)
      },
    })),
    leadsTo: /what undoes node \S+ is cancelled/,
    seed: 7,
  },
  'what may have been done before a node was lost or cancelled is not undone': {
    store: withNodes((node) =>
      'compensate' in node && typeof node.compensate === 'object' ? { ...node, compensate: node.compensate.handler } : node,
    ),
    leadsTo: /was not undone|had to be complete/,
    seed: 4,
  },
  'only the first node is undone': {
    modes: withFacts(({ undo, undoing }) => (undoing.done.length > 0 ? { undo: undefined } : { undo })),
    leadsTo: /was not undone/,
    seed: 8,
  },
  'the time of waits goes on while the run is paused': {
    tamper: (change) => (change.set.node?.frozen ? { ...change, set: {} } : change),
    leadsTo: /before its time/,
    seed: 115,
  },
  'a write does not compare the state': {
    tamper: (change) => ({ ...change, expect: { ...change.expect, state: RUN_STATES } }),
    leadsTo: /had ended|was (succeeded|failed), not/,
    seed: 88,
  },
}
