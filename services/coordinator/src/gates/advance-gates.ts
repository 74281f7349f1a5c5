import type { Clock } from '@carillon/runtime'
import type { GateChange, GateHolder, GateRecord, RunArrival, RunHead, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import type { Jobs, Presence, Reconciler, Runs, Tasks, Timers } from '../ports.ts'
import type { RunChange } from '../runs/rules/change.ts'
import { isRefused } from '../runs/rules/decision.ts'
import { decideFree } from '../runs/rules/life.ts'
import type { ArrivedRuns } from './arrived-runs.ts'
import type { MoveRuns } from './move-runs.ts'
import { type OpenGate, PAGE, ReadGates, type WaitingRuns } from './read-gates.ts'
import { RecoverRuns } from './recover-runs.ts'
import { decideDiscard, decideGate, decideToLeave, type GateDecision } from './rules/decide.ts'
import { type GateHint, shareOfGate } from './rules/gate-hint.ts'
import type { GateLimits } from './rules/gating.ts'
import { opensAt } from './rules/window.ts'

/** A gate at which runs wait, or that has just let some in, is checked again after this, in case a signal was lost or its owner stopped. */
const CHECK_WAITING_MS = 10_000
/** One at which none wait: it is removed when its holders have ended. */
const CHECK_IDLE_MS = 60_000
/** All holders of a gate are read this often; in between those that are said to have ended. */
const READ_ALL_MS = 2_000
/** Runs that are let in at once are read with their payloads up to this; of the others these are read when they are published. */
const WHOLE_BYTES = 2 * 1024 * 1024

interface Checked {
  readonly revision: number
  /** When all holders were read. */
  readonly at: number
  readonly mayWait: boolean
  /** Runs waited when the last check was over: the gate is stored with a `wakeAt`. */
  readonly hasWaiting: boolean
  /** Holders that have ended since. */
  readonly ended: Set<string>
}

interface Plan {
  readonly open: OpenGate
  readonly waiting: WaitingRuns
  readonly decision: GateDecision
  /** Undefined: the stored gate stays. */
  readonly change: GateChange | undefined
  readonly isEmpty: boolean
}

/**
 * The reconcile loop of gates: gives places to waiting runs, and ends those that are not to wait. It reads the stored state alone, so it may be called at any
 * time, any number of times, by any coordinator: the revision of a gate lets one of them win.
 */
export class AdvanceGates {
  readonly #store: Store
  readonly #runs: Runs
  readonly #timers: Timers
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #read: ReadGates
  readonly #recover: RecoverRuns
  readonly #arrived: ArrivedRuns
  readonly #move: MoveRuns
  /** Gates that this coordinator has checked recently. */
  readonly #checked: LRUCache<string, Checked>

  constructor(options: {
    store: Store
    jobs: Jobs
    runs: Runs
    tasks: Tasks
    reconciler: Reconciler
    timers: Timers
    presence: Presence
    clock: Clock
    arrivedRuns: ArrivedRuns
    moveRuns: MoveRuns
    remembered: { readonly gates: number }
  }) {
    this.#checked = new LRUCache({ max: options.remembered.gates })
    this.#store = options.store
    this.#runs = options.runs
    this.#timers = options.timers
    this.#presence = options.presence
    this.#clock = options.clock
    this.#read = new ReadGates(options)
    this.#recover = new RecoverRuns(options)
    this.#arrived = options.arrivedRuns
    this.#move = options.moveRuns
  }

  /** Whether a gate is to be checked because runs have ended. Where none waits they are kept in mind: of slots that end in time nobody has ever waited. */
  isConcerned({ id, ended }: GateHint): boolean {
    const checked = this.#checked.get(id)
    if (!checked) return !id.startsWith('gs')
    for (const runId of ended) checked.ended.add(runId)
    return checked.mayWait
  }

  /** Whether runs waited at a gate when it was checked a moment ago. */
  hasWaiting(id: string): boolean {
    const checked = this.#checked.get(id)
    return checked?.hasWaiting === true && Math.abs(this.#clock.now() - checked.at) < CHECK_WAITING_MS
  }

  /** Answers the gates that are to be checked once more. */
  async execute(hints: readonly GateHint[]): Promise<GateHint[]> {
    const now = this.#clock.now()
    // What ends while they are being checked has them checked again.
    const before = hints.map(({ id }) => {
      const checked = this.#checked.get(id) ?? unchecked()
      this.#checked.set(id, { ...checked, mayWait: true })
      return [...checked.ended]
    })
    const open = await this.#read.open(hints, (gate) => this.#endedOf(gate, now))
    await this.#freeHolders(open)
    const plans = await Promise.all(open.map(async (one) => this.#plan(one, await this.#read.waiting(one, now), now)))
    const refused = await this.#putAll(plans)
    const decided = plans.filter((plan) => !refused.has(plan))
    const missed = await this.#free(decided)
    await this.#end(decided)
    await this.#remove(decided)
    const isStale = (plan: Plan) => refused.has(plan) || missed.has(plan)
    for (const [i, plan] of plans.entries()) if (!isStale(plan)) this.#remember(plan, { now, ended: before[i] ?? [] })
    return plans.filter((plan) => isStale(plan) || hasMore(plan)).map(({ open: { hint } }) => hint)
  }

  /** @param options.ended holders of which the check knew that they had ended */
  #remember({ open, waiting, decision, change }: Plan, { now, ended }: { now: number; ended: readonly string[] }): void {
    const { hint, gate } = open
    const there = this.#checked.get(hint.id) ?? unchecked()
    for (const runId of ended) there.ended.delete(runId)
    const hasWaiting = waiting.areMore || waiting.groups.flat().length > decision.admit.length
    const at = open.areAllRead ? now : there.at
    const revision = change?.gate.revision ?? gate?.revision ?? -1
    this.#checked.set(hint.id, { revision, at, mayWait: hasWaiting, hasWaiting, ended: there.ended })
  }

  /** The holders that have ended, if all were read a moment ago. */
  #endedOf({ id, revision }: GateRecord, now: number): ReadonlySet<string> | undefined {
    const checked = this.#checked.get(id)
    return checked?.revision === revision && Math.abs(now - checked.at) < READ_ALL_MS ? checked.ended : undefined
  }

  /** Runs that were given a place by a coordinator which stopped before it freed them. */
  async #freeHolders(gates: readonly OpenGate[]): Promise<void> {
    const waiting = gates.flatMap(({ hint, places }) => {
      return [...places.values()].filter(({ state }) => state === 'waiting').map((place) => ({ ...place, gate: hint.id }))
    })
    if (waiting.length === 0) return
    const runs = await this.#records(waiting)
    await this.#runs.write(runs.flatMap((run) => this.#freed(run)))
  }

  /** Runs that start now, with what their messages carry as far as it is not too much. */
  async #records(arrivals: readonly Pick<RunHead, 'id' | 'gate' | 'gateOrder'>[]): Promise<(RunHead | undefined)[]> {
    const known = arrivals.map((arrival) => this.#arrived.take(arrival))
    const missing = arrivals.filter((_, i) => known[i] === undefined).map(({ id }) => id)
    if (missing.length === 0) return known
    const whole = await this.#store.runs.get(missing, WHOLE_BYTES)
    const heads = whole.length < missing.length ? await this.#store.runs.heads(missing.slice(whole.length)) : []
    const read = [...whole, ...heads]
    let next = 0
    return known.map((run) => run ?? read[next++])
  }

  #freed(run: RunHead | undefined): RunChange[] {
    if (!run) return []
    const decision = decideFree({ ...run, target: null }, this.#clock.now())
    if (isRefused(decision)) return []
    // Of a retry the reason says which of its tasks run again.
    const reason = run.reason === 'gate' ? null : run.reason
    return [{ run, decision: { ...decision, set: { ...decision.set, reason } } }]
  }

  /** Where nothing is limited any more, because the job has limits of another scope now, they wait at the gate of these. */
  #passed(run: RunHead | undefined, { limits, job }: OpenGate): RunChange[] {
    if (limits || !run || !this.#move.hasLimits(job)) return this.#freed(run)
    const change = this.#move.moved(run, job)
    return change ? [change] : []
  }

  #plan(open: OpenGate, waiting: WaitingRuns, now: number): Plan {
    const { limits, holders, places: read, gate, hint } = open
    const cancelling = new Set([...read.values()].filter(({ state }) => state === 'cancelling').map(({ id }) => id))
    const starts = gate?.window?.starts ?? []
    const decision = limits
      ? decideGate({ limits, holders, cancelling, waiting: waiting.groups, beyond: waiting.beyond, starts, now })
      : { ...NO_LIMIT, admit: waiting.groups.flat() }
    const places = limits ? [...holders, ...decision.admit.map(holderOf)] : holders
    const isLeft = waiting.areMore || waiting.groups.flat().length > decision.admit.length
    const isEmpty = places.length === 0 && !isLeft && decision.starts.length === 0
    const wakeAt = wakeAtOf({ decision, limits, isLeft, isHeld: places.length > 0, now })
    const isSame = places.length === gate?.holders.runs.length && decision.admit.length === 0
    const isInTime = gate?.wakeAt !== null && gate?.wakeAt !== undefined && (gate.wakeAt <= wakeAt || !isLeft) && gate.wakeAt > now
    const isNeeded = decision.admit.length > 0 || isLeft || hint.isSweep === true
    if (isEmpty || !isNeeded || (isSame && isInTime)) return { open, waiting, decision, change: undefined, isEmpty }
    const record: GateRecord = {
      id: hint.id,
      namespace: hint.namespace,
      job: hint.job,
      key: hint.key === '' ? null : hint.key,
      holders: { runs: places },
      window: decision.starts.length > 0 ? { starts: decision.starts } : null,
      turn: decision.admit.at(-1)?.gateKey ?? gate?.turn ?? null,
      // A new gate begins behind all revisions of the one before it, so that nobody mistakes the one for the other.
      revision: (gate?.revision ?? now) + 1,
      share: shareOfGate(hint),
      wakeAt,
    }
    const isUnlimited = limits === undefined && !gate
    return { open, waiting, decision, change: isUnlimited ? undefined : { gate: record, expect: gate?.revision ?? null }, isEmpty }
  }

  /** Answers the plans that were refused, because another coordinator has changed the gate since. */
  async #putAll(plans: readonly Plan[]): Promise<ReadonlySet<Plan>> {
    const changing = plans.filter(({ change }) => change !== undefined)
    if (changing.length === 0) return new Set()
    const outcomes = await this.#store.gates.put(changing.map(({ change }) => change as GateChange))
    for (const [i, { change }] of changing.entries())
      if (outcomes[i] === 'applied' && change?.gate.wakeAt) this.#timers.arm('gates', { id: change.gate.id, wakeAt: change.gate.wakeAt })
    const refused = changing.filter((_, i) => outcomes[i] !== 'applied')
    for (const { open } of refused) this.#checked.delete(open.hint.id)
    return new Set(refused)
  }

  /** Answers the plans of which a run could not be freed: it was cancelled meanwhile, and its place is free again; or it was not read whole, and is to be moved. */
  async #free(plans: readonly Plan[]): Promise<ReadonlySet<Plan>> {
    const admitted = plans.flatMap((plan) => plan.decision.admit.map((arrival) => ({ plan, gate: plan.open.hint.id, ...arrival })))
    const runs = await this.#records(admitted)
    const changes = runs.map((run, i) => this.#passed(run, (admitted[i] as (typeof admitted)[number]).plan.open))
    const outcomes = await this.#runs.write(changes.flat())
    let next = 0
    const missed = admitted.flatMap(({ plan }, i) => (changes[i]?.length === 1 && outcomes[next++] === 'applied' ? [] : [plan]))
    for (const { open } of missed) this.#checked.delete(open.hint.id)
    return new Set(missed)
  }

  /** Ends what is not to wait, and what is to make place. */
  async #end(given: readonly Plan[]): Promise<void> {
    const plans = given.filter(({ decision: { end, cancel, recover } }) => end.length + cancel.length + recover.length > 0)
    if (plans.length === 0) return
    const now = this.#clock.now()
    const heads = await this.#headsOf(plans)
    const changes: RunChange[] = []
    for (const { open, decision } of plans) {
      const message = `it came while ${describe(open, decision)}`
      for (const { run: arrival, reason } of decision.end)
        for (const run of stillWaiting([arrival], heads)) {
          const ended =
            reason === 'replaced' ? decideToLeave(run, { now, mayRun: false, reason }) : decideDiscard(run, { reason, message, now })
          if (!isRefused(ended)) changes.push({ run, decision: ended })
        }
      for (const id of decision.cancel) {
        const run = heads.get(id)
        const mayRun = run !== undefined && this.#presence.holding(run.namespace, run.handler).length > 0
        const cancelled = run && decideToLeave(run, { now, mayRun, reason: 'replaced' })
        if (run && cancelled && !isRefused(cancelled)) changes.push({ run, decision: cancelled })
      }
      if (decision.recover.length > 0)
        changes.push(...(await this.#recover.execute(open.holders[0]?.id, stillWaiting(decision.recover, heads))))
    }
    if (changes.length === 0) return
    const outcomes = await this.#runs.write(changes)
    for (const [i, { run }] of changes.entries()) if (run.state === 'queued' && outcomes[i] === 'applied') await this.#runs.withdraw(run)
  }

  /** The runs that these plans end, cancel or recover, by id. */
  async #headsOf(plans: readonly Plan[]): Promise<ReadonlyMap<string, RunHead>> {
    const ids = plans.flatMap(({ decision: { end, cancel, recover } }) => [
      ...end.map(({ run }) => run.id),
      ...cancel,
      ...recover.map(({ id }) => id),
    ])
    const heads = await this.#store.runs.heads(ids)
    return new Map(heads.flatMap((run) => (run ? [[run.id, run] as const] : [])))
  }

  async #remove(plans: readonly Plan[]): Promise<void> {
    const empty = plans.filter(({ isEmpty, open }) => isEmpty && open.gate && open.hint.isSweep)
    if (empty.length === 0) return
    await this.#store.gates.remove(empty.map(({ open: { gate } }) => gate as GateRecord).map(({ id, revision }) => ({ id, revision })))
    for (const { open } of empty) this.#checked.delete(open.hint.id)
  }
}

