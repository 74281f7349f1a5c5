import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS, parseBody, taskIdOf } from '@carillon/contracts'
import { settle } from '@carillon/runtime/testing'
import { aRun, aTask } from '@carillon/store/testing'
import { createTestCoordinator, reportsFrom, runOf, type TestCoordinator } from '../testing/test-coordinator.ts'
import { foldReports } from './apply-reports.ts'
import type { ReportFrom } from './rules/report-from.ts'

const of = (id: string, attempt = 1) => ({ runId: id, taskId: id, attempt })
const started = (id: string, attempt = 1) => ({ ...of(id, attempt), type: 'started' })
const ended = (id: string, attempt = 1) => ({ ...of(id, attempt), type: 'finished', outcome: 'succeeded', result: { done: id } })
const failed = (id: string, attempt = 1) => ({
  ...of(id, attempt),
  type: 'finished',
  outcome: 'failed',
  error: { name: 'E', message: 'no' },
})

async function withRun(coordinator: TestCoordinator, fields: Parameters<typeof aRun>[1] = {}) {
  const run = aRun(1, { queuedAt: coordinator.clock.now(), ...fields })
  await coordinator.runs.insert([run])
  await settle()
  return run
}

test('the end of a run is stored and published', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-1', started(id)), reportsFrom('i-1', ended(id))])
  const run = await runOf(coordinator, id)
  assert.deepEqual([run.state, run.owner, run.result], ['succeeded', 'i-1', `{"done":"${id}"}`])
  assert.deepEqual(coordinator.fake.publishedTo(`event.run.${id}.succeeded`)[0]?.['result'], { done: id })
})

test('the terminal event has how many lines the attempt has logged, if its executor has reported it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const runs = [1, 2, 2].map((attempt, i) => aRun(i, { queuedAt: coordinator.clock.now(), attempt, attempts: 2, tries: 2 }))
  const [counted, uncounted, silent] = runs.map(({ id }) => id) as [string, string, string]
  await coordinator.runs.insert(runs)
  const reports = [{ ...ended(counted), logLines: 3 }, ended(uncounted, 2), { ...failed(silent, 2), logLines: 0 }]
  await coordinator.applyReports.execute([reportsFrom('i-1', ...reports)])
  const events = [counted, uncounted, silent].flatMap((id) => coordinator.fake.publishedTo(`event.run.${id}`))
  assert.deepEqual(
    events.map(({ runId, attempt, logLines }) => [runId, attempt, logLines]),
    [
      [counted, 1, 3],
      [uncounted, 2, undefined],
      [silent, 2, 0],
    ],
  )
})

test('an end that is delivered again is neither applied nor published twice', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-1', ended(id))])
  const first = await runOf(coordinator, id)
  await coordinator.clock.advance(5_000)
  await coordinator.applyReports.execute([reportsFrom('i-1', ended(id))])
  assert.deepEqual(await runOf(coordinator, id), first)
  assert.equal(coordinator.fake.publishedTo(`event.run.${id}.succeeded`).length, 1)
  await coordinator.applyReports.execute([reportsFrom('i-2', ended(id)), reportsFrom('i-1', failed(id))])
  assert.deepEqual(await runOf(coordinator, id), first)
})

test('when the broker does not take the event, the batch fails, and the next try tells of it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator)
  coordinator.fake.refusal = ({ subject }) => (subject.includes('.event.') ? { message: 'no answer' } : undefined)
  await assert.rejects(coordinator.applyReports.execute([reportsFrom('i-1', ended(id))]), { code: 'NATS_UNAVAILABLE' })
  coordinator.fake.refusal = () => undefined
  await coordinator.applyReports.execute([reportsFrom('i-1', ended(id))])
  assert.equal(coordinator.fake.publishedTo(`event.run.${id}.succeeded`).length, 1)
})

