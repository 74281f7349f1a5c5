import type { Case } from '../case.ts'

const ECHO = 'conformance-echo'
const SLOW = 'conformance-slow'

export const WORK: readonly Case[] = [
  {
    case: 'work/echo',
    about: 'It runs work, reports the end under task and attempt, and then acknowledges',
    needs: ECHO,
    steps: [
      { send: 'work', body: { payload: { text: 'grüße, 世界', list: [1, null, true, { deep: 1.5 }], most: 9_007_199_254_740_991 } } },
      {
        expect: 'report',
        body: {
          ...{ type: 'finished', runId: '$run', taskId: '$task', attempt: 1, outcome: 'succeeded' },
          result: { text: 'grüße, 世界', list: [1, null, true, { deep: 1.5 }], most: 9_007_199_254_740_991 },
        },
      },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'work/unknown-fields',
    about: 'Fields that it does not know are ignored',
    needs: ECHO,
    steps: [
      { send: 'work', body: { payload: 1, fromTheFuture: { a: [1] }, job: 'nightly', slot: '2030-01-31T09:00:00.000Z' } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded', result: 1 } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'work/later-attempt',
    about: 'It reports under the attempt of the message',
    needs: ECHO,
    steps: [
      { send: 'work', body: { attempt: 4 } },
      { expect: 'report', body: { type: 'finished', attempt: 4, outcome: 'succeeded' } },
    ],
  },
  {
    case: 'work/malformed',
    about: 'A message that cannot be read is removed with +TERM, and nothing is reported',
    needs: ECHO,
    steps: [{ send: 'work', text: '{nonsense' }, { expect: 'ack', body: '+TERM' }, { never: 'report' }],
  },
  {
    case: 'work/redelivered-is-claimed',
    about: 'Redelivered work is claimed, and run as the attempt of the answer',
    needs: ECHO,
    when: 'early',
    steps: [
      { answer: 'tasks.claim', body: { run: true, attempt: 2 } },
      { send: 'work', body: { payload: 'again' }, deliveredBefore: true },
      { expect: 'tasks.claim', body: { taskId: '$task', attempt: 1, instance: '$instance' } },
      { expect: 'report', body: { type: 'finished', attempt: 2, outcome: 'succeeded', result: 'again' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'work/redelivered-is-not-wanted',
    about: 'A claim that is answered with no: the message is acknowledged, nothing is run',
    needs: ECHO,
    when: 'early',
    steps: [
      { answer: 'tasks.claim', body: { run: false, reason: 'the task has ended' } },
      { send: 'work', deliveredBefore: true },
      { expect: 'tasks.claim' },
      { expect: 'ack', body: '+ACK' },
      { never: 'report' },
    ],
  },
  {
    case: 'work/claim-is-repeated',
    about: 'A claim that is answered with an error is repeated; until then the task is neither run nor acknowledged',
    needs: ECHO,
    when: 'early',
    steps: [
      {
        answer: 'tasks.claim',
        body: { error: { code: 'INSTANCE_UNKNOWN', message: 'no live instance has this id', retry: true } },
      },
      { send: 'work', deliveredBefore: true },
      { expect: 'tasks.claim' },
      { never: 'report' },
      { expect: 'tasks.claim' },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'work/redelivered-while-it-runs',
    about: 'Work that it holds and that is redelivered: it sends +WPI for the new delivery and runs it once',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 1_500 } } },
      { expect: 'start' },
      { send: 'redelivery' },
      { expect: 'ack', body: '+WPI' },
      { expect: 'report', body: { type: 'finished', attempt: 1, outcome: 'succeeded' } },
      { expect: 'ack', body: '+ACK' },
      { never: 'report', body: { type: 'finished' }, times: 1 },
      { never: 'tasks.claim', body: { redelivered: true } },
    ],
  },
  {
    case: 'work/an-older-attempt-is-still-held',
    about: 'A further attempt of a task whose older one still runs here is run as well, each under its own number',
    needs: SLOW,
    steps: [
      { send: 'work', body: { payload: { ms: 2_000 } } },
      { expect: 'start', body: { attempt: 1 } },
      { send: 'work', body: { attempt: 2, payload: { ms: 1 } }, replaces: true },
      { expect: 'report', body: { type: 'finished', attempt: 2, outcome: 'succeeded' } },
    ],
  },
  {
    case: 'work/published-again-after-its-end',
    about: 'Work that has ended here and is published again is claimed, with "redelivered": false',
    needs: ECHO,
    steps: [
      { send: 'work' },
      { expect: 'report', body: { type: 'finished' } },
      { expect: 'ack', body: '+ACK' },
      { answer: 'tasks.claim', body: { run: false, reason: 'the task has ended' } },
      { send: 'work' },
      { expect: 'tasks.claim', body: { taskId: '$task', attempt: 1, redelivered: false } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'work/claim-up-to',
    about: 'After a restart of the broker, messages up to "claimUpTo" are claimed, with "redelivered": false',
    needs: ECHO,
    when: 'alone',
    steps: [
      { send: 'claim-up-to', further: 1 },
      { send: 'control', body: { type: 'register' } },
      { expect: 'instances.register' },
      // What it answers now shows that it has read the answer to its registration.
      { send: 'offer', body: { taskId: '$run-00002', index: 2, total: 3 } },
      { expect: 'offer-answer' },
      { answer: 'tasks.claim', body: { run: false, reason: 'the task has ended' } },
      { send: 'work' },
      { expect: 'tasks.claim', body: { redelivered: false } },
      { expect: 'ack', body: '+ACK' },
      { send: 'work', body: { taskId: '$run-00001', index: 1, total: 3 } },
      { expect: 'report', body: { type: 'finished', taskId: '$run-00001', outcome: 'succeeded' } },
    ],
  },
]
