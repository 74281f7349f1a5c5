import { isEnded } from '@carillon/contracts'
import type { GateHolder, GateRecord, JobRecord, RunArrival, RunPlace, Store, WaitingQuery } from '@carillon/store'
import type { Jobs } from '../ports.ts'
import { findRules } from './find-rules.ts'
import { WAITING_AT_MOST } from './rules/decide.ts'
import type { GateHint } from './rules/gate-hint.ts'
import { type GateLimits, limitsOf } from './rules/gating.ts'
import type { RuledJob } from './rules/requested-rules.ts'
import { fromTurn, roomOfKey } from './rules/turns.ts'

/** Waiting runs of one key that are read at once, where any number of them may be decided. */
export const PAGE = 500
/** Runs that wait in vain are ended so many at a time. */
const BEYOND_AT_ONCE = 100
const KEYS_AT_ONCE = 200
/** Keys whose room is judged in one check: the others come with the next one. */
const KEYS_AT_MOST = 5_000

/** A gate with the runs that have a place. */
export interface OpenGate {
  readonly hint: GateHint
  readonly gate: GateRecord | undefined
  readonly job: JobRecord | RuledJob | undefined
  /** Undefined: nothing is limited any more. */
  readonly limits: GateLimits | undefined
  /** The holders that are open. */
  readonly holders: readonly GateHolder[]
  /** Those of them that were read. */
  readonly places: ReadonlyMap<string, RunPlace>
  readonly areAllRead: boolean
}

/** The runs that wait at a gate. */
export interface WaitingRuns {
  /** By key, the keys in turn. */
  readonly groups: readonly (readonly RunArrival[])[]
  readonly beyond: readonly RunArrival[]
  /** Some wait that were not read, or whose slot has not come. */
  readonly areMore: boolean
}

/** Reads what is decided about: first the gates, then the runs that have a place there, then those that wait. */
export class ReadGates {
  readonly #store: Store
  readonly #jobs: Jobs

  constructor(options: { store: Store; jobs: Jobs }) {
    this.#store = options.store
    this.#jobs = options.jobs
  }

  /** @param endedOf the holders that have ended, where all were read a moment ago: then only these are read */
  async open(hints: readonly GateHint[], endedOf: (gate: GateRecord) => ReadonlySet<string> | undefined): Promise<OpenGate[]> {
    const gates = await this.#store.gates.get(hints.map(({ id }) => id))
    const jobs = await findRules(
      this.#jobs,
      hints.map(({ namespace, job }) => ({ namespace, name: job })),
    )
    const limits = hints.map(({ id }, i) => limitsOf(id, jobs[i]))
    const asked = gates.map((gate, i) => {
      if (!gate) return []
      const { runs } = gate.holders
      const ended = endedOf(gate)
      // Where runs would end because of a holder, it has to be open now.
      const isQueue = limits[i]?.overlap === 'queue' || limits[i]?.overlap === 'serial'
      if (!ended || !isQueue) return runs
      return runs.filter(({ id }) => hints[i]?.ended.has(id) || ended.has(id))
    })
    const ids = asked.flat().map(({ id }) => id)
    const read = new Map(ids.length > 0 ? (await this.#store.runs.places(ids)).map((place, i) => [ids[i] as string, place]) : [])
    return hints.map((hint, i) => {
      const holders = gates[i]?.holders.runs.filter((holder) => !read.has(holder.id) || isOpen(holder, read.get(holder.id))) ?? []
      const places = holders.flatMap(({ id }) => read.get(id) ?? []).map((place) => [place.id, place] as const)
      return {
        hint,
        gate: gates[i],
        job: jobs[i],
        limits: limits[i],
        holders,
        places: new Map(places),
        areAllRead: asked[i]?.length === (gates[i]?.holders.runs.length ?? 0),
      }
    })
  }

  async waiting(open: OpenGate, now: number): Promise<WaitingRuns> {
    const { hint, gate, holders, limits } = open
    const { keys, areMore } = await this.#keys(open)
    const queries: WaitingQuery[] = keys.map((key) => ({ gate: hint.id, key, limit: limitOf(key, open) }))
    const isSerial = limits?.overlap === 'serial'
    if (isSerial) {
      const skip = WAITING_AT_MOST + Math.max(0, limits.max - holders.length)
      queries.push({ gate: hint.id, key: keys[0] ?? hint.key, limit: BEYOND_AT_ONCE, skip })
    }
    const read = queries.length > 0 ? await this.#store.runs.arrivals(queries) : []
    const beyond = isSerial ? (read.pop() ?? []) : []
    const held = new Set(gate?.holders.runs.map(({ id, order }) => `${id} ${order}`))
    const groups = read.map((runs) =>
      runs.filter((run) => !held.has(`${run.id} ${run.gateOrder}`) && (run.slot === null || run.slot <= now)),
    )
    const isCut = read.some((runs, i) => runs.length === queries[i]?.limit || (groups[i]?.length ?? 0) < runs.length)
    return { groups, beyond, areMore: areMore || isCut }
  }

  /** Of a gate of a job there may be runs of several keys: those that have room, from the turn on. */
  async #keys({ hint, gate, holders, limits }: OpenGate): Promise<{ keys: string[]; areMore: boolean }> {
    if (!hint.id.startsWith('gj')) return { keys: [hint.key], areMore: false }
    const turn = gate?.turn ?? null
    const free = limits ? Math.max(1, limits.max - holders.length) : PAGE
    const mayDecide = (key: string) => limits?.overlap !== 'queue' || roomOfKey(key, holders, limits) > 0
    const keys = new Set<string>()
    let seen = 0
    for (const from of turn === null ? [null] : [turn, null]) {
      for (let after = from; keys.size < free && seen < KEYS_AT_MOST; ) {
        const page = await this.#store.runs.waitingKeys({ gate: hint.id, after, limit: KEYS_AT_ONCE })
        seen += page.length
        for (const key of page) if (mayDecide(key)) keys.add(key)
        if (page.length < KEYS_AT_ONCE) break
        after = page.at(-1) as string
      }
    }
    return { keys: fromTurn([...keys], turn), areMore: seen > keys.size }
  }
}

/** It has not ended, nor arrived anew since. */
function isOpen({ order }: GateHolder, run: RunPlace | undefined): boolean {
  return run !== undefined && !isEnded(run.state) && run.gateOrder === order
}

/** One more than may start shows that some go on waiting; where others end, too, as many as a page has. */
function limitOf(key: string, { holders, limits }: OpenGate): number {
  if (!limits) return PAGE
  const { overlap } = limits
  if (overlap !== 'queue' && overlap !== 'serial') return PAGE
  return Math.min(PAGE, roomOfKey(key, holders, limits) + 1)
}
