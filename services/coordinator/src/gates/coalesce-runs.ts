import type { Clock } from '@carillon/runtime'
import type { GateChange, GateRecord, GateSeal, RunHead, Store } from '@carillon/store'
import type { Jobs, Presence, Runs, Timers } from '../ports.ts'
import type { RunChange } from '../runs/rules/change.ts'
import { isRefused } from '../runs/rules/decision.ts'
import { decideFree } from '../runs/rules/life.ts'
import type { ElapsedTime } from '../runs/rules/timing.ts'
import { batchRunId, gateBehind } from './gate-ids.ts'
import { MakeBatch } from './make-batch.ts'
import { type CoalescingGate, ReadCoalescing } from './read-coalescing.ts'
import { ARRIVAL_CHECK_MS } from './rules/decide.ts'
import { decideMerge, isCovered } from './rules/decide-coalescing.ts'
import { type GateHint, shareOfGate } from './rules/gate-hint.ts'
import { leaderOf } from './rules/stream-order.ts'

/** Waiting runs that are ended, or start, at once. */
const PAGE = 500
/** A gate is checked again this long after it was sealed, in case its owner stopped before it finished: those that wait for their result have no run yet. */
const CHECK_SEALED_MS = 2_000
/** How long a gate sleeps at most: a clock that was set back makes it sleep for no longer. */
const SLEEP_AT_MOST_MS = 60_000

interface Plan extends CoalescingGate {
  /** Undefined: the stored gate stays. */
  readonly change?: GateChange
}

/**
 * The reconcile loop of debounce, throttle and batches. What is to become of the runs that wait is sealed first, in the record of their gate; what follows
 * from a seal is decided from the stored state alone, and may be done at any time, any number of times, by any coordinator.
 */
export class CoalesceRuns {
  readonly #store: Store
  readonly #runs: Runs
  readonly #timers: Timers
  readonly #clock: Clock
  readonly #read: ReadCoalescing
  readonly #batch: MakeBatch

  constructor(options: { store: Store; jobs: Jobs; runs: Runs; presence: Presence; timers: Timers; clock: Clock; elapsed: ElapsedTime }) {
    this.#store = options.store
    this.#runs = options.runs
    this.#timers = options.timers
    this.#clock = options.clock
    this.#read = new ReadCoalescing(options)
    this.#batch = new MakeBatch(options)
  }

