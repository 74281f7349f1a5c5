import type { Clock } from '@carillon/runtime'
import type { GateRecord, RunHead, Store } from '@carillon/store'
import type { WaitingChecks } from '../ports.ts'
import type { RunChange } from '../runs/rules/change.ts'
import { limitOf } from '../runs/rules/limits.ts'
import type { GateHints } from './gate-hints.ts'
import { ARRIVAL_CHECK_MS } from './rules/decide.ts'
import { type GateHint, shareOfGate } from './rules/gate-hint.ts'
import { grouped } from './rules/grouped.ts'
import { rulesNameOf } from './rules/requested-rules.ts'

/** A run whose gate is about to be checked is looked after again then, in case this coordinator stops before. */
const LATE_CHECK_MS = 10_000

/** Checks what no signal has moved: gates whose `wakeAt` has come, and runs that have waited for a while. */
export class WakeGates implements WaitingChecks {
  readonly #store: Store
  readonly #hints: GateHints
  readonly #clock: Clock

  constructor(options: { store: Store; gateHints: GateHints; clock: Clock }) {
    this.#store = options.store
    this.#hints = options.gateHints
    this.#clock = options.clock
  }

  async execute(ids: readonly string[]): Promise<void> {
    const now = this.#clock.now()
    const gates = await this.#store.gates.get(ids)
    await this.#hints.swept(gates.flatMap((gate) => (gate?.wakeAt && gate.wakeAt <= now ? [sweepOf(gate)] : [])))
  }

  async late(ids: readonly string[]): Promise<void> {
    const gates = await this.#store.gates.get(ids)
    await this.#hints.swept(gates.flatMap((gate) => (gate ? [sweepOf(gate)] : [])))
  }

  /**
   * From now on their gates have a `wakeAt` of their own, and the runs need none. A gate is written in any case: if its owner is about to remove it, because
   * it has seen none of these runs, the removal is refused. Where this coordinator is only late with its checks, the runs are checked once more later.
   */
  async settled(waiting: readonly RunHead[]): Promise<RunChange[]> {
    const now = this.#clock.now()
    const isPending = ({ gate }: RunHead) => this.#hints.isPending(gate as string)
    const runs = waiting.filter((run) => !isPending(run))
    const late = waiting.filter(isPending).map((run) => checked(run, now + LATE_CHECK_MS))
    if (runs.length === 0) return late
    const byGate = grouped(runs, ({ gate }) => gate as string)
    const ids = [...byGate.keys()]
    const there = await this.#store.gates.get(ids)
    const outcomes = await this.#store.gates.put(
      ids.map((id, i) => ({
        gate: awakeGate(byGate.get(id)?.[0] as RunHead, { there: there[i], now }),
        expect: there[i]?.revision ?? null,
      })),
    )
    const settled = ids.flatMap((id, i) => {
      const applied = outcomes[i] === 'applied'
      return (byGate.get(id) ?? []).map((run) => checked(run, applied ? (limitOf(run)?.at ?? null) : now + ARRIVAL_CHECK_MS))
    })
    return [...late, ...settled]
  }
}

/** It may have moved on to another gate since, which does not wake for it. */
function checked(run: RunHead, wakeAt: number | null): RunChange {
  const expect = { state: ['waiting'], attempt: run.attempt, gate: run.gate } as const
  return { run, decision: { event: 'checked', expect, set: { wakeAt } } }
}

function sweepOf({ id, namespace, job, key }: GateRecord): GateHint {
  return { id, namespace, job, key: key ?? '', ended: new Set(), isSweep: true }
}

function awakeGate(run: RunHead, { there, now }: { there: GateRecord | undefined; now: number }): GateRecord {
  if (there) return { ...there, revision: there.revision + 1, wakeAt: Math.min(there.wakeAt ?? now, now) }
  const { gate, namespace, gateKey } = run
  const place = { id: gate as string, namespace, job: rulesNameOf(run) ?? '' }
  const empty = { holders: { runs: [] }, window: null, turn: null, wakeAt: now }
  return { ...place, ...empty, key: gateKey || null, revision: now + 1, share: shareOfGate(place) }
}