test('so it is with the words of a process that dies, and with a sleep, when they end what is being cancelled', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const ends = [
    { type: 'died', blame: 'another', error: { name: 'Error', message: 'boom' } },
    { type: 'slept', delayMs: 1_000 },
  ]
  for (const [i, end] of ends.entries()) {
    const { id } = await withRun(coordinator, { id: `runtobecancelled${i}`, state: 'cancelling', owner: 'i-1', queuedAt: null })
    const report = reportsFrom('i-1', { ...end, runId: id, taskId: id, attempt: 1 })
    coordinator.fake.refusal = ({ subject }) => (subject.includes('.event.') ? { message: 'no answer' } : undefined)
    await assert.rejects(coordinator.applyReports.execute([report]), { code: 'NATS_UNAVAILABLE' })
    coordinator.fake.refusal = () => undefined
    await coordinator.applyReports.execute([report])
    assert.equal(coordinator.fake.publishedTo(`event.run.${id}.cancelled`).length, 1)
  }
})

test('memory that is old is read again before a report is refused', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator, { attempts: 3, tries: 3 })
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  await other.applyReports.execute([reportsFrom('i-1', started(id))])
  await other.takeOverInstance.execute('default', 'i-1', new AbortController().signal)
  assert.equal((await runOf(coordinator, id)).attempt, 2)
  await coordinator.applyReports.execute([reportsFrom('i-2', ended(id, 2))])
  assert.equal((await runOf(coordinator, id)).state, 'succeeded')
})

test('memory that is old never overwrites: a run that is being cancelled elsewhere is not retried', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator, { attempts: 3, tries: 3 })
  await coordinator.applyReports.execute([reportsFrom('i-1', started(id))])
  const other = await createTestCoordinator(context, { store: coordinator.store, clock: coordinator.clock })
  await other.changeRuns.cancel('default', id)
  await coordinator.applyReports.execute([reportsFrom('i-1', failed(id))])
  assert.deepEqual([(await runOf(coordinator, id)).state, (await runOf(coordinator, id)).attempt], ['failed', 1])
})

test('memory that is old does not know why a run is cancelled: the reason is that of the record', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-1', started(id))])
  const run = await runOf(coordinator, id)
  const set = { state: 'cancelling', reason: 'replaced' } as const
  await coordinator.store.runs.update([{ id, expect: { state: ['running'], attempt: 1 }, set }])
  assert.equal(run.state, 'running')
  await coordinator.applyReports.execute([reportsFrom('i-1', { ...ended(id), outcome: 'cancelled', result: undefined })])
  const { state, reason } = await runOf(coordinator, id)
  assert.deepEqual([state, reason], ['cancelled', 'replaced'])
})

test('garbage among good reports is rejected alone', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator)
  const garbage = [null, 5, {}, { ...ended(id), outcome: 'excellent' }, { ...ended(id), attempt: 0 }, { ...ended(id), runId: 'a.b' }]
  await coordinator.applyReports.execute([reportsFrom('i-1', ...garbage, ended(id)), reportsFrom('i-1', 'nonsense')])
  assert.equal((await runOf(coordinator, id)).state, 'succeeded')
  assert.equal(coordinator.rejected.count, garbage.length + 1)
  assert.equal(coordinator.fake.publishedTo('event.message.REPORTS.rejected').length, garbage.length + 1)
})

test('reports for runs that are unknown or of another namespace change nothing', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator, { namespace: 'shop' })
  await coordinator.applyReports.execute([reportsFrom('i-1', started(id), ended(id), ended('run0000000000999'))])
  assert.equal((await runOf(coordinator, id)).state, 'queued')
  await coordinator.applyReports.execute([{ ...reportsFrom('i-1', ended(id)), namespace: 'shop' }])
  assert.equal((await runOf(coordinator, id)).state, 'succeeded')
  assert.match(coordinator.refused.describe(), /unknown-run 2/)
  const count = coordinator.fake.publishedTo('event.run').length
  await coordinator.applyReports.execute([reportsFrom('i-1', ended(id))])
  assert.equal(coordinator.fake.publishedTo('event.run').length, count)
})

