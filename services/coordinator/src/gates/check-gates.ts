import { inIsolation, type Logger } from '@carillon/runtime'
import type { AdvanceGates } from './advance-gates.ts'
import type { CoalesceRuns } from './coalesce-runs.ts'
import { isCoalescing } from './rules/coalescing.ts'
import type { GateHint } from './rules/gate-hint.ts'

/** Checks gates of both kinds: at those of limits runs wait for their places, at the others for further triggers. */
export class CheckGates {
  readonly #advance: AdvanceGates
  readonly #coalesce: CoalesceRuns

  readonly #log: Logger

  constructor(options: { advance: AdvanceGates; coalesce: CoalesceRuns; log: Logger }) {
    this.#log = options.log
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

  /** Answers the gates that are to be checked once more. One that cannot be checked does not hold up the others. */
  async execute(hints: readonly GateHint[]): Promise<GateHint[]> {
    const [coalesced, advanced] = await Promise.all([
      this.#each(
        hints.filter(({ id }) => isCoalescing(id)),
        (some) => this.#coalesce.execute(some),
      ),
      this.#each(
        hints.filter(({ id }) => !isCoalescing(id)),
        (some) => this.#advance.execute(some),
      ),
    ])
    return [...coalesced, ...advanced]
  }

  async #each(hints: readonly GateHint[], check: (some: readonly GateHint[]) => Promise<GateHint[]>): Promise<GateHint[]> {
    if (hints.length === 0) return []
    const again = await inIsolation(hints, check, ({ id, namespace, job }, error) => {
      this.#log.error(
        { evt: 'gate.failed', gate: id, namespace, job, err: error },
        'a gate could not be checked; it is checked again later',
      )
      return undefined
    })
    return again.filter((hint) => hint !== undefined)
  }
}
