import type { Case } from '../case.ts'

const NEEDED = { needs: 'conformance-steps', optional: true } as const
const ONE = { index: 0, name: 'one', state: 'done', tries: 1, failures: 0, result: 40, at: '2030-01-31T09:00:00.000Z' }

export const STEPS: readonly Case[] = [
  {
    case: 'steps/stored',
    about: 'Each step is stored before the next one begins',
    ...NEEDED,
    steps: [
      { send: 'work' },
      { expect: 'tasks.journal', body: { taskId: '$task' } },
      { expect: 'tasks.step', body: { taskId: '$task', attempt: 1, index: 0, name: 'one', outcome: { type: 'done', result: 1 } } },
      { expect: 'tasks.step', body: { index: 1, name: 'two', outcome: { type: 'done', result: 2 } } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded', result: 2 } },
    ],
  },
  {
    case: 'steps/replayed',
    about: 'A step that the journal has is not done again, and its stored result counts',
    ...NEEDED,
    steps: [
      { answer: 'tasks.journal', body: { items: [ONE] } },
      { send: 'work', body: { attempt: 2 } },
      { expect: 'tasks.step', body: { attempt: 2, index: 1, name: 'two', outcome: { type: 'done', result: 41 } } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded', result: 41 } },
      { never: 'tasks.step', body: { index: 0 } },
    ],
  },
  {
    case: 'steps/program-changed',
    about: 'A journal with another name at a place ends the task as program-changed',
    ...NEEDED,
    steps: [
      { answer: 'tasks.journal', body: { items: [{ ...ONE, name: 'other' }] } },
      { send: 'work', body: { attempt: 2 } },
      { expect: 'report', body: { type: 'finished', outcome: 'failed', reason: 'program-changed' } },
    ],
  },
  {
    case: 'steps/other-program',
    about: 'Work whose steps began with a program that it has not is claimed as incompatible, and not run',
    ...NEEDED,
    steps: [
      { answer: 'tasks.claim', body: { run: false, reason: 'it goes on with another program' } },
      { send: 'work', body: { attempt: 2, program: 'conformance-steps@of-another-one' } },
      { expect: 'tasks.claim', body: { taskId: '$task', attempt: 2, incompatible: true } },
      { expect: 'ack', body: '+ACK' },
      { never: 'report' },
    ],
  },
  {
    case: 'steps/other-program-offered',
    about: 'The same, offered, is refused',
    ...NEEDED,
    steps: [
      { send: 'offer', body: { handler: 'conformance-steps', attempt: 2, program: 'conformance-steps@of-another-one' } },
      { expect: 'offer-answer', body: { accepted: false, reason: 'other-program' } },
    ],
  },
]
