import type { Case } from '../case.ts'

export const DRAIN: readonly Case[] = [
  {
    case: 'drain/finishes-and-leaves',
    about: 'On the control message "drain" it accepts nothing more, ends what runs, leaves, and its process ends with 0',
    needs: 'conformance-slow',
    when: 'alone',
    steps: [
      // When this one has ended there is room again: what comes next begins at once.
      { send: 'work', body: { taskId: '$run-00000', index: 0, total: 10, payload: { ms: 1 } } },
      { expect: 'report', body: { type: 'finished', taskId: '$run-00000' } },
      { send: 'work', body: { payload: { ms: 2_500 } } },
      { expect: 'start', body: { taskId: '$task' } },
      { never: 'exit', forMs: 500 },
      { send: 'control', body: { type: 'drain' } },
      // Control messages and offers have different subjects: their order is not defined.
      { never: 'exit', forMs: 300 },
      { send: 'offer', body: { taskId: '$run-00009', index: 9, total: 10, payload: { ms: 1 } } },
      { expect: 'offer-answer', body: { accepted: false, reason: 'draining' } },
      { expect: 'report', body: { type: 'finished', taskId: '$task', outcome: 'succeeded' } },
      { expect: 'ack', body: '+ACK' },
      { expect: 'instances.leave', body: { instance: '$instance' } },
      { expect: 'exit', body: { code: 0 } },
    ],
  },
]
