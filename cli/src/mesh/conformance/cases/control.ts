import type { Case } from '../case.ts'

const SLOW = 'conformance-slow'
/** A control message that arrives during a claim may be older than the answer, and is another case. */
const ONCE_IT_RUNS = { never: 'ack', body: '+ACK', forMs: 500 } as const

export const CONTROL: readonly Case[] = [
  {
    case: 'control/cancel',
    about: 'A task that runs and is cancelled is stopped, reported as cancelled and acknowledged',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 60_000 } } },
      { expect: 'start' },
      ONCE_IT_RUNS,
      { send: 'control', body: { type: 'cancel', taskId: '$task' } },
      { expect: 'report', body: { type: 'finished', attempt: 1, outcome: 'cancelled' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'control/cancel-a-run',
    about: 'An order that names a run cancels each of its tasks',
    needs: SLOW,
    steps: [
      { send: 'work', body: { taskId: '$run-00000', index: 0, total: 1, payload: { ms: 60_000 } } },
      { expect: 'start' },
      ONCE_IT_RUNS,
      { send: 'control', body: { type: 'cancel', taskId: '$run' } },
      { expect: 'report', body: { type: 'finished', taskId: '$run-00000', outcome: 'cancelled' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'control/cancel-before-it-comes',
    about: 'Work of which a cancel came before is claimed, with "redelivered": false',
    needs: SLOW,
    steps: [
      { send: 'control', body: { type: 'cancel', taskId: '$task' } },
      { answer: 'tasks.claim', body: { run: false, reason: 'the run is cancelled' } },
      { send: 'work', body: { payload: { ms: 60_000 } } },
      { expect: 'tasks.claim', body: { taskId: '$task', redelivered: false } },
      { expect: 'ack', body: '+ACK' },
      { never: 'report' },
    ],
  },
  {
    case: 'control/unknown-order',
    about: 'An order that it does not know is ignored',
    needs: SLOW,
    steps: [
      { send: 'control', body: { type: 'from-the-future' } },
      { send: 'work', body: { payload: { ms: 1 } } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' } },
    ],
  },
  {
    case: 'control/check',
    about: 'Asked for a task that it does not hold, it releases it 10 s later',
    needs: SLOW,
    steps: [
      { send: 'control', body: { type: 'check', runId: '$run', taskId: '$task', attempt: 2 } },
      { expect: 'report', body: { type: 'released', runId: '$run', taskId: '$task', attempt: 2 }, withinMs: 20_000 },
    ],
  },
  {
    case: 'control/check-of-what-runs',
    about: 'Asked for a task that it holds, it does nothing',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 11_500 } } },
      { expect: 'start' },
      { send: 'control', body: { type: 'check', runId: '$run', taskId: '$task', attempt: 1 } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' }, withinMs: 25_000 },
      { never: 'report', body: { type: 'released' } },
    ],
  },
]