/** Those that wait since the same arrival. */
function stillWaiting(arrivals: readonly RunArrival[], heads: ReadonlyMap<string, RunHead>): RunHead[] {
  return arrivals.flatMap(({ id, gateOrder }) => {
    const run = heads.get(id)
    return run?.state === 'waiting' && run.gateOrder === gateOrder ? [run] : []
  })
}

const unchecked = () => ({ revision: -1, at: 0, hasWaiting: false, ended: new Set<string>() })
const NO_LIMIT = { end: [], recover: [], cancel: [], starts: [], opensAt: undefined }

const holderOf = ({ id, gateKey, gateOrder }: RunArrival): GateHolder => ({ id, key: gateKey, order: gateOrder })

/** When the gate is checked again without a signal. */
function wakeAtOf(of: { decision: GateDecision; limits: GateLimits | undefined; isLeft: boolean; isHeld: boolean; now: number }): number {
  const { decision, limits, isLeft, isHeld, now } = of
  if (isLeft) return Math.min(decision.opensAt ?? Number.POSITIVE_INFINITY, now + CHECK_WAITING_MS)
  const rate = limits?.rate
  // The runs are freed after this write. If this coordinator stops in between, the next check frees them.
  if (decision.admit.length > 0) return now + CHECK_WAITING_MS
  // Only its window keeps it.
  if (!isHeld && rate && decision.starts.length > 0) {
    const over = opensAt([decision.starts.at(-1) as readonly [number, number]], { ...rate, count: 1 }, now)
    return Math.max(over ?? 0, now + CHECK_IDLE_MS)
  }
  return now + CHECK_IDLE_MS
}

/** A page was full: what comes behind it is decided now, too. */
function hasMore({ waiting, decision, open }: Plan): boolean {
  if (decision.admit.length >= PAGE || waiting.groups.some(({ length }) => length >= PAGE)) return true
  return open.limits?.overlap === 'serial' && waiting.beyond.length > 0
}

function describe({ holders }: OpenGate, { admit }: GateDecision): string {
  const ids = [...holders, ...admit].map(({ id }) => id)
  return ids.length === 1 ? `run ${ids[0]} was open` : `${ids.length} runs were open, the oldest of them ${ids[0]}`
}
