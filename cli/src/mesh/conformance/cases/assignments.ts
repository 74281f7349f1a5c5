import type { Case } from '../case.ts'

/** Alone: an executor without room would decline. */
export const ASSIGNMENTS: readonly Case[] = [
  {
    case: 'assignments/taken',
    about: 'An assigned task is taken, run and reported; there is nothing to acknowledge',
    needs: 'conformance-echo',
    when: 'alone',
    steps: [
      { send: 'assignment', body: { payload: 'one' }, session: '$session' },
      { expect: 'assignment-answer', body: { declined: [] } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded', result: 'one' }, anywhere: true },
      { never: 'ack' },
    ],
  },
  {
    case: 'assignments/unknown-handler',
    about: 'A task for a handler that it does not have is declined',
    when: 'alone',
    steps: [
      { send: 'assignment', body: { handler: 'conformance-nobody-has-this' }, session: '$session' },
      { expect: 'assignment-answer', body: { declined: ['$task'] } },
    ],
  },
  {
    case: 'assignments/another-session',
    about: 'An assignment that is meant for another process of its name is not answered',
    needs: 'conformance-echo',
    when: 'alone',
    steps: [{ send: 'assignment', session: 'of-another-process' }, { never: 'assignment-answer' }, { never: 'report', forMs: 300 }],
  },
  {
    case: 'assignments/again-after-end',
    about: 'A task that is assigned again after its end is not declined, but claimed, and not run again when the claim is refused',
    needs: 'conformance-echo',
    when: 'alone',
    steps: [
      { send: 'assignment', session: '$session' },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' }, anywhere: true },
      // Until the broker has told it that the report is stored, it holds the task.
      { never: 'report', body: { type: 'finished' }, times: 1, forMs: 300 },
      { send: 'assignment', session: '$session' },
      { expect: 'assignment-answer', body: { declined: [] }, anywhere: true },
      { expect: 'tasks.claim', body: { redelivered: false }, anywhere: true },
      { never: 'report', body: { type: 'finished' }, times: 1, forMs: 300 },
    ],
  },
]