test('a failure with tries left is delayed, woken and published as the next attempt, with its payload', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake, clock } = coordinator
  const { id } = await withRun(coordinator, { attempts: 2, tries: 2, backoff: { type: 'fixed', delayMs: 1_000 } })
  await coordinator.applyReports.execute([reportsFrom('i-1', started(id), failed(id))])
  assert.deepEqual([(await runOf(coordinator, id)).state, (await runOf(coordinator, id)).wakeAt], ['delayed', clock.now() + 1_000])
  await clock.advance(1_000)
  await coordinator.wakeLives.execute([id])
  await settle()
  const [, second] = fake.publishedTo('work.hello')
  assert.deepEqual([second?.['attempt'], second?.['payload']], [2, { name: 'Ada' }])
  assert.equal(fake.purged.length, 1)
  await coordinator.applyReports.execute([reportsFrom('i-1', failed(id, 2))])
  assert.deepEqual([(await runOf(coordinator, id)).state, (await runOf(coordinator, id)).reason], ['failed', 'handler-error'])
})

test('a report that is bad costs its own task alone, and ends it', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const ids: string[] = []
  for (let i = 0; i < 7; i++) ids.push((await withRun(coordinator, { id: `run000000000010${i}` })).id)
  const [fine, deep, large, typo, unquoted, late, none] = ids as [string, string, string, string, string, string, string]
  const text = (id: string, result: string, rest = '') =>
    `{"runId":"${id}","taskId":"${id}","attempt":1,"type":"finished","outcome":"succeeded"${rest},"result":${result}}`
  const levels = (count: number) => '['.repeat(count) + ']'.repeat(count)
  const body = [
    text(fine, levels(LIMITS.jsonDepth)),
    text(deep, levels(10_000)),
    text(large, '{"ns":1700000000000000001}'),
    text(typo, '1', ',"outcome":"succeded"'),
    text(unquoted, '{"mean":NaN}'),
    '{"runId":"x"}',
    '7',
    text(late, '"ok"'),
  ].join(',')
  await coordinator.applyReports.execute([reportsFrom('i-1', ...(parseBody(Buffer.from(`[${body}]`)) as unknown[]))])
  await coordinator.applyReports.execute([{ ...reportsFrom('i-1'), body: parseBody(Buffer.from(`${text(none, '1')}]]`)) }])
  const ended = await Promise.all(ids.map((id) => runOf(coordinator, id)))
  assert.deepEqual(
    ended.map(({ state, reason, error }) => [state, reason, error?.name]),
    [
      ['succeeded', 'completed', undefined],
      ['failed', 'invalid-result', 'JSON_TOO_DEEP'],
      ['failed', 'invalid-result', 'INTEGER_TOO_LARGE'],
      ['failed', 'invalid-result', 'INVALID_REQUEST'],
      ['failed', 'invalid-result', 'INVALID_JSON'],
      ['succeeded', 'completed', undefined],
      ['failed', 'invalid-result', 'INVALID_JSON'],
    ],
  )
  assert.equal(coordinator.rejected.count, 4)
})

test('a message may hold any number of reports', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { id } = await withRun(coordinator)
  await coordinator.applyReports.execute([reportsFrom('i-1', ...Array(501).fill(ended(id)))])
  assert.deepEqual([coordinator.rejected.count, (await runOf(coordinator, id)).state], [0, 'succeeded'])
})

