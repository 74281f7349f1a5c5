import type { AdvanceGates } from './advance-gates.ts'
import type { CoalesceRuns } from './coalesce-runs.ts'
import { isCoalescing } from './rules/coalescing.ts'
import type { GateHint } from './rules/gate-hint.ts'

/** Checks gates of both kinds: at those of limits runs wait for their places, at the others for further triggers. */
export class CheckGates {
  readonly #advance: AdvanceGates
  readonly #coalesce: CoalesceRuns

  constructor(options: { advance: AdvanceGates; coalesce: CoalesceRuns }) {
    this.#advance = options.advance
    this.#coalesce = options.coalesce
  }

  /** Whether a gate is to be checked because runs have ended. */
  isConcerned(hint: GateHint): boolean {
    return !isCoalescing(hint.id) && this.#advance.isConcerned(hint)
  }

  /** Whether runs waited for places at a gate when it was checked a moment ago. */
  hasWaiting(id: string): boolean {
    return !isCoalescing(id) && this.#advance.hasWaiting(id)
  }

  /** Answers the gates that are to be checked once more. */
  async execute(hints: readonly GateHint[]): Promise<GateHint[]> {
    const apart = hints.filter(({ id }) => !isCoalescing(id))
    const [coalesced, advanced] = await Promise.all([
      this.#coalesce.execute(hints.filter(({ id }) => isCoalescing(id))),
      apart.length > 0 ? this.#advance.execute(apart) : [],
    ])
    return [...coalesced, ...advanced]
  }
}
