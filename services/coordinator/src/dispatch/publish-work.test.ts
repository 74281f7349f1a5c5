import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subjects } from '@carillon/contracts'
import { systemClock } from '@carillon/runtime'
import { eventually, startTestBroker } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import { onlyTask } from '../runs/rules/work.ts'
import { WorkPublisher } from './publish-work.ts'
import { WorkStream } from './work-stream.ts'

test('of a batch whose sequences are not contiguous each message is asked about, and stored once', async (context) => {
  const base = await startTestBroker(['WORK'])
  context.after(() => base.stop())
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  const work = new WorkPublisher({
    ...base,
    store,
    stream: new WorkStream(base.broker),
    publisher: base.publisher,
    clock: systemClock,
  })
  const runs = [1, 2, 3, 4, 5].map((n) => aRun(n, { state: 'queued', queuedAt: 1_000, payload: '{}' }))
  const subjectsOf = runs.map((run) => subjects.work(run.namespace, run.handler, run.id))
  // The broker refuses the second message without an answer, because its subject has one.
  await base.publisher.send({ subject: subjectsOf[1] as string, body: '{"attempt":1}' })
  for (const run of runs) work.expect(run)
  for (const run of runs) work.publish(onlyTask(run))
  assert.equal(work.outstanding, 5)
  await eventually('every message is confirmed', () => work.outstanding === 0)
  assert.deepEqual([...work.unconfirmedIds], [])
  assert.equal((await base.broker.manager.streams.info('WORK')).state.messages, 5)
  assert.equal((await new WorkStream(base.broker).sequences(subjectsOf)).size, 5)
})

test('a released task whose message is of an earlier attempt gets one that is claimed before it begins', async (context) => {
  const base = await startTestBroker(['WORK'])
  context.after(() => base.stop())
  const store = await openStore('sqlite::memory:')
  context.after(() => store.close())
  const stream = new WorkStream(base.broker)
  const work = new WorkPublisher({ ...base, store, stream, publisher: base.publisher, clock: systemClock })
  const fields = { state: 'queued', queuedAt: 1_000, attempt: 3, attempts: 3 } as const
  const [released, retried] = [aRun(1, { ...fields, reason: 'released' }), aRun(2, { ...fields, reason: 'retry' })]
  const subjectOf = (run: typeof released) => subjects.work(run.namespace, run.handler, run.id)
  for (const run of [released, retried]) await base.publisher.send({ subject: subjectOf(run), body: '{"attempt":2}' })
  for (const run of [released, retried]) work.expect(run)
  for (const run of [released, retried]) work.publish(onlyTask(run))
  await eventually('both are confirmed', () => work.outstanding === 0)
  const bodies = [released, retried].map(async (run) => {
    const message = await base.broker.manager.direct.getMessage('WORK', { last_by_subj: subjectOf(run) })
    const { attempt, claim } = JSON.parse(message?.string() ?? '{}')
    return [attempt, claim]
  })
  assert.deepEqual(await Promise.all(bodies), [
    [3, true],
    [3, undefined],
  ])
})
