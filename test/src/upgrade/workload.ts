import type { RunState } from '@carillon/contracts'
import type { RunOptions } from '@carillon/sdk'

/** How many tasks of a run are in which state. */
export type Counts = Partial<Record<RunState, number>>

/** A run that a recording holds. */
export interface RecordedRun {
  readonly label: string
  readonly handler: string
  readonly payload: unknown
  readonly options: RunOptions
  /** The state in which it is recorded. */
  readonly state: RunState
  /** Of a fan-out run: its tasks, too, at least so many. */
  readonly tasks?: Counts
  /** Cancelled while it is in this state. */
  readonly cancelIn?: RunState
  /** How it ends with the new version; undefined: not within a test. */
  readonly ends: RunState | undefined
  readonly result?: unknown
}

/** A line of `runs.json`. */
export interface RunOfRecording extends RecordedRun {
  readonly runId: string
}

const YEAR_MS = 365 * 86_400_000
/** Longer than a recording takes, and over when it is opened. */
const PAUSE_MS = 30_000
const LARGE = 'x'.repeat(5_000)

type Given = Partial<RecordedRun> & Pick<RecordedRun, 'label' | 'state' | 'handler'>

/** Recorded in the state that it ends in. */
const ended = (given: Given): RecordedRun => ({ payload: null, options: {}, ends: given.state, ...given })
const open = (given: Given): RecordedRun => ({ payload: null, options: {}, ends: 'succeeded', ...given })

/** Every kind of run that an upgrade may find, in the order in which they are started. */
export const RECORDED_RUNS: readonly RecordedRun[] = [
  ended({ label: 'done', handler: 'quick', payload: { n: 1 }, options: { key: 'done' }, state: 'succeeded', result: { got: { n: 1 } } }),
  ended({ label: 'large', handler: 'quick', payload: LARGE, state: 'succeeded', result: { got: LARGE } }),
  ended({ label: 'failed', handler: 'broken', state: 'failed' }),
  ended({ label: 'cancelled', handler: 'quick', options: { delayMs: YEAR_MS }, cancelIn: 'delayed', state: 'cancelled' }),
  ended({ label: 'timed-out', handler: 'patient', options: { timeoutMs: 200 }, state: 'timed_out' }),
  open({ label: 'far', handler: 'quick', options: { delayMs: 9 * YEAR_MS }, state: 'delayed', ends: undefined }),
  // One for the only place of each of two executors, and one that waits.
  open({ label: 'running', handler: 'held', state: 'running', result: { held: true } }),
  open({ label: 'running too', handler: 'held', state: 'running', result: { held: true } }),
  open({ label: 'queued', handler: 'held', payload: { n: 3 }, options: { key: 'queued' }, state: 'queued', result: { held: true } }),
  open({ label: 'unoffered', handler: 'later', state: 'queued', result: { later: true } }),
  open({ label: 'tardy', handler: 'tardy', state: 'running', result: { tardy: true } }),
  open({ label: 'steps', handler: 'pay', state: 'running', result: { reservedBy: 'old', chargedBy: 'new' } }),
  open({
    label: 'broadcast',
    handler: 'everywhere',
    options: { mode: 'broadcast' },
    state: 'running',
    tasks: { succeeded: 1, running: 1 },
    result: { tasks: { succeeded: 2 } },
  }),
  open({
    label: 'shards',
    handler: 'shard',
    options: { items: ['a', 'b', 'c', 'd'], maxParallel: 2 },
    state: 'running',
    tasks: { succeeded: 1, running: 2, waiting: 1 },
    result: { tasks: { succeeded: 4 } },
  }),
  open({
    label: 'map',
    handler: 'spread',
    payload: { heldAt: 'spread' },
    options: { mode: 'map' },
    state: 'running',
    tasks: { succeeded: 4, running: 1 },
    result: { tasks: { succeeded: 4 } },
  }),
  open({
    label: 'map before reduce',
    handler: 'sum',
    payload: { heldAt: 'early' },
    options: { mode: 'map-reduce' },
    state: 'running',
    tasks: { succeeded: 4, running: 1 },
    result: 10,
  }),
  open({
    label: 'reduce',
    handler: 'sum',
    payload: { heldAt: 'late' },
    options: { mode: 'map-reduce' },
    state: 'running',
    tasks: { succeeded: 5, running: 1 },
    result: 10,
  }),
  open({ label: 'asleep', handler: 'nap', state: 'delayed', result: { before: 'old', after: 'new' } }),
  open({
    label: 'retrying',
    handler: 'flaky',
    options: { attempts: 3, backoff: { type: 'fixed', delayMs: PAUSE_MS } },
    state: 'delayed',
    result: { attempt: 2 },
  }),
  open({
    label: 'delayed',
    handler: 'quick',
    payload: { n: 2 },
    options: { key: 'delayed', delayMs: PAUSE_MS },
    state: 'delayed',
    result: { got: { n: 2 } },
  }),
  // Last: five seconds after it was cancelled it is over.
  open({ label: 'cancelling', handler: 'stubborn', cancelIn: 'running', state: 'cancelling', ends: 'cancelled' }),
]

/** Where tasks of a recording stop: `<gate>-<which>`. */
export const HELD = ['held', 'pay', 'everywhere-upgrade-b', 'shard-1', 'shard-2', 'spread-2', 'early-3', 'late-reduce']

/** Bodies of triggers that are unconsumed when a recording is made, for job `triggered`. */
export const TRIGGERS = ['{"day":1}', '{"day":2}']