test('reports of legs end the run when the last one has', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock } = coordinator
  const run = aRun(1, { mode: 'broadcast', state: 'running', queuedAt: null, startedAt: clock.now(), wakeAt: clock.now() + 30_000 })
  await store.runs.insert([run])
  await store.tasks.insert([aTask(run.id, 0), aTask(run.id, 1)])
  const leg = (index: number, outcome: string) => ({
    runId: run.id,
    taskId: taskIdOf(run.id, index),
    attempt: 1,
    type: 'finished',
    outcome,
  })
  await coordinator.applyReports.execute([reportsFrom('i-0', leg(0, 'succeeded'))])
  assert.equal((await runOf(coordinator, run.id)).state, 'running')
  await coordinator.applyReports.execute([reportsFrom('i-1', leg(1, 'failed'))])
  await settle()
  const { state, reason, result } = await runOf(coordinator, run.id)
  assert.deepEqual([state, reason, JSON.parse(result ?? '')], ['failed', 'tasks-failed', { tasks: { failed: 1, succeeded: 1 } }])
})

test('of a process that dies its tasks are queued again at once, a leg for another instance; who is not to blame is not held to account', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { store, clock, applyReports, presence, fake } = coordinator
  presence.alive.set('hello', ['i-1', 'i-2'])
  const run = aRun(1, { mode: 'broadcast', state: 'running', queuedAt: null, startedAt: clock.now(), wakeAt: clock.now() + 30_000 })
  await store.runs.insert([run])
  await store.tasks.insert([aTask(run.id, 0, { state: 'running', owner: 'i-1', target: 'i-1', queuedAt: null })])
  const { id } = await withRun(coordinator, { id: 'runthatisinnocent', state: 'running', owner: 'i-1', queuedAt: null, losses: 2 })
  const error = { name: 'Error', message: 'boom' }
  const death = { attempt: 1, type: 'died', error }
  await applyReports.execute([
    reportsFrom(
      'i-1',
      { ...death, runId: id, taskId: id, blame: 'another' },
      { ...death, runId: run.id, taskId: taskIdOf(run.id, 0), blame: 'this' },
    ),
  ])
  await settle()
  const innocent = await runOf(coordinator, id)
  assert.deepEqual([innocent.state, innocent.attempt, innocent.losses, innocent.interruptions], ['queued', 2, 2, 1])
  assert.equal(fake.publishedTo('work.hello').at(-1)?.['alone'], true, 'it was a suspect before')
  const [leg] = await store.tasks.get([taskIdOf(run.id, 0)])
  assert.deepEqual([leg?.state, leg?.target, leg?.attempt, leg?.losses], ['queued', 'i-2', 2, 1])
  assert.match(fake.offers.at(-1)?.subject ?? '', /i-2$/)
})

test('reports of one batch are folded: an end makes its start needless, newer progress the older', () => {
  const from = (instance: string, report: object): ReportFrom => ({ report, namespace: 'default', instance }) as ReportFrom
  const progress = (id: string, percent: number) => ({ ...of(id), type: 'progress', percent })
  const fold = (...reports: ReportFrom[]) =>
    foldReports(reports).map(({ report, instance }) => [instance, report.runId, report.type, report.attempt])
  assert.deepEqual(fold(from('i', started('a')), from('i', progress('a', 1)), from('i', ended('a'))), [['i', 'a', 'finished', 1]])
  assert.deepEqual(fold(from('i', ended('a')), from('i', progress('a', 1)), from('i', started('a'))), [['i', 'a', 'finished', 1]])
  assert.deepEqual(fold(from('i', progress('a', 1)), from('i', started('a'))), [['i', 'a', 'progress', 1]])
  assert.deepEqual(foldReports([from('i', progress('a', 1)), from('i', progress('a', 2))]), [from('i', progress('a', 2))])
  assert.deepEqual(fold(from('i', started('a')), from('k', ended('a')), from('i', started('b')), from('i', started('a', 2))), [
    ['i', 'a', 'started', 1],
    ['k', 'a', 'finished', 1],
    ['i', 'b', 'started', 1],
    ['i', 'a', 'started', 2],
  ])
  assert.deepEqual(foldReports([from('i', progress('a', 7)), from('i', ended('a'))])[0]?.progress, { percent: 7 })
})
