import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { childTaskId, LIMITS, stageTaskId } from '@carillon/contracts'
import { aJob, aRun, aTask, START_AT } from '@carillon/store/testing'
import { taskOfRun } from './new-run.ts'
import { endedEventText, jobView, liveTasksText, liveText, runView, taskView, workText } from './views.ts'

const fixture = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../../../../contracts/fixtures/v1/${name}.json`), 'utf8'))
const runId = '01kb9f4c2s0000q1w2e3r4t5y6'
const invoice = aRun(1, {
  id: runId,
  job: 'invoices',
  handler: 'send-invoice',
  timeoutMs: 30_000,
  slot: Date.parse('2026-11-21T09:00:00Z'),
})

test('what we write is what the fixtures of the wire say', () => {
  const work = { ...invoice, payload: '{"to":"a@b.c","lines":[1,2]}', attempt: 2 }
  assert.deepEqual(JSON.parse(workText(work, work)), fixture('work'))
  const leg = { ...aRun(1, { id: runId, handler: 'warm-cache', payload: 'null' }) }
  assert.deepEqual(JSON.parse(workText(leg, aTask(runId, 1, { total: 3 }))), fixture('work-of-many'))
  assert.deepEqual(JSON.parse(workText(work, { ...work, losses: 2 })), { ...fixture('work'), alone: true })
  const urgent = { ...work, attempt: 1, terms: { deadlineAt: START_AT } }
  assert.equal(JSON.parse(workText(urgent, urgent)).claim, true)
  for (const begun of [
    { ...urgent, firstStartedAt: START_AT },
    { ...urgent, attempt: 2 },
  ])
    assert.equal(JSON.parse(workText(begun, begun)).claim, undefined)
  const run = aRun(1, { id: runId, handler: 'word-count', payload: '{"folder":"/books"}' })
  const place = { id: childTaskId(stageTaskId(runId, 'map'), 0, 1), name: 'page', index: 1, total: 2, item: '{"file":"a.txt"}' }
  assert.deepEqual(JSON.parse(workText(run, taskOfRun(run, place))), fixture('work-of-map'))
  const at = Date.parse('2026-11-21T09:00:01.480Z')
  const ended = {
    ...invoice,
    state: 'failed',
    reason: 'handler-error',
    attempt: 3,
    endedAt: at,
    error: { name: 'Error', message: 'no' },
  } as const
  const times = { createdAt: Date.parse('2026-11-21T09:00:00.020Z'), startedAt: Date.parse('2026-11-21T09:00:01.200Z') }
  const { createdAt, startedAt } = JSON.parse(endedEventText({ ...ended, ...times }))
  const { createdAt: created, startedAt: started } = fixture('event-run-times')
  assert.deepEqual([createdAt, startedAt], [created, started])
  const moved = { state: 'running', owner: 'billing-1' } as const
  const live = { ...invoice, ...moved, ...times, trigger: 'schedule' } as const
  assert.deepEqual(JSON.parse(liveText(live)), fixture('live-run-started'))
  const { progress } = JSON.parse(liveText(live, { percent: 40, note: '2 of 5' }))
  assert.deepEqual(progress, fixture('live-run-progress').progress)
  const tasks = Array.from({ length: 23 }, (_, i) =>
    i === 0
      ? { task: aTask(runId, 1, { progress: { percent: 40 } }), decision: { set: { ...moved, startedAt: times.startedAt } } }
      : { task: aTask(runId, i + 1, { ...moved, startedAt: times.startedAt }) },
  )
  const shown = JSON.parse(liveTasksText(runId, tasks))
  assert.deepEqual([shown.tasks.length, { ...shown, tasks: shown.tasks.slice(0, 1) }], [20, fixture('live-task')])
  const measured = { createdAt: at - 1_477, startedAt: at - 1_000, firstStartedAt: at - 1_465, attempts: 3, tries: 3 }
  assert.deepEqual(JSON.parse(endedEventText({ ...ended, ...measured })), fixture('event-run-measures'))
  // Of one that was retried by hand it is not known since when it waited, and of one that has not begun how long it ran.
  const { waitedMs, ranMs, retries } = JSON.parse(endedEventText({ ...ended, ...measured, attempt: 4, attempts: 6 }))
  assert.deepEqual([waitedMs, ranMs, retries], [undefined, 1_465, undefined])
  const skipped = JSON.parse(endedEventText({ ...ended, state: 'skipped', attempt: 1, terms: { dueAt: at } }))
  assert.deepEqual([skipped.waitedMs, skipped.ranMs, skipped.retries], [undefined, undefined, undefined])
  const later = { ...ended, ...measured, slot: null, terms: { dueAt: at - 1_470 } }
  assert.deepEqual([JSON.parse(endedEventText(later)).waitedMs, JSON.parse(endedEventText(later)).lateMs], [5, undefined])
})

test('texts of users cannot break out of what is written by hand', () => {
  const message = 'a "quoted"\r\n\\ text \u2028'
  const ended = { ...invoice, state: 'failed', reason: 'handler-error', endedAt: START_AT, error: { name: '"', message } } as const
  assert.equal(JSON.parse(endedEventText(ended)).failure.message, message)
  assert.equal(JSON.parse(liveText(invoice, { percent: 1, note: message })).progress.note, message)
  const payload = JSON.stringify({ '"': message })
  assert.deepEqual(JSON.parse(workText({ ...invoice, payload }, invoice)).payload, { '"': message })
})

test('a large result is left out of the event, and says so', () => {
  const ended = { ...invoice, state: 'succeeded', reason: 'completed', endedAt: START_AT } as const
  assert.deepEqual(JSON.parse(endedEventText({ ...ended, result: '{"a":1}' })).result, { a: 1 })
  const large = JSON.parse(endedEventText({ ...ended, result: JSON.stringify('x'.repeat(LIMITS.eventResultBytes)) }))
  assert.deepEqual([large.result, large.resultOmitted], [undefined, true])
})

test('views show what is there, and nothing else', () => {
  const view = runView(aRun(1))
  assert.deepEqual(
    Object.keys(view).sort(),
    ['attempt', 'attempts', 'createdAt', 'handler', 'mode', 'payload', 'runId', 'state', 'trigger'].sort(),
  )
  assert.equal(runView(aRun(1, { payload: 'null' })).payload, undefined)
  const delayed = runView(aRun(1, { state: 'delayed', reason: 'delay', wakeAt: START_AT }))
  assert.deepEqual([delayed.dueAt, delayed.reason], ['2026-01-01T00:00:00.000Z', 'delay'])
  assert.equal(runView(aRun(1, { state: 'running', wakeAt: START_AT })).dueAt, undefined)
  const failed = runView(aRun(1, { state: 'failed', reason: 'handler-error', error: { name: 'E', message: 'no' } }))
  assert.deepEqual([failed.message, failed.failure], ['no', { name: 'E', message: 'no' }])
})

test('a leg is shown with the instance that it is on, or offered to', () => {
  assert.equal(taskView(aTask('run-1', 3)).instance, 'i-3')
  assert.equal(taskView(aTask('run-1', 3, { owner: 'i-9' })).instance, 'i-9')
})

test('a job is shown with its next slot, if it has one', () => {
  assert.equal(jobView(aJob('a')).nextAt, '2026-01-01T00:00:00.000Z')
  assert.equal('nextAt' in jobView(aJob('a', { nextSlotAt: null, state: 'paused' })), false)
})

test('the trace of a run is the id in its traceparent, where that is one', () => {
  const id = '0af7651916cd43dd8448eb211c80319c'
  const traceIdOf = (traceparent: string | null) => runView(aRun(1, { traceparent })).traceId
  assert.equal(traceIdOf(`00-${id}-b7ad6b7169203331-01`), id)
  assert.equal(traceIdOf(`cc-${id}-b7ad6b7169203331-00-more`), id)
  for (const wrong of [null, '', 'x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-${id}`, `<img>-${id}-b7ad6b7169203331-01`])
    assert.equal(traceIdOf(wrong), undefined)
})
