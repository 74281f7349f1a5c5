import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ENDED_STATES,
  isEnded,
  nextState,
  OPEN_STATES,
  RUN_EVENTS,
  RUN_STATES,
  type RunEvent,
  type RunState,
  statesBefore,
} from './lifecycle.ts'

/** One letter a state; a row of the table has one for each state before, and `.` where the event does not apply. */
const LETTERS: Record<string, RunState> = {
  w: 'waiting',
  d: 'delayed',
  q: 'queued',
  r: 'running',
  p: 'paused',
  c: 'cancelling',
  S: 'succeeded',
  F: 'failed',
  T: 'timed_out',
  C: 'cancelled',
  K: 'skipped',
  E: 'expired',
  N: 'not_needed',
}
const TABLE: Record<RunEvent, string> = {
  freed: 'q...q........',
  unneeded: 'N............',
  resolved: 'SS.S.........',
  rejected: 'FF.F.........',
  passed: 'KK.....KKK.K.',
  overruled: '.......SSS.S.',
  reopened: '......wwwwwww',
  due: '.q...........',
  arrived: 'ww...........',
  discarded: 'K............',
  started: '..rrr........',
  succeeded: '..SSSS.......',
  failed: '..FFFF.......',
  timed_out: '..TTTC.......',
  overrun: 'TTTc.T.......',
  expired: 'EEE..........',
  retried: '..ddd........',
  lost: '..qq.C.......',
  released: '..qqp........',
  returned: '..qq.C.......',
  slept: '..dddC.......',
  cancel: 'CCCcC........',
  cancelled: '..CCCC.......',
  restarted: '......qqqqqq.',
  paused: '.ppp.........',
  resumed: '....r........',
  postponed: '....d........',
  faulted: 'FFFFFC.......',
}

test('every pair of state and event', () => {
  assert.equal(Object.keys(TABLE).length, RUN_EVENTS.length)
  assert.deepEqual(Object.values(LETTERS), [...RUN_STATES])
  for (const event of RUN_EVENTS)
    for (const [i, state] of RUN_STATES.entries())
      assert.equal(nextState(state, event), LETTERS[TABLE[event][i] as string], `${state} × ${event}`)
})

const BY_HAND: readonly RunEvent[] = ['restarted', 'reopened', 'passed', 'overruled']

test('an ended run or task is left by what someone says alone, and every state is open or ended', () => {
  for (const state of ENDED_STATES)
    for (const event of RUN_EVENTS) if (!BY_HAND.includes(event)) assert.equal(nextState(state, event), undefined)
  assert.deepEqual([...OPEN_STATES, ...ENDED_STATES].sort(), [...RUN_STATES].sort())
  for (const state of RUN_STATES) assert.equal(isEnded(state), (ENDED_STATES as readonly string[]).includes(state))
})

test('every open state has a way to an end', () => {
  for (const state of OPEN_STATES) {
    const reached = new Set<RunState>([state])
    for (let size = 0; size !== reached.size; ) {
      size = reached.size
      for (const from of [...reached])
        for (const event of RUN_EVENTS) {
          const to = nextState(from, event)
          if (to) reached.add(to)
        }
    }
    assert.ok([...reached].some(isEnded), state)
  }
})

test('the states before an event are those that it leads from to the state after it', () => {
  assert.deepEqual(statesBefore('timed_out', 'timed_out'), ['queued', 'running', 'paused'])
  assert.deepEqual(statesBefore('timed_out', 'cancelled'), ['cancelling'])
  assert.deepEqual(statesBefore('timed_out', 'queued'), [])
  for (const event of RUN_EVENTS)
    for (const after of RUN_STATES)
      assert.deepEqual(new Set(statesBefore(event, after)), new Set(RUN_STATES.filter((state) => nextState(state, event) === after)))
})
