/** States of a run, and of each task of a fan-out run. Only a task can be `not_needed`: the run goes on without it. */
export const RUN_STATES = [
  'waiting',
  'delayed',
  'queued',
  'running',
  'paused',
  'cancelling',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'skipped',
  'expired',
  'not_needed',
] as const
export type RunState = (typeof RUN_STATES)[number]

/** What can happen to a run or task. */
export const RUN_EVENTS = [
  'freed',
  'unneeded',
  'resolved',
  'rejected',
  'passed',
  'overruled',
  'reopened',
  'due',
  'arrived',
  'discarded',
  'started',
  'succeeded',
  'failed',
  'timed_out',
  'overrun',
  'expired',
  'retried',
  'lost',
  'released',
  'returned',
  'slept',
  'cancel',
  'cancelled',
  'restarted',
  'paused',
  'resumed',
  'postponed',
  'faulted',
] as const
export type RunEvent = (typeof RUN_EVENTS)[number]

/**
 * The life cycle as data: event → state before → state after. What is not here does not happen; such an event is refused and counted.
 * `queued → succeeded` is no gap: a task that took less than 200 ms reports its start and its end as one.
 */
export const LIFECYCLE: Readonly<Record<RunEvent, Partial<Record<RunState, RunState>>>> = {
  freed: { waiting: 'queued', paused: 'queued' },
  unneeded: { waiting: 'not_needed' },
  // A coordinator has done it, or has seen what was waited for.
  resolved: { waiting: 'succeeded', delayed: 'succeeded', running: 'succeeded' },
  rejected: { waiting: 'failed', delayed: 'failed', running: 'failed' },
  // An operator decides about a node of a workflow.
  passed: { waiting: 'skipped', delayed: 'skipped', failed: 'skipped', timed_out: 'skipped', cancelled: 'skipped', expired: 'skipped' },
  overruled: { failed: 'succeeded', timed_out: 'succeeded', cancelled: 'succeeded', expired: 'succeeded' },
  reopened: {
    succeeded: 'waiting',
    failed: 'waiting',
    timed_out: 'waiting',
    cancelled: 'waiting',
    skipped: 'waiting',
    expired: 'waiting',
    not_needed: 'waiting',
  },
  due: { delayed: 'queued' },
  // From waiting: the run that starts for several triggers waits for its place now.
  arrived: { delayed: 'waiting', waiting: 'waiting' },
  discarded: { waiting: 'skipped' },
  // A task that is paused may have been begun a moment before.
  started: { queued: 'running', running: 'running', paused: 'running' },
  succeeded: { queued: 'succeeded', running: 'succeeded', paused: 'succeeded', cancelling: 'succeeded' },
  failed: { queued: 'failed', running: 'failed', paused: 'failed', cancelling: 'failed' },
  timed_out: { queued: 'timed_out', running: 'timed_out', paused: 'timed_out', cancelling: 'cancelled' },
  // The time limit of the run is over: what runs is cancelled first.
  overrun: { waiting: 'timed_out', delayed: 'timed_out', queued: 'timed_out', running: 'cancelling', cancelling: 'timed_out' },
  expired: { waiting: 'expired', delayed: 'expired', queued: 'expired' },
  retried: { queued: 'delayed', running: 'delayed', paused: 'delayed' },
  lost: { queued: 'queued', running: 'queued', cancelling: 'cancelled' },
  released: { queued: 'queued', running: 'queued', paused: 'paused' },
  // The program of its instance does not fit it, or refuses its payload: another one may take it.
  returned: { queued: 'queued', running: 'queued', cancelling: 'cancelled' },
  slept: { queued: 'delayed', running: 'delayed', paused: 'delayed', cancelling: 'cancelled' },
  cancel: { waiting: 'cancelled', delayed: 'cancelled', queued: 'cancelled', running: 'cancelling', paused: 'cancelled' },
  cancelled: { queued: 'cancelled', running: 'cancelled', paused: 'cancelled', cancelling: 'cancelled' },
  paused: { delayed: 'paused', queued: 'paused', running: 'paused' },
  resumed: { paused: 'running' },
  postponed: { paused: 'delayed' },
  faulted: { waiting: 'failed', delayed: 'failed', queued: 'failed', running: 'failed', paused: 'failed', cancelling: 'cancelled' },
  restarted: { succeeded: 'queued', failed: 'queued', timed_out: 'queued', cancelled: 'queued', skipped: 'queued', expired: 'queued' },
}

/** States that a run leaves only by a manual retry. */
export const ENDED_STATES = [
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'skipped',
  'expired',
  'not_needed',
] as const satisfies RunState[]
export type EndedState = (typeof ENDED_STATES)[number]

export const OPEN_STATES = ['waiting', 'delayed', 'queued', 'running', 'paused', 'cancelling'] as const satisfies RunState[]

