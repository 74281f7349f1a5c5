import type { CoalescedPayload } from '@carillon/contracts'
import type { GateRecord, JobRecord, RunHead, Store, WaitingQuery } from '@carillon/store'
import type { Jobs } from '../ports.ts'
import type { ElapsedTime } from '../runs/rules/timing.ts'
import { findRules } from './find-rules.ts'
import { coalescingOf } from './rules/coalescing.ts'
import { type CoalescingFacts, type CoalescingStep, decideCoalescing } from './rules/decide-coalescing.ts'
import type { GateHint } from './rules/gate-hint.ts'
import type { RuledJob } from './rules/requested-rules.ts'
import type { Ordered } from './rules/stream-order.ts'

const PAGE = 500
/** As many messages as a consumer holds at once: no more of them can have been taken before one that its stream has before them. */
const COMPARED_AT_MOST = 20_000

/** A gate at which runs wait for further triggers, and what is done there next. */
export interface CoalescingGate {
  readonly hint: GateHint
  readonly gate: GateRecord | undefined
  readonly job: JobRecord | RuledJob | undefined
  readonly facts: CoalescingFacts
  readonly next: CoalescingStep
}

/** Reads what is decided about at such gates: first the gates, then the runs. It costs the same however many wait. */
export class ReadCoalescing {
  readonly #store: Store
  readonly #jobs: Jobs
  readonly #elapsed: ElapsedTime

  constructor(options: { store: Store; jobs: Jobs; elapsed: ElapsedTime }) {
    this.#store = options.store
    this.#jobs = options.jobs
    this.#elapsed = options.elapsed
  }

  async execute(hints: readonly GateHint[], now: number): Promise<CoalescingGate[]> {
    const gates = await this.#store.gates.get(hints.map(({ id }) => id))
    const jobs = await findRules(
      this.#jobs,
      hints.map(({ namespace, job }) => ({ namespace, name: job })),
    )
    const rules = jobs.map((job) => coalescingOf(job?.gating))
    const ends = await this.#store.runs.waiting(
      hints.flatMap(({ id, key }, i): WaitingQuery[] => {
        const rule = rules[i]
        const query = { gate: id, key, limit: 1 }
        return [query, rule?.rule === 'batch' ? { ...query, skip: rule.count - 1 } : { ...query, isNewestFirst: true }]
      }),
    )
    const leaders = await this.#leaders(gates)
    return hints.map((hint, i) => {
      const [oldest, other] = [ends[2 * i]?.[0], ends[2 * i + 1]?.[0]]
      const [rule, seal] = [rules[i], gates[i]?.window?.seal]
      const isBatch = rule?.rule === 'batch'
      const which = isBatch ? { newest: undefined, last: other } : { newest: other, last: undefined }
      const facts = { rule, seal, leader: seal && leaders.get(seal.runId), oldest, ...which, now, elapsed: this.#elapsed }
      return { hint, gate: gates[i], job: jobs[i], facts, next: decideCoalescing(facts) }
    })
  }

  /**
   * Those that wait, in the order of their arrival, as far as the facts have seen them: the last ones, or the first. That costs little beside what follows: each of them but
   * one is ended by a write.
   */
  async ordered({ hint, facts }: Pick<CoalescingGate, 'hint' | 'facts'>, payload: CoalescedPayload): Promise<readonly Ordered[]> {
    const { oldest, newest = oldest } = facts
    if (!oldest || !newest || oldest.id === newest.id) return oldest ? [oldest] : []
    const isNewestFirst = payload === 'last'
    const runs: Ordered[] = []
    for (let skip = 0; skip < COMPARED_AT_MOST; skip += PAGE) {
      const [page = []] = await this.#store.runs.waiting([{ gate: hint.id, key: hint.key, limit: PAGE, skip, isNewestFirst }])
      for (const { id, gateOrder, terms } of page) if ((gateOrder ?? 0) <= (newest.gateOrder ?? 0)) runs.push({ id, gateOrder, terms })
      if (page.length < PAGE) break
    }
    return isNewestFirst ? runs.reverse() : runs
  }

  async #leaders(gates: readonly (GateRecord | undefined)[]): Promise<ReadonlyMap<string, RunHead>> {
    const ids = gates.flatMap((gate) => (gate?.window?.seal && !gate.window.seal.members ? [gate.window.seal.runId] : []))
    const heads = ids.length > 0 ? await this.#store.runs.heads(ids) : []
    return new Map(heads.flatMap((head) => (head ? [[head.id, head]] : [])))
  }
}
