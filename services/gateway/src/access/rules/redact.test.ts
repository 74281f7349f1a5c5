import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redact, refuseSearch } from './redact.ts'

const SECRET = 'the secret'

test('what handlers are given, answer and throw is left out, and said to be', () => {
  const run = {
    runId: 'r-1',
    state: 'failed',
    payload: { a: SECRET },
    result: SECRET,
    error: { name: 'Error', message: SECRET, stack: SECRET },
  }
  assert.deepEqual(redact('runsGet', run), { runId: 'r-1', state: 'failed', hidden: true })
  assert.deepEqual(redact('runsList', { items: [run], next: 'x' }), {
    items: [{ runId: 'r-1', state: 'failed', hidden: true }],
    next: 'x',
  })
  const job = { name: 'report', payload: SECRET, items: [SECRET], schedule: { cron: '@daily' } }
  assert.deepEqual(redact('jobsGet', job), { name: 'report', schedule: { cron: '@daily' }, hidden: true })
  assert.deepEqual(redact('jobsList', { items: [job] }), { items: [{ name: 'report', schedule: { cron: '@daily' }, hidden: true }] })
})

test('of several runs each has an outcome of its own: a refusal is shown, as that of a call is', () => {
  const refused = { error: { code: 'RUN_NOT_FOUND', message: 'there is no run "r-2"', retry: false } }
  const ended = { runId: 'r-1', state: 'failed', failure: { name: 'Error', message: SECRET }, result: SECRET }
  assert.deepEqual(redact('runsEnded', { runs: [ended, refused] }), { runs: [{ runId: 'r-1', state: 'failed', hidden: true }, refused] })
  assert.deepEqual(redact('runsStart', { runs: [refused] }), { runs: [refused] })
})

test('neither lines, nor reasons, nor changes say it in other words', () => {
  const line = { at: 1, level: 'info', message: SECRET, fields: { a: SECRET } }
  assert.deepEqual(redact('logsQuery', { items: [line] }), { items: [{ at: 1, level: 'info', hidden: true }] })
  assert.deepEqual(redact('runsWhy', { runId: 'r-1', state: 'failed', why: SECRET }), { runId: 'r-1', state: 'failed', hidden: true })
  const change = {
    revision: 2,
    changes: [
      { field: 'payload.a', from: SECRET, to: SECRET },
      { field: 'description', from: 'a', to: 'b' },
    ],
  }
  const shown = redact('jobsHistory', { items: [change] })
  assert.ok(!JSON.stringify(shown).includes(SECRET))
  assert.match(JSON.stringify(shown), /"description","from":"a","to":"b"/)
})

test('how far a handler is may be seen, and not what it says about that', () => {
  const run = { runId: 'r-1', progress: { percent: 10, note: SECRET }, paused: { note: 'by an operator' } }
  assert.deepEqual(redact('runsGet', run), { runId: 'r-1', progress: { percent: 10, hidden: true }, paused: { note: 'by an operator' } })
})

test('what has nothing to hide is as it was', () => {
  const instances = { items: [{ instance: 'web-1', load: { running: 1 } }] }
  assert.deepEqual(redact('instancesList', instances), instances)
  assert.equal(redact('jobsRemove', null), null)
})

test('a search by text is refused: what it finds says what is hidden', () => {
  assert.throws(() => refuseSearch({ text: 'password' }, 'default'), { code: 'FORBIDDEN' })
  assert.throws(() => refuseSearch({ filter: { text: 'password' } }, 'default'), { code: 'FORBIDDEN' })
  assert.doesNotThrow(() => refuseSearch({ state: 'failed' }, 'default'))
})