export function isEnded(state: RunState): state is EndedState {
  return (ENDED_STATES as readonly string[]).includes(state)
}

/** The state after `event`, or undefined when the event does not apply to `state`. */
export function nextState(state: RunState, event: RunEvent): RunState | undefined {
  return LIFECYCLE[event][state]
}

/** By event, and by the state after it: made once, since each report asks for one. */
const before: Readonly<Record<string, Readonly<Record<string, readonly RunState[]>>>> = Object.fromEntries(
  Object.entries(LIFECYCLE).map(([event, states]) => [
    event,
    Object.fromEntries(
      Object.values(states).map((after) => [after, (Object.keys(states) as RunState[]).filter((state) => states[state] === after)]),
    ),
  ]),
)

/** The states that `event` leads from to `after`: what a conditional write expects. */
export const statesBefore = (event: RunEvent, after: RunState): readonly RunState[] => before[event]?.[after] ?? []

/** Why a run or task is in its state. Every ended one has exactly one. */
export const REASONS = {
  completed: 'The handler returned; of a run of several tasks, all that it needed has succeeded.',
  'handler-error': 'The handler threw, and no tries are left.',
  'non-retryable': 'The handler threw an error that is not to be retried.',
  'invalid-payload': 'The payload does not match the input schema of the handler.',
  'invalid-result': 'The result is not JSON or is over the limit.',
  'attempt-timeout': 'The attempt took longer than its time limit.',
  'run-timeout': 'The run took longer than its time limit, over all attempts.',
  deadline: 'It had not started by its deadline.',
  'instance-lost': 'The instance that ran the task was lost.',
  hung: 'Its instance lives, but nothing came of its tasks for too long, and no tries are left.',
  released: 'An instance gave the task back before it began; that is no attempt.',
  poison: 'Three processes in a row died while they ran the task, and nothing else is known to have ended them.',
  'cancelled-by-request': 'Someone cancelled it.',
  'job-removed': 'Its job was removed before it was due.',
  'job-paused': 'Its job was paused before its slot came.',
  'tasks-failed': 'At least one task of the run failed.',
  'tasks-cancelled': 'At least one task of the run was cancelled.',
  compensating: 'The run can only fail: what its nodes have done is being undone.',
  'compensation-failed': 'What the nodes of the run had done could not be undone completely.',
  'skipped-by-request': 'Someone skipped this node of a workflow.',
  'succeeded-by-request': 'Someone said that this node of a workflow counts as one that has succeeded.',
  'nothing-to-do': 'No node of the workflow was needed.',
  approval: 'A node of a workflow waits until someone approves or rejects it; of a run: nothing else of it is under way.',
  rejected: 'Someone rejected this node of a workflow.',
  'wait-timeout': 'What this node of a workflow waited for did not come within its time limit.',
  'child-failed': 'The child run that it waited for did not succeed.',
  'parent-ended': 'The run that was to wait for it had ended, or was being cancelled.',
  'not-startable': 'An expression of this node of a workflow has no result, or its payload or context is too large.',
  'not-needed': 'The run took another way: nothing that it would follow has led to it.',
  misfire: 'The slot was missed, and the job skips missed slots.',
  calendar: 'The calendars of its job exclude the day of the slot.',
  'failure-backoff': 'The last runs of its job failed, so its slots are fired less often.',
  gate: 'Other runs of its job, or of its key, are open, as many have started as may within the period, or further triggers are waited for: it waits for its turn.',
  overlap: 'It came while an earlier run was open, and as many waited as may.',
  replaced: 'A later run took its place.',
  debounced: 'Another trigger of the same job, or key, came within the period: one run starts for all of them.',
  throttled: 'A run of the same job, or key, had started within the period, or started at its end for all triggers of it.',
  batched: 'Its payload is part of a run that started for several triggers.',
  recovered: 'Failed tasks of the run that was open run again in its stead.',
  'no-instance': 'No live instance offers the handler, or none of those that do may have the task.',
  'no-compatible-instance': 'No live instance has the program that its steps began with, or says that it goes on with it.',
  'payload-refused': 'Its instance refused its payload, and another one that is deployed has another input schema.',
  paused: 'Its run is paused.',
  retry: 'An attempt failed; the next one waits.',
  delay: 'It was asked for at a later time.',
  sleep: 'Its steps go on later: it sleeps, a step is tried again, or its instance is stopping.',
  signal: 'Its steps wait for a signal or for a child run, or a node of a workflow waits for a signal.',
  'chain-too-long': 'Too many jobs had fired one another in a row.',
  'program-changed': 'Steps that are done are not those of the program: it was changed. It waits for one that fits.',
  'retry-failed': 'Its failed tasks are to run again.',
  'internal-error': 'Its change could not be stored; the message has the cause.',
  'max-parallel': 'As many tasks of its run as are allowed at once are under way.',
} as const
export type Reason = keyof typeof REASONS
