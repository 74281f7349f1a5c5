import type { Case } from '../case.ts'

const MAP_HANDLER = 'conformance-map'
const PAYLOAD = { items: [1, 2, 3] }

export const MAP: readonly Case[] = [
  {
    case: 'map/root',
    about: 'The root asks for a task for each item, and ends when it has the answer',
    needs: MAP_HANDLER,
    steps: [
      { send: 'work', body: { taskId: '$run-a', task: 'root', index: 0, total: 1, payload: PAYLOAD } },
      { expect: 'tasks.map', body: { taskId: '$run-a', attempt: 1, instance: '$instance', call: 0, name: 'item', items: [1, 2, 3] } },
      { expect: 'report', body: { type: 'finished', taskId: '$run-a', outcome: 'succeeded' } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'map/repeated-call',
    about: 'A call to map that is refused with "retry": true is repeated, with the same number',
    needs: MAP_HANDLER,
    steps: [
      { answer: 'tasks.map', body: { error: { code: 'QUEUE_FULL', message: 'more wait than is good', retry: true } } },
      { send: 'work', body: { taskId: '$run-a', task: 'root', index: 0, total: 1, payload: PAYLOAD } },
      { expect: 'tasks.map', body: { call: 0 } },
      { expect: 'tasks.map', body: { call: 0, name: 'item', items: [1, 2, 3] } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' } },
    ],
  },
  {
    case: 'map/item',
    about: 'A task of an item runs the function of its name',
    needs: MAP_HANDLER,
    steps: [
      { send: 'work', body: { taskId: '$run-a-000001', task: 'item', item: 2, index: 1, total: 3, payload: PAYLOAD } },
      { expect: 'report', body: { type: 'finished', taskId: '$run-a-000001', outcome: 'succeeded', result: 4 } },
      { expect: 'ack', body: '+ACK' },
    ],
  },
  {
    case: 'map/reduce',
    about: 'A reduce task reads the results page by page',
    needs: MAP_HANDLER,
    steps: [
      { answer: 'tasks.results', body: { items: [{ taskId: '$run-a-000000', result: 2 }], next: 'more' } },
      { answer: 'tasks.results', body: { items: [{ taskId: '$run-a-000001', result: 4 }] } },
      { send: 'work', body: { taskId: '$run-b00000', task: 'reduce', index: 0, total: 1, payload: PAYLOAD } },
      { expect: 'tasks.results', body: { taskId: '$run-b00000' } },
      { expect: 'tasks.results', body: { taskId: '$run-b00000', cursor: 'more' } },
      { expect: 'report', body: { type: 'finished', taskId: '$run-b00000', outcome: 'succeeded', result: 6 } },
    ],
  },
  {
    case: 'map/unknown-task',
    about: 'A task for which there is no function fails without a retry',
    needs: MAP_HANDLER,
    steps: [
      { send: 'work', body: { taskId: '$run-a-000000', task: 'nobody-has-this', item: 1, index: 0, total: 1 } },
      {
        expect: 'report',
        body: [
          { type: 'finished', outcome: 'failed', reason: 'non-retryable' },
          { type: 'finished', outcome: 'failed', error: { retryable: false } },
        ],
      },
    ],
  },
  {
    case: 'map/nobody-knew-that-it-maps',
    about: 'Work without "task" of a handler that maps is claimed with its kind',
    needs: MAP_HANDLER,
    steps: [
      { answer: 'tasks.claim', body: { run: false, reason: 'the run has tasks' } },
      { send: 'work', body: { payload: PAYLOAD } },
      { expect: 'tasks.claim', body: { taskId: '$task', redelivered: false, kind: 'map-reduce' } },
      { expect: 'ack', body: '+ACK' },
      { never: 'report' },
    ],
  },
]