  /** One step at each of these gates. Answers those at which more is to be done now. */
  async execute(hints: readonly GateHint[]): Promise<GateHint[]> {
    if (hints.length === 0) return []
    const gates = await this.#read.execute(hints, this.#clock.now())
    const plans = await Promise.all(gates.map((gate) => this.#plan(gate)))
    const refused = await this.#putAll(plans)
    const at = (step: CoalescingGate['next']['step']) => plans.filter(({ next }) => next.step === step)
    await this.#remove(at('idle').filter(({ hint, next, gate }) => gate && hint.isSweep && next.step === 'idle' && next.leftMs <= 0))
    const again = [
      ...refused,
      ...[...at('seal'), ...at('unseal')].filter((plan) => !refused.has(plan)),
      ...(await this.#finishBatches(at('finish').filter(isBatch))),
      ...(await this.#finish(at('finish').filter((plan) => !isBatch(plan)))),
      ...(await this.#mergeLate(at('merge'))),
      ...(await this.#pass(at('pass'))),
    ]
    return again.map(({ hint }) => hint)
  }

  async #plan(coalescing: CoalescingGate): Promise<Plan> {
    const { gate, next, hint, facts } = coalescing
    const { now } = facts
    const seal = gate?.window?.seal
    if (next.step === 'seal')
      return { ...coalescing, change: changeOf(coalescing, { seal: await this.#seal(coalescing), wakeAt: now + CHECK_SEALED_MS }) }
    if (next.step === 'unseal') return { ...coalescing, change: changeOf(coalescing, { seal: undefined, wakeAt: now + CHECK_SEALED_MS }) }
    if (next.step !== 'wait' && next.step !== 'idle') return coalescing
    const isIdle = next.step === 'idle'
    if (isIdle && (!gate || !hint.isSweep || next.leftMs <= 0)) return coalescing
    const wakeAt = now + Math.ceil(isIdle ? next.leftMs : Math.min(next.leftMs, SLEEP_AT_MOST_MS))
    const isInTime = gate !== undefined && gate.wakeAt !== null && gate.wakeAt > now && gate.wakeAt <= wakeAt
    return isInTime ? coalescing : { ...coalescing, change: changeOf(coalescing, { seal, wakeAt }) }
  }

  /** What becomes of the runs that wait. */
  async #seal({ hint, facts }: CoalescingGate): Promise<GateSeal | undefined> {
    const { rule, now } = facts
    if (rule?.rule === 'batch') {
      const [waiting = []] = await this.#store.runs.waiting([{ gate: hint.id, key: hint.key, limit: rule.count }])
      const members = await this.#batch.thatFit(waiting)
      const [first, last] = [members[0], members.at(-1)]
      if (!first || !last) return undefined
      const runId = batchRunId(hint.id, first)
      return { rule: rule.rule, runId, through: last.gateOrder ?? 0, members: members.map(({ id }) => id), at: now }
    }
    const arrivedLast = facts.newest ?? facts.oldest
    if (!rule || !arrivedLast) return undefined
    const { payload } = rule
    const ordered = await this.#read.ordered({ hint, facts }, payload)
    const { leader = arrivedLast, newest } = leaderOf(ordered, { payload, before: facts.seal?.newest ?? [] })
    const isKept = payload === 'last' && newest.length > 0
    return { rule: rule.rule, runId: leader.id, through: arrivedLast.gateOrder ?? 0, ...(isKept ? { newest } : {}), at: now }
  }

  /** Answers the plans that were refused, because another coordinator has changed the gate since. */
  async #putAll(plans: readonly Plan[]): Promise<ReadonlySet<Plan>> {
    const changing = plans.filter(({ change }) => change !== undefined)
    if (changing.length === 0) return new Set()
    const outcomes = await this.#store.gates.put(changing.map(({ change }) => change as GateChange))
    for (const [i, { change }] of changing.entries())
      if (outcomes[i] === 'applied' && change?.gate.wakeAt) this.#timers.arm('gates', { id: change.gate.id, wakeAt: change.gate.wakeAt })
    return new Set(changing.filter((_, i) => outcomes[i] !== 'applied'))
  }

  /** Answers those at which more is to be done: the run of the seal first starts, then the others end. If it does not, they are not to be ended for it. */
  async #finish(plans: readonly Plan[]): Promise<readonly Plan[]> {
    if (plans.length === 0) return []
    const starts = plans.flatMap((plan) => {
      const { leader } = plan.facts
      return leader?.state === 'waiting' && leader.gate === plan.hint.id
        ? this.#passed(leader, plan).map((change) => ({ plan, change }))
        : []
    })
    const outcomes = await this.#runs.write(starts.map(({ change }) => change))
    const failed = new Set(starts.filter((_, i) => outcomes[i] !== 'applied').map(({ plan }) => plan))
    const started = plans.filter((plan) => !failed.has(plan))
    const isFull = await this.#mergeAll(started, (run, { through, runId }) => (run.gateOrder ?? 0) <= through && run.id !== runId)
    const hasMore = ({ facts: { seal, newest, last } }: Plan) =>
      ((newest ?? last)?.gateOrder ?? Number.POSITIVE_INFINITY) > (seal?.through ?? 0)
    return [...failed, ...started.filter((plan) => isFull.has(plan) || hasMore(plan))]
  }

  /** What came within the period of the run that has started, or had been overtaken by it. */
  async #mergeLate(plans: readonly Plan[]): Promise<readonly Plan[]> {
    if (plans.length === 0) return []
    const isFull = await this.#mergeAll(plans, (run, seal, { facts }) => isCovered(run, seal, facts))
    return plans.filter((plan) => isFull.has(plan) || !this.#isOnlyCovered(plan))
  }

  #isOnlyCovered({ facts }: Plan): boolean {
    const { newest, seal } = facts
    return seal !== undefined && (!newest || isCovered(newest, seal, facts))
  }

  /** Ends those of the first page that are meant; answers the plans whose page was full. */
  async #mergeAll(plans: readonly Plan[], isMeant: (run: RunHead, seal: GateSeal, plan: Plan) => boolean): Promise<ReadonlySet<Plan>> {
    const pages = await this.#pages(plans)
    const now = this.#clock.now()
    const changes = plans.flatMap((plan, i) => {
      const { seal } = plan.facts
      return seal
        ? (pages[i] ?? []).filter((run) => isMeant(run, seal, plan)).map((run) => ({ run, decision: decideMerge(run, { seal, now }) }))
        : []
    })
    await this.#runs.write(changes)
    return new Set(plans.filter((_, i) => pages[i]?.length === PAGE))
  }

  async #finishBatches(plans: readonly Plan[]): Promise<readonly Plan[]> {
    const areMade = await Promise.all(plans.map(({ facts, job }) => this.#batch.execute(facts.seal as GateSeal, job)))
    const made = plans.filter((_, i) => areMade[i])
    // What waits meanwhile is decided when the gate is checked once more.
    await this.#putAll(
      made.map((plan) => ({ ...plan, change: changeOf(plan, { seal: undefined, wakeAt: plan.facts.now + CHECK_SEALED_MS }) })),
    )
    return plans
  }

  /** Their job has no such rule any more. */
  async #pass(plans: readonly Plan[]): Promise<readonly Plan[]> {
    if (plans.length === 0) return []
    const pages = await this.#pages(plans)
    await this.#runs.write(plans.flatMap((plan, i) => (pages[i] ?? []).flatMap((run) => this.#passed(run, plan))))
    return plans.filter((_, i) => pages[i]?.length === PAGE)
  }

  #pages(plans: readonly Plan[]): Promise<RunHead[][]> {
    return this.#store.runs.waiting(plans.map(({ hint }) => ({ gate: hint.id, key: hint.key, limit: PAGE })))
  }

  /** It starts, or waits for its place at the gate of the job's limits. The number of its arrival stays. */
  #passed(run: RunHead, { job }: Plan): RunChange[] {
    const now = this.#clock.now()
    const gate = gateBehind(job, run.gateKey ?? '')
    const expect = { state: ['waiting'], attempt: run.attempt, gate: run.gate } as const
    if (gate !== null)
      return [
        { run, decision: { event: 'arrived', expect, set: { state: 'waiting', reason: 'gate', wakeAt: now + ARRIVAL_CHECK_MS, gate } } },
      ]
    const decision = decideFree({ ...run, target: null }, now)
    return isRefused(decision) ? [] : [{ run, decision: { ...decision, expect, set: { ...decision.set, gate } } }]
  }

  async #remove(plans: readonly Plan[]): Promise<void> {
    if (plans.length === 0) return
    await this.#store.gates.remove(plans.map(({ gate }) => gate as GateRecord).map(({ id, revision }) => ({ id, revision })))
  }
}

const isBatch = ({ facts }: CoalescingGate) => facts.seal?.members !== undefined

function changeOf({ hint, gate, facts }: CoalescingGate, { seal, wakeAt }: { seal: GateSeal | undefined; wakeAt: number }): GateChange {
  const place = { id: hint.id, namespace: hint.namespace, job: hint.job, key: hint.key === '' ? null : hint.key, share: shareOfGate(hint) }
  const window = seal ? { starts: [], seal } : null
  const record = { ...place, holders: { runs: [] }, window, turn: null, revision: (gate?.revision ?? facts.now) + 1, wakeAt }
  return { gate: record, expect: gate?.revision ?? null }
}
