import assert from 'node:assert/strict'
import { after, before, beforeEach, type TestContext, test } from 'node:test'
import { SERVICE_CONSUMERS, subjects } from '@carillon/contracts'
import { systemClock } from '@carillon/runtime'
import { eventually, exerciseService, FakeClock, startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import { openStore, type RunRecord, type Store } from '@carillon/store'
import { aRun, aTask } from '@carillon/store/testing'
import { Auditor } from '../loops/auditor.ts'
import { WorkPublisher } from './publish-work.ts'
import { RepairQueue } from './repair-queue.ts'
import { TaskWriter } from './write-tasks.ts'

let base: TestBroker
let store: Store
let runs = 0
before(async () => {
  base = await startTestBroker(['WORK', 'REPORTS', 'EVENTS'])
})
after(() => base.stop())
beforeEach(async (context) => {
  store = await openStore('sqlite::memory:')
  ;(context as TestContext).after(() => store.close())
  // What the test before has published may still be on its way.
  await barrier()
  await base.broker.manager.streams.purge('WORK')
})

function repairer(clock = systemClock) {
  const { broker, publisher, log } = base
  const work = new WorkPublisher({ broker, publisher, clock, log })
  const tasks = new TaskWriter({ store, work, writer: undefined as never, clock })
  return { work, repair: new RepairQueue({ store, tasks, broker, work, clock, log }) }
}

const only = (run: RunRecord) => ({ run, task: run })
const signal = new AbortController().signal
const all = { from: 0, before: Number.MAX_SAFE_INTEGER }
const subjectOf = (run: RunRecord) => subjects.work('default', 'hello', run.id)

async function queued(fields: Partial<RunRecord> = {}): Promise<RunRecord> {
  const run = aRun(++runs, fields)
  await store.runs.insert([run])
  return run
}
/** Attempts of the messages that the stream holds for a run. */
async function messagesOf(run: RunRecord): Promise<number[]> {
  const found = await base.broker.manager.streams.getMessage('WORK', { last_by_subj: subjectOf(run) })
  return found ? [found.json<{ attempt: number }>().attempt] : []
}
/** The stream takes messages of one connection in order: what was published before is there, or refused. */
const barrier = () => base.publisher.send({ subject: subjects.work('default', 'barrier', `barrier${++runs}`), body: '{}' })

test('a missing message is published again, one that is there is left alone', async () => {
  const { work, repair } = repairer()
  const [there, missing] = [await queued(), await queued()]
  work.publish(only(there))
  await eventually('it is there', async () => (await messagesOf(there)).length === 1)
  const before = (await base.broker.manager.streams.info('WORK')).state.last_seq
  assert.equal(await repair.span(all, signal), 1)
  await eventually('it is there, too', async () => (await messagesOf(missing)).length === 1)
  assert.equal((await base.broker.manager.streams.info('WORK')).state.last_seq, before + 1)
  assert.equal(await repair.span(all, signal), 0)
})

test('a message that was lost soon after it was accepted comes again, in spite of the memory of its id', async () => {
  const { work, repair } = repairer()
  for (const attempt of [1, 2]) {
    const run = await queued({ attempt })
    work.publish(only(run))
    await eventually('it is there', async () => (await messagesOf(run)).length === 1)
    await base.broker.manager.streams.purge('WORK')
    assert.equal(await repair.span(all, signal), 1)
    await eventually('it came again', async () => (await messagesOf(run)).length === 1)
    await store.runs.update([{ id: run.id, expect: { state: ['queued'] }, set: { state: 'succeeded', queuedAt: null } }])
  }
})

test('only single runs that are queued are owed a message', async () => {
  const { repair } = repairer()
  await queued({ mode: 'broadcast' })
  await queued({ state: 'running', queuedAt: null })
  await queued({ state: 'succeeded', queuedAt: null })
  assert.equal(await repair.span(all, signal), 0)
  const later = await queued({ queuedAt: 5_000 })
  assert.equal(await repair.span({ from: 0, before: 5_000 }, signal), 0)
  assert.equal(await repair.span({ from: 5_000, before: 5_001, shares: new Set([later.share + 1]) }, signal), 0)
  assert.equal(await repair.span({ from: 5_000, before: 5_001 }, signal), 1)
})

test('queued tasks of runs with many are owed a message, too, unless they are offered by name', async () => {
  const { repair } = repairer()
  const run = await queued({ mode: 'shards', state: 'running', queuedAt: null })
  const ended = await queued({ mode: 'shards', state: 'cancelled', queuedAt: null })
  const task = (of: RunRecord, index: number, target: string | null) => aTask(of.id, index, { target })
  await store.tasks.insert([task(run, 0, null), task(run, 1, 'i-1'), task(ended, 0, null)])
  assert.equal(await repair.span(all, signal), 1)
  const find = () => base.broker.manager.streams.getMessage('WORK', { last_by_subj: subjects.work('default', 'hello', `${run.id}-00000`) })
  await eventually('it is there', async () => (await find()) !== null)
  assert.equal(await repair.span(all, signal), 0)
  await store.tasks.insert([task(run, 2, null)])
  await repair.these([`${run.id}-00001`, `${run.id}-00002`], signal)
  await eventually('another one', async () => (await base.broker.manager.streams.info('WORK')).state.messages === 2)
})

test('a run that has ended, but whose report is not applied yet, is not published again', async () => {
  const { repair } = repairer()
  const run = await queued()
  await base.publisher.send({ subject: subjects.report('default', 'i-1'), body: '{}' })
  let done = false
  const repairing = repair.span(all, signal).finally(() => {
    done = true
  })
  await base.broker.manager.streams.info('REPORTS')
  assert.equal(done, false)
  const reports = await base.broker.manager.jetstream().consumers.get('REPORTS', SERVICE_CONSUMERS.REPORTS)
  const report = await reports.next()
  await store.runs.update([{ id: run.id, expect: { state: ['queued'] }, set: { state: 'succeeded', queuedAt: null } }])
  report?.ack()
  assert.equal(await repairing, 0)
  assert.deepEqual(await messagesOf(run), [])
})

test('while reports wait to be applied it cannot be known what is owed: that is an error, for whoever asked to try again', async () => {
  const clock = new FakeClock()
  const { repair } = repairer(clock)
  await queued()
  await base.publisher.send({ subject: subjects.report('default', 'i-1'), body: '{}' })
  let isOver = false
  const repairing = assert.rejects(repair.span(all, signal), /reports wait to be applied/).finally(() => {
    isOver = true
  })
  await eventually('it has waited long enough', async () => {
    await clock.advance(1_000)
    return isOver
  })
  await repairing
  await base.broker.manager.streams.purge('REPORTS')
})

test('two coordinators that repair at the same time put one message there, for every attempt', async () => {
  const [a, b] = [repairer(), repairer()]
  for (const attempt of [1, 2]) {
    const run = await queued({ attempt })
    const before = (await base.broker.manager.streams.info('WORK')).state.last_seq
    await Promise.all([a.repair.span(all, signal), b.repair.span(all, signal)])
    await barrier()
    assert.deepEqual(await messagesOf(run), [attempt])
    // An executor is done with it at once: what the slower one publishes must not run it again.
    await base.broker.manager.streams.purge('WORK', { filter: subjectOf(run) })
    b.work.publish(only(run), { again: true })
    await barrier()
    assert.deepEqual(await messagesOf(run), [])
    assert.equal((await base.broker.manager.streams.info('WORK')).state.last_seq, before + 1 + 2)
    await store.runs.update([{ id: run.id, expect: { state: ['queued'] }, set: { state: 'succeeded', queuedAt: null } }])
  }
})

test('a further attempt takes the place of the message before it', async () => {
  const { work } = repairer()
  const run = await queued()
  work.publish(only(run))
  await eventually('the first', async () => (await messagesOf(run))[0] === 1)
  work.publish(only({ ...run, attempt: 2 }))
  await eventually('the second', async () => (await messagesOf(run))[0] === 2)
})

test('an abort ends the wait for reports, and nothing is published', async () => {
  const { repair } = repairer()
  const run = await queued()
  await base.publisher.send({ subject: subjects.report('default', 'i-1'), body: '{}' })
  const abort = new AbortController()
  const repairing = repair.span(all, abort.signal)
  await base.broker.connection.flush()
  abort.abort()
  assert.equal(await repairing, 0)
  assert.deepEqual(await messagesOf(run), [])
  await base.broker.manager.streams.purge('REPORTS')
})

test('the auditor looks at what was refused each second, and at what has been queued for minutes each minute', async (context) => {
  const clock = new FakeClock()
  const { work, repair } = repairer(clock)
  const asked: string[][] = []
  const spans: Parameters<RepairQueue['span']>[0][] = []
  repair.these = async (ids) => void asked.push([...ids])
  repair.span = async (span) => spans.push(span)
  const auditor = new Auditor({ repair, work, clock, log: base.log, shares: () => [3] })
  context.after(() => auditor.stop())
  await auditor.start()
  await clock.advance(5_000)
  assert.deepEqual([asked, spans], [[], []])
  work.refused.add('run-1')
  await clock.advance(2_000)
  assert.deepEqual(asked, [['run-1'], ['run-1']])
  work.refused.clear()
  await clock.advance(54_000)
  assert.equal(spans.length, 1)
  assert.equal(spans[0]?.before, clock.now() - 1_000 - 120_000)
  assert.deepEqual([...(spans[0]?.shares ?? [])], [3])
  repair.span = () => Promise.reject(new Error('the broker is away'))
  await clock.advance(120_000)
  assert.ok(base.lines.some(({ evt }) => evt === 'auditor.failed'))
})

test('an auditor keeps the contract of services', async () => {
  const clock = new FakeClock()
  const auditor = new Auditor({ ...repairer(clock), clock, log: base.log, shares: () => [] })
  await exerciseService(auditor, { isActive: () => clock.armed > 0 })
})
