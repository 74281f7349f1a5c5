import type { Case } from '../case.ts'

const OF_TASK = { runId: '$run', taskId: '$task', attempt: 1, instance: '$instance' }

export const LOGS: readonly Case[] = [
  {
    case: 'logs/lines',
    about: 'Log lines are published with their number, level, message and fields',
    needs: 'conformance-progress',
    steps: [
      { send: 'work' },
      { expect: 'log', body: { ...OF_TASK, seq: 1, level: 'info', message: 'begins', fields: { step: 1 } } },
      { expect: 'log', body: { ...OF_TASK, seq: 2, level: 'warn', message: 'ends' } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' }, anywhere: true },
    ],
  },
  {
    case: 'logs/numbers-of-an-attempt',
    about: 'Each attempt counts its lines from 1',
    needs: 'conformance-progress',
    steps: [
      { send: 'work', body: { attempt: 3 } },
      { expect: 'log', body: { ...OF_TASK, attempt: 3, seq: 1, message: 'begins' } },
    ],
  },
  {
    case: 'logs/counted',
    about: 'An executor that reports how many lines an attempt has logged counts all of them',
    needs: 'conformance-progress',
    steps: [
      { send: 'work' },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' } },
      { never: 'report', body: { type: 'finished', logLines: 0 } },
      { never: 'report', body: { type: 'finished', logLines: 1 } },
    ],
  },
]
