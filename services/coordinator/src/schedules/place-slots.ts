import { isEnded } from '@carillon/contracts'
import type { JobRecord, RunHead, RunRecord, Store } from '@carillon/store'
import { oneSlotWaits, scopeOf } from '../gates/rules/gating.ts'
import type { Placement } from '../ports.ts'

/** The runs of due slots with their places. */
export interface PlacedSlots {
  /** Slots that have a run. */
  readonly runs: readonly RunRecord[]
  /** Slots that are skipped: an earlier run is open, and another one waits for it. */
  readonly skipped: readonly number[]
  /** The open run that one of them waits for, at the gate of the job's slots. */
  readonly waitsFor: RunHead | undefined
}

/**
 * Slots wait for the run of the slot before, one at most, unless their job says otherwise. The run before is known by its id, which the job keeps: a slot
 * whose run ended in time costs the read of that run's head.
 */
export class PlaceSlots {
  readonly #store: Store
  readonly #placement: Placement

  constructor(options: { store: Store; placement: Placement }) {
    this.#store = options.store
    this.#placement = options.placement
  }

  /** The open runs of the slots before, by the id of the job. */
  async lastOf(jobs: readonly JobRecord[]): Promise<ReadonlyMap<string, RunHead>> {
    const waits = jobs.filter((job) => job.lastRunId !== null && oneSlotWaits(job))
    if (waits.length === 0) return new Map()
    const heads = await this.#store.runs.heads(waits.map(({ lastRunId }) => lastRunId as string))
    return new Map(waits.flatMap(({ id }, i) => (heads[i] && !isEnded(heads[i].state) ? [[id, heads[i]]] : [])))
  }

  /** @param fresh runs of the job's due slots, oldest first */
  place(job: JobRecord, fresh: readonly RunRecord[], before: RunHead | undefined): PlacedSlots {
    if (!oneSlotWaits(job)) return { runs: fresh.map((run) => this.#placement.atGate(run, job)), skipped: [], waitsFor: undefined }
    const hasGate = scopeOf(job.gating) !== 'none'
    const runs: RunRecord[] = []
    const skipped: number[] = []
    let [last, waitsFor]: (RunHead | undefined)[] = [before]
    for (const run of fresh) {
      if (last?.state === 'waiting') skipped.push(run.slot as number)
      else {
        const placed: RunRecord = hasGate ? this.#placement.atGate(run, job) : this.#placement.slot(run, job, last)
        if (!hasGate && placed.state === 'waiting') waitsFor = last
        runs.push(placed)
        last = placed
      }
    }
    return { runs, skipped, waitsFor }
  }
}
