import type { BackfillJob, StartRun } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import type { GateRecord, JobRecord, RunHead, RunRecord, Store, StreamPlace } from '@carillon/store'
import { jobId } from '../jobs/rules/job.ts'
import type { Jobs, Placement } from '../ports.ts'
import { payloadText } from '../runs/rules/new-run.ts'
import { mustStartBy } from '../runs/rules/terms.ts'
import { backfillGateId, coalescingGateId, gateBehind, gateId, slotsGateId } from './gate-ids.ts'
import { type KeyExpressions, keyOf, keyOfAccepted } from './keys.ts'
import { type Coalescing, coalescingOf } from './rules/coalescing.ts'
import { ARRIVAL_CHECK_MS, BUSY_CHECK_MS } from './rules/decide.ts'
import { type GateHint, shareOfGate } from './rules/gate-hint.ts'
import { isApart, scopeOf } from './rules/gating.ts'
import { grouped } from './rules/grouped.ts'
import { type RuledJob, requestedRules, rulesIn, rulesNameOf } from './rules/requested-rules.ts'

const TRIES_AGAINST_OTHERS = 5

/** The gates at which runs wait now, as far as this coordinator owns them. */
export interface BusyGates {
  isBusy(gate: Pick<GateHint, 'id' | 'namespace' | 'job'>): boolean
}

/** Decides where new runs wait. A run is stored first, waiting, and gets its place then. */
export class PlaceRuns implements Placement {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #expressions: KeyExpressions
  readonly #gates: BusyGates
  readonly #clock: Clock

  constructor(options: { store: Store; jobs: Jobs; expressions: KeyExpressions; gateHints: BusyGates; clock: Clock }) {
    this.#store = options.store
    this.#jobs = options.jobs
    this.#expressions = options.expressions
    this.#gates = options.gateHints
    this.#clock = options.clock
  }

  requested(namespace: string, of: { request: StartRun; job: JobRecord | undefined }): RuledJob | undefined {
    return requestedRules(namespace, of)
  }

