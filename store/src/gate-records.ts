import type { StreamPlace } from './records.ts'

/** A run that has a place at a gate. */
export interface GateHolder {
  readonly id: string
  /** Of a gate of a job that limits keys, too: JSON text of the run's key. */
  readonly key: string | null
  /** The number of its arrival: a run that is retried arrives anew, and its old place is free. */
  readonly order: number | null
}

/** Waiting runs of a gate for which one run starts. It is written before any of them is, so that a coordinator that stops in between leaves what another one finishes. */
export interface GateSeal {
  readonly rule: 'debounce' | 'throttle' | 'batch'
  /** The run that starts for them: one of them; of a batch a run of its own. */
  readonly runId: string
  /** All that have arrived with numbers up to this one; of a batch those that are named. */
  readonly through: number
  /** Of a batch: its runs, in order. */
  readonly members?: readonly string[]
  /** Of each stream the newest message for which a run has started. */
  readonly newest?: readonly StreamPlace[]
  /** When it was decided. */
  readonly at: number
}

/** A place where not all runs of a job, or of one key of it, may run at once. */
export interface GateRecord {
  readonly id: string
  readonly namespace: string
  readonly job: string
  /** Of a limit by key: JSON text of the key. */
  readonly key: string | null
  /** The runs that have a place. */
  readonly holders: { readonly runs: readonly GateHolder[] }
  /** How many runs were started within the period of a rate: intervals, each with the time it began. Of a gate of debounce, throttle or batches: what was decided last. */
  readonly window: { readonly starts: readonly (readonly [at: number, count: number])[]; readonly seal?: GateSeal } | null
  /** The key that was served last. */
  readonly turn: string | null
  /** Grows with each write: the fence. */
  readonly revision: number
  readonly share: number
  readonly wakeAt: number | null
}
