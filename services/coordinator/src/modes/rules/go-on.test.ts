import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plan } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import type { Counts, Effect } from '../mode.ts'
import { planShards } from '../shards/plan.ts'
import { goOn } from './go-on.ts'

const WAITING = { states: ['waiting'] }
const NOW = Date.UTC(2026, 5, 1)
const shardsRun = (fields: Parameters<typeof aRun>[1] = {}, plan: Plan = {}) =>
  aRun(1, { mode: 'shards', state: 'running', queuedAt: null, plan: { shards: 10, ...plan }, ...fields })
const facts = (run: ReturnType<typeof aRun>, counts: Counts) => ({ run, counts, now: NOW })
const set = (effects: readonly Effect[]) => (effects[0]?.do === 'decide' ? effects[0].decision.set : undefined)

test('a run ends when all its tasks have: any failed, else any cancelled, else succeeded', () => {
  const cases: [Counts, string | undefined, string | undefined][] = [
    [{}, undefined, undefined],
    [{ succeeded: 2, running: 1 }, undefined, undefined],
    [{ failed: 2, queued: 1 }, undefined, undefined],
    [{ delayed: 1 }, undefined, undefined],
    [{ succeeded: 9, waiting: 1 }, undefined, undefined],
    [{ succeeded: 3 }, 'succeeded', 'completed'],
    [{ succeeded: 1, not_needed: 2 }, 'succeeded', 'completed'],
    [{ succeeded: 1, not_needed: 2, running: 1 }, undefined, undefined],
    [{ failed: 1, not_needed: 2 }, 'failed', 'tasks-failed'],
    [{ succeeded: 3, cancelled: 1 }, 'cancelled', 'tasks-cancelled'],
    [{ succeeded: 3, cancelled: 1, failed: 1 }, 'failed', 'tasks-failed'],
    [{ timed_out: 1 }, 'failed', 'tasks-failed'],
    [{ succeeded: 1, failed: 0, running: 0 }, 'succeeded', 'completed'],
  ]
  for (const [counts, state, reason] of cases) {
    const ended = set(goOn(facts(shardsRun(), counts)))
    assert.deepEqual([ended?.state, ended?.reason], [state, reason], JSON.stringify(counts))
  }
  assert.equal(set(goOn(facts(shardsRun({ state: 'cancelling' }), { cancelled: 1 })))?.reason, 'cancelled-by-request')
  assert.equal(set(goOn(facts(shardsRun(), { failed: 1, timed_out: 1, succeeded: 2 })))?.error?.message, '2 of 4 tasks failed')
})

test('failed tasks that are tolerated do not fail the run, and are still reported', () => {
  for (const [tolerate, failed, state] of [
    [1, 1, 'succeeded'],
    [1, 2, 'failed'],
    ['20%', 2, 'succeeded'],
    ['20%', 3, 'failed'],
    ['19.9%', 2, 'failed'],
    ['100%', 10, 'succeeded'],
    [0, 1, 'failed'],
  ] as const) {
    const ended = set(goOn(facts(shardsRun({}, { tolerate }), { failed, succeeded: 10 - failed })))
    assert.deepEqual([ended?.state, ended?.error?.message], [state, `${failed} of 10 tasks failed`])
  }
})

test('waiting tasks are freed while there is room', () => {
  const run = shardsRun({}, { maxParallel: 3 })
  const free = (counts: Counts) => goOn(facts(run, counts))
  assert.deepEqual(free({ waiting: 10 }), [{ do: 'free', tasks: WAITING, limit: 3, room: 3 }])
  assert.deepEqual(free({ waiting: 5, running: 2, succeeded: 3 }), [{ do: 'free', tasks: WAITING, limit: 3, room: 1 }])
  assert.deepEqual(free({ waiting: 5, running: 2, delayed: 1, succeeded: 2 }), [])
  assert.deepEqual(free({ running: 3, succeeded: 7 }), [])
  assert.deepEqual(goOn(facts(shardsRun(), { waiting: 10 })), [{ do: 'free', tasks: WAITING }])
})

test('a cancelled run frees nothing more', () => {
  assert.deepEqual(goOn(facts(shardsRun({ state: 'cancelling' }), { waiting: 4, running: 1 })), [
    { do: 'cancel', tasks: { states: ['waiting', 'delayed', 'queued', 'running', 'paused'] } },
  ])
})

test('shards are made before their run begins, again after a crash, and opened again after a retry', () => {
  const queued = shardsRun({ state: 'queued', queuedAt: NOW }, { shards: 3 })
  const items = ['a', { b: 2 }, null]
  for (const counts of [{}, { waiting: 2 }]) {
    const [create, decide] = planShards({ ...facts(queued, counts), items })
    assert.deepEqual(create?.do === 'create' && [...create.tasks].map(({ id, item, total }) => [id, item, total]), [
      [`${queued.id}-00000`, '"a"', 3],
      [`${queued.id}-00001`, '{"b":2}', 3],
      [`${queued.id}-00002`, 'null', 3],
    ])
    assert.equal(decide?.do === 'decide' && decide.decision.set.state, 'running')
  }
  const again = planShards(facts({ ...queued, attempt: 2 }, { failed: 1, succeeded: 2 }))
  assert.deepEqual(again[0], { do: 'reopen', tasks: { states: ['succeeded', 'failed', 'timed_out', 'cancelled'] } })
  const failed = planShards(facts({ ...queued, attempt: 2, reason: 'retry-failed' }, { failed: 1, succeeded: 2 }))
  assert.deepEqual(failed[0], { do: 'reopen', tasks: { states: ['failed', 'timed_out', 'cancelled'] } })
})