  atGate(given: RunRecord, job: RuledJob | undefined, published?: StreamPlace): RunRecord {
    const { gating = null } = job ?? {}
    // Slots are apart by their schedule.
    const rule = given.trigger === 'schedule' ? undefined : coalescingOf(gating)
    if (!job || gating === null || (scopeOf(gating) === 'none' && !rule)) return given
    const run = given.job === null ? { ...given, terms: { ...given.terms, rules: gating } } : given
    const gateKey =
      gating.concurrencyKey === undefined ? '' : keyOf(this.#expressions.concurrencyKey.get(gating.concurrencyKey), run.payload)
    // A payload that may be one by itself may be too deep, or too large, for a list.
    if (rule?.rule === 'batch') payloadText([JSON.parse(run.payload) as unknown])
    const gate = rule ? coalescingGateId(job, gating, gateKey) : gateId(job, gating, gateKey)
    if (run.state !== 'queued') return { ...run, gate, gateKey }
    const isBusy = this.#gates.isBusy({ id: gate, namespace: job.namespace, job: job.name })
    const patienceMs = isBusy ? BUSY_CHECK_MS : patienceOf(rule)
    const isOrdered = published !== undefined && rule !== undefined && rule.rule !== 'batch'
    const terms = isOrdered ? { ...run.terms, published } : run.terms
    return { ...run, terms, gate, gateKey, ...arriving(run, { now: this.#clock.now(), patienceMs }) }
  }

  async again(run: RunHead): Promise<Partial<Pick<RunHead, 'gate' | 'gateKey'>>> {
    const { id, namespace, gate, gateKey } = run
    const name = rulesNameOf(run)
    if (name === null || isApart(gate)) return {}
    const [stored] = await this.#store.jobs.get([jobId(namespace, name)])
    const rules = rulesIn(namespace, name) ?? stored
    if (gate !== null && coalescingOf(rules?.gating)?.rule === 'batch') return { gate, gateKey }
    const gating = rules?.gating ?? null
    if (!rules || gating === null || scopeOf(gating) === 'none') return { gate: null }
    if (gating.concurrencyKey === undefined) return { gate: gateId(rules, gating, ''), gateKey: '' }
    const [whole] = await this.#store.runs.get([id])
    const key = keyOfAccepted(this.#expressions.concurrencyKey.get(gating.concurrencyKey), whole?.payload ?? 'null')
    return { gate: gateId(rules, gating, key), gateKey: key }
  }

  async due(run: RunHead): Promise<Partial<Pick<RunHead, 'gate' | 'gateKey'>>> {
    const { namespace, job: name, gate, attempt } = run
    // At a gate that is none any more it is moved on; a further try has been let in before.
    if (name === null || gate !== null || attempt > 1) return {}
    const [job] = await this.#jobs.find([{ namespace, name }])
    return scopeOf(job?.gating ?? null) === 'none' ? {} : this.again(run)
  }

  async ordered(runs: readonly RunRecord[]): Promise<readonly RunRecord[]> {
    if (!runs.some(isArriving)) return runs
    const byJob = grouped(runs.filter(isArriving), ({ namespace, job }) => jobId(namespace, job ?? ''))
    const next = new Map<string, number>()
    await Promise.all([...byJob].map(async ([id, some]) => next.set(id, await this.#store.gates.takeOrder(id, some.length))))
    return runs.map((run) => {
      if (!isArriving(run)) return run
      const id = jobId(run.namespace, run.job ?? '')
      const order = next.get(id) as number
      next.set(id, order + 1)
      return { ...run, gateOrder: order }
    })
  }

  async order({ namespace, job }: RunHead): Promise<number> {
    return this.#store.gates.takeOrder(jobId(namespace, job ?? ''), 1)
  }

  slot(run: RunRecord, job: JobRecord, last: RunHead | undefined): RunRecord {
    const gated = { ...run, gate: slotsGateId(job), gateKey: '' }
    return last ? { ...gated, ...arriving(run, { now: this.#clock.now() }), gateOrder: run.slot } : gated
  }

  backfilled(run: RunRecord, job: JobRecord, backfill: BackfillJob): RunRecord {
    return { ...run, gate: backfillGateId(job, backfill), gateKey: '', ...arriving(run, { now: this.#clock.now() }) }
  }

  async holdFor(waits: readonly { readonly job: JobRecord; readonly last: RunHead }[]): Promise<void> {
    let left = waits
    for (let i = 0; left.length > 0 && i < TRIES_AGAINST_OTHERS; i++) {
      const ids = left.map(({ job }) => slotsGateId(job))
      const there = await this.#store.gates.get(ids)
      const changes = left.map(({ job, last }, i) => ({ gate: this.#holding(job, last, there[i]), expect: there[i]?.revision ?? null }))
      const outcomes = await this.#store.gates.put(changes)
      left = left.filter((_, i) => outcomes[i] !== 'applied')
    }
  }

  #holding(job: JobRecord, last: RunHead, there: GateRecord | undefined): GateRecord {
    const { namespace, name } = job
    const id = slotsGateId(job)
    const holder = { id: last.id, key: '', order: last.gateOrder }
    const others = there?.holders.runs.filter((one) => one.id !== last.id) ?? []
    const now = this.#clock.now()
    return {
      ...{ id, namespace, job: name, key: null, window: null, turn: null, share: shareOfGate({ id, namespace, job: name }) },
      holders: { runs: [...others, holder] },
      revision: (there?.revision ?? now) + 1,
      wakeAt: Math.min(there?.wakeAt ?? Number.POSITIVE_INFINITY, now + ARRIVAL_CHECK_MS),
    }
  }
}

/** @param at.patienceMs how long it is to wait in any case */
const arriving = ({ terms }: RunRecord, { now, patienceMs = 0 }: { now: number; patienceMs?: number }) =>
  ({
    state: 'waiting',
    reason: 'gate',
    queuedAt: null,
    wakeAt: Math.min(mustStartBy(terms), now + patienceMs + ARRIVAL_CHECK_MS),
  }) as const

/** It would cost two writes for each run to notice sooner that a signal was lost; the first of those that are throttled starts at once. */
const PATIENCE_AT_MOST_MS = 10_000
const patienceOf = (rule: Coalescing | undefined) => (!rule || rule.rule === 'throttle' ? 0 : Math.min(rule.periodMs, PATIENCE_AT_MOST_MS))

/** A run that starts for several triggers, at the gate of its job's limits, if there are any. */
export function placedBehind(
  run: RunRecord,
  { job, now, ...place }: Pick<RunRecord, 'gateKey' | 'gateOrder'> & { job: RuledJob | undefined; now: number },
): RunRecord {
  const gate = gateBehind(job, place.gateKey ?? '')
  return gate === null || run.state !== 'queued' ? run : { ...run, ...place, gate, ...arriving(run, { now }) }
}

const isArriving = ({ state, gateOrder }: RunHead) => state === 'waiting' && gateOrder === null
