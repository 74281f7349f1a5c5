import type { CALLS, CallOutput, CallRequest } from '@carillon/contracts'
import type { Clock } from '@carillon/runtime'
import { SHARES } from '@carillon/store'
import type { CautiousTime } from './cautious-time.ts'
import { Pace } from './pace.ts'
import { addCounts, NOTHING_REMOVED } from './removal-counts.ts'
import type { RemoveRuns } from './remove-runs.ts'
import type { RetentionPolicy } from './retention-rules.ts'

const ALL_SHARES: ReadonlySet<number> = new Set(Array.from({ length: SHARES }, (_, share) => share))
/** Far within the deadline of the call: the next call does the rest. */
const WORK_MS = 2_000

/** Removes runs on request, by the same rules as the sweeps do, now and with other limits where some are given. */
export class PruneRuns {
  readonly #remove: RemoveRuns
  readonly #policy: RetentionPolicy
  readonly #unappliedSince: () => Promise<number>
  readonly #countedUntil: () => Promise<number>
  readonly #time: CautiousTime
  readonly #clock: Clock
  readonly #stopping: AbortSignal

  constructor(options: {
    remove: RemoveRuns
    policy: RetentionPolicy
    unappliedSince: () => Promise<number>
    countedUntil: () => Promise<number>
    time: CautiousTime
    clock: Clock
    stopping: AbortSignal
  }) {
    this.#remove = options.remove
    this.#policy = options.policy
    this.#unappliedSince = options.unappliedSince
    this.#countedUntil = options.countedUntil
    this.#time = options.time
    this.#clock = options.clock
    this.#stopping = options.stopping
  }

  /** Works for a limited time; `next` is the cursor of the rest. @throws CarillonError INVALID_REQUEST of the cursor */
  async execute(namespace: string, request: CallRequest<typeof CALLS.runsPrune>): Promise<CallOutput<typeof CALLS.runsPrune>> {
    const { olderThanMs = this.#policy.runMs, keep = this.#policy.keepPerJob, job, dryRun = false } = request
    const policy = { ...this.#policy, runMs: olderThanMs, keepPerJob: keep }
    const [unappliedSince, countedUntil] = await Promise.all([this.#unappliedSince(), this.#countedUntil()])
    const facts = { now: this.#time.now(), unappliedSince, countedUntil, shares: ALL_SHARES }
    const pass = { namespace, job, policy, isDry: dryRun, ...facts }
    const pace = new Pace(this.#clock, this.#stopping)
    const until = this.#clock.monotonic() + WORK_MS
    let [counts, cursor] = [NOTHING_REMOVED, request.cursor]
    do {
      const page = await this.#remove.page(pass, { cursor, pace })
      counts = addCounts(counts, page.removed)
      cursor = page.cursor
    } while (cursor !== undefined && this.#clock.monotonic() < until)
    return { removed: counts, ...(cursor === undefined ? {} : { next: cursor }) }
  }
}
