// Free of schemas: the console loads it.

/** What a rule is about. Those of `COUNTED` are things that happen, those of `HELD` last. */
export const ALERT_SCENES = [
  'run-failed',
  'run-timed-out',
  'run-expired',
  'failures-in-row',
  'dead-letter',
  'instance-lost',
  'instance-hung',
  'late',
  'missing',
  'no-instance',
  'queue-too-old',
  'gate-full',
  'approval-waits',
  'no-program',
] as const
export type AlertScene = (typeof ALERT_SCENES)[number]

interface SceneTraits {
  /** What the rule may be restricted by. */
  readonly filters: readonly ('jobs' | 'handlers' | 'instances')[]
  /** It happens, and is counted: `threshold`, and `windowMs` unless it counts in a row. Otherwise it lasts: `graceMs`. */
  readonly isCounted: boolean
  /** What `graceMs` is where the rule says nothing. */
  readonly graceMs: number
  /** What `recoverAfterMs` is where the rule says nothing; undefined: successes are counted instead. */
  readonly recoverAfterMs?: number
}

const OF_RUNS = { filters: ['jobs', 'handlers'], isCounted: true, graceMs: 0 } as const
const OF_INSTANCES = { filters: ['instances'], isCounted: true, graceMs: 0, recoverAfterMs: 300_000 } as const
const OF_TIME = { filters: ['jobs', 'handlers'], isCounted: false, graceMs: 60_000, recoverAfterMs: 0 } as const

/** What the scenes have in common, as data. */
export const SCENE_TRAITS: Readonly<Record<AlertScene, SceneTraits>> = {
  'run-failed': OF_RUNS,
  'run-timed-out': OF_RUNS,
  'run-expired': OF_RUNS,
  'failures-in-row': OF_RUNS,
  'dead-letter': { ...OF_RUNS, filters: ['handlers'], recoverAfterMs: 3_600_000 },
  'instance-lost': OF_INSTANCES,
  'instance-hung': OF_INSTANCES,
  late: OF_TIME,
  missing: { ...OF_TIME, filters: ['jobs', 'handlers'] },
  'no-instance': { ...OF_TIME, filters: ['handlers'] },
  'queue-too-old': { ...OF_TIME, filters: ['handlers'], graceMs: 300_000 },
  'gate-full': { ...OF_TIME, graceMs: 300_000 },
  'approval-waits': OF_TIME,
  'no-program': { ...OF_TIME, filters: ['handlers'] },
}
