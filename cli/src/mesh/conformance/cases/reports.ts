import type { Case } from '../case.ts'

const SLOW = 'conformance-slow'

export const REPORTS: readonly Case[] = [
  {
    case: 'reports/started',
    about: 'The mesh knows who runs a task of more than 200 ms: it is reported as started, or was claimed',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 900 } } },
      { expect: 'start', body: { taskId: '$task', attempt: 1 } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded', result: 'slept' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'reports/progress',
    about: 'Progress is reported before the end',
    needs: 'conformance-progress',
    steps: [
      { send: 'work' },
      { expect: 'report', body: { type: 'progress', runId: '$run', taskId: '$task', attempt: 1, percent: 50, note: 'half' } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' } },
    ],
  },
  {
    case: 'reports/still-working',
    about: 'While it holds a message it sends +WPI every 3 s',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 4_500 } } },
      { expect: 'ack', body: '+WPI' },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'reports/failure',
    about: 'A handler that fails is reported with the name and the message of its error',
    needs: 'conformance-fail',
    steps: [
      { send: 'work', body: { payload: { message: 'mailbox unavailable' } } },
      { expect: 'report', body: { type: 'finished', attempt: 1, outcome: 'failed', error: { message: 'mailbox unavailable' } } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'reports/retry-after',
    about: 'A handler may set how long to wait before the next attempt',
    needs: 'conformance-fail',
    steps: [
      { send: 'work', body: { payload: { message: 'busy', retryAfterMs: 30_000 } } },
      { expect: 'report', body: { type: 'finished', outcome: 'failed', error: { message: 'busy', retryAfterMs: 30_000 } } },
    ],
  },
  {
    case: 'reports/non-retryable',
    about: 'A handler may exclude further attempts',
    needs: 'conformance-fail',
    steps: [
      { send: 'work', body: { payload: { message: 'no such mailbox', retryable: false } } },
      {
        expect: 'report',
        body: [
          { type: 'finished', outcome: 'failed', error: { message: 'no such mailbox', retryable: false } },
          { type: 'finished', outcome: 'failed', reason: 'non-retryable', error: { message: 'no such mailbox' } },
        ],
      },
    ],
  },
  {
    case: 'reports/time-limit',
    about: 'An attempt that takes longer than its limit is stopped and reported as timed_out',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 60_000 }, timeoutMs: 500 } },
      { expect: 'report', body: { type: 'finished', outcome: 'timed_out' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
]
