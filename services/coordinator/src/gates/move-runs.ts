import type { Clock } from '@carillon/runtime'
import type { RunHead, RunRecord } from '@carillon/store'
import type { RunChange } from '../runs/rules/change.ts'
import { gateId } from './gate-ids.ts'
import { type KeyExpressions, keyOfAccepted } from './keys.ts'
import { ARRIVAL_CHECK_MS } from './rules/decide.ts'
import { scopeOf } from './rules/gating.ts'
import type { RuledJob } from './rules/requested-rules.ts'

/**
 * Moves runs from gates that no limit holds for any more. The limits of a job are those of one gate or of gates of its keys: when its rules change from one to the
 * other, what waits has to wait on, and where it stood in the order.
 */
export class MoveRuns {
  readonly #expressions: KeyExpressions
  readonly #clock: Clock

  constructor(options: { expressions: KeyExpressions; clock: Clock }) {
    this.#expressions = options.expressions
    this.#clock = options.clock
  }

  /** Whether runs that wait at a gate without limits have to wait at another one. */
  hasLimits(job: RuledJob | undefined): job is RuledJob {
    return job !== undefined && scopeOf(job.gating) !== 'none'
  }

  /** @returns undefined: it is no whole record, and cannot be moved without its payload */
  moved(run: RunHead & Partial<RunRecord>, job: RuledJob): RunChange | undefined {
    const gating = job.gating ?? {}
    const { payload } = run
    if (gating.concurrencyKey !== undefined && payload === undefined) return undefined
    const expression = gating.concurrencyKey && this.#expressions.concurrencyKey.get(gating.concurrencyKey)
    const gateKey = expression ? keyOfAccepted(expression, payload as string) : ''
    const expect = { state: ['waiting'], attempt: run.attempt, gate: run.gate } as const
    const set = { state: 'waiting', wakeAt: this.#clock.now() + ARRIVAL_CHECK_MS, gate: gateId(job, gating, gateKey), gateKey } as const
    return { run, decision: { event: 'arrived', expect, set } }
  }
}
