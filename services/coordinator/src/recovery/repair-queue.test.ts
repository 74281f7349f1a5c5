import assert from 'node:assert/strict'
import { after, before, beforeEach, type TestContext, test } from 'node:test'
import { SERVICE_CONSUMERS, subjects } from '@carillon/contracts'
import { systemClock } from '@carillon/runtime'
import { eventually, exerciseService, FakeClock, startTestBroker, type TestBroker } from '@carillon/runtime/testing'
import { openStore, type RunRecord, SHARES, type Store } from '@carillon/store'
import { aRun, aTask } from '@carillon/store/testing'
import { WorkPublisher } from '../dispatch/publish-work.ts'
import { WorkStream } from '../dispatch/work-stream.ts'
import { Auditor } from './auditor.ts'
import { BEGIN, type Position, RepairQueue, type Span } from './repair-queue.ts'

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

function repairer(clock = systemClock, broker = base.broker) {
  const { publisher, log } = base
  const storedWork = new WorkStream(broker)
  const work = new WorkPublisher({ store, stream: storedWork, publisher, clock, log })
  return { work, repair: new RepairQueue({ store, broker, work, storedWork, clock, log }) }
}

const only = (run: RunRecord) => ({ run, task: run })
const signal = new AbortController().signal
const ALL_SHARES = Array.from({ length: SHARES }, (_, share) => share)
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

test('only single runs that are queued need a message', async () => {
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

test('queued tasks of fan-out runs need a message, too, unless they are offered by name', async () => {
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
  await repair.byId([`${run.id}-00001`, `${run.id}-00002`], signal)
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

test('while reports wait to be applied it cannot be known what is missing: that is an error, and the caller tries again', async () => {
  const clock = new FakeClock()
  const { repair } = repairer(clock)
  await queued({ queuedAt: clock.now() - 10_000 })
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

function auditorOf(context: TestContext, shares = ALL_SHARES) {
  const clock = new FakeClock()
  const { work, repair } = repairer(clock)
  const auditor = new Auditor({ repair, work, clock, log: base.log, shares: () => shares })
  context.after(() => auditor.stop())
  return { clock, work, repair, auditor }
}

test('the auditor publishes what was refused each second, and compares a page of what has been queued for a minute every 3 s', async (context) => {
  const { clock, work, repair, auditor } = auditorOf(context, [3])
  const asked: string[][] = []
  const pages: [Position, Span][] = []
  repair.byId = async (ids) => void asked.push([...ids])
  repair.page = async (at, span) => {
    pages.push([at, span])
    return { published: 0, next: pages.length % 2 ? { of: 'runs', cursor: 'x' } : undefined }
  }
  repair.lacking = async () => 0
  await auditor.start()
  await clock.advance(2_000)
  assert.deepEqual([asked, pages], [[], []])
  work.unconfirmedIds.add('run-1')
  await clock.advance(2_000)
  assert.deepEqual(asked, [['run-1'], ['run-1']])
  work.unconfirmedIds.clear()
  await clock.advance(56_000)
  assert.equal(pages.length, 20, 'a page every 3 s')
  assert.deepEqual(
    pages.slice(0, 3).map(([at]) => at),
    [{ of: 'runs' }, { of: 'runs', cursor: 'x' }, { of: 'runs' }],
  )
  const [, { before, shares }] = pages.at(-1) as [Position, Span]
  assert.equal(before, clock.now() - 60_000)
  assert.deepEqual([...(shares ?? [])], [3])
  repair.page = () => Promise.reject(new Error('the broker is away'))
  await clock.advance(120_000)
  assert.ok(base.lines.some(({ evt }) => evt === 'auditor.failed'))
})

test('a stream that lost something is filled again when executors have reported what they run, and health reports it until then', async (context) => {
  const { clock, repair, auditor } = auditorOf(context)
  await queued({ queuedAt: clock.now() - 1_000 })
  await auditor.start()
  let goOn: () => void = () => undefined
  const page = repair.page.bind(repair)
  let pages = 0
  repair.page = async (...given) => {
    pages++
    await new Promise<void>((resolve) => (goOn = resolve))
    return page(...given)
  }
  auditor.passSoon({ why: 'stream WORK went back to an earlier state', isLoss: true })
  await eventually('reported', () => auditor.loss)
  assert.match(auditor.loss ?? '', /went back to an earlier state; 0 tasks were published again/)
  await clock.advance(2_000)
  assert.equal(pages, 0, 'executors have had no time to reconnect')
  await eventually('its time has come', async () => {
    await clock.advance(1_000)
    return pages > 0
  })
  await eventually('filled', () => {
    goOn()
    return auditor.loss === undefined
  })
  assert.equal((await base.broker.manager.streams.info('WORK')).state.messages, 1)
})

test('one message of many that is lost is found by the count, and what cannot be found is not searched again', async (context) => {
  const { clock, work, repair, auditor } = auditorOf(context)
  const runs = await Promise.all(Array.from({ length: 1_200 }, () => queued({ queuedAt: clock.now() - 1_000 })))
  for (const run of runs) work.publish(only(run))
  // Offered to one instance: queued without a message.
  await store.tasks.insert([aTask((runs[0] as RunRecord).id, 0, { target: 'i-1', queuedAt: clock.now() - 1_000 })])
  await barrier()
  await base.broker.manager.streams.purge('WORK', { filter: subjects.work('default', 'barrier', '*') })
  const lost = runs[700] as RunRecord
  await base.broker.manager.streams.purge('WORK', { filter: subjectOf(lost) })
  let passes = 0
  const page = repair.page.bind(repair)
  repair.page = async (at, span, given) => {
    // The slow comparison would find it, too.
    if (span.before <= clock.now()) return { published: 0, next: undefined }
    if (at === BEGIN) passes++
    return page(at, span, given)
  }
  await auditor.start()
  await eventually('it came again', async () => {
    await clock.advance(1_000)
    return (await messagesOf(lost)).length === 1
  })
  await eventually('counted again', async () => {
    await clock.advance(30_000)
    return clock.monotonic() > 600_000
  })
  assert.equal(passes, 1)
})

test('a count is exact only while no report waits; a rough one is made all the same', async (context) => {
  const { repair } = repairer()
  const run = await queued({ queuedAt: 1_000 })
  assert.equal(await repair.lacking(2_000, false), 1)
  await base.publisher.send({ subject: subjects.report('default', 'i-1'), body: '{}' })
  context.after(() => base.broker.manager.streams.purge('REPORTS'))
  assert.equal(await repair.lacking(2_000, false), undefined)
  assert.equal(await repair.lacking(2_000, true), 1)
  assert.equal(await repair.lacking(run.queuedAt ?? 0, true), 0)
})

test('a stream that counts more subjects than messages has lost blocks and refuses them: it is emptied, and filled again', async () => {
  const { broker } = base
  const run = await queued({ queuedAt: 1_000 })
  await base.publisher.send({ subject: subjectOf(run), body: '{}' })
  const { state, ...info } = await broker.manager.streams.info('WORK')
  const streams = Object.create(broker.manager.streams) as typeof broker.manager.streams
  // As nats-server says it once it has found the block missing.
  streams.info = async () => ({ ...info, state: { ...state, messages: 0, num_subjects: 1 } })
  const manager = Object.assign(Object.create(broker.manager) as typeof broker.manager, { streams })
  const { repair } = repairer(systemClock, { ...broker, manager })
  assert.equal(await repair.lacking(2_000, false), 1)
  assert.equal((await broker.manager.streams.info('WORK')).state.messages, 0)
  assert.equal(await repairer().repair.span(all, signal), 1)
})

test('a stream that is purged is filled again within seconds, and health says what was published again', async (context) => {
  const { clock, work, repair, auditor } = auditorOf(context)
  const runs = await Promise.all(Array.from({ length: 20 }, () => queued({ queuedAt: clock.now() - 20_000 })))
  for (const run of runs) work.publish(only(run))
  await barrier()
  await auditor.start()
  await base.broker.manager.streams.purge('WORK')
  const begun = clock.monotonic()
  const page = repair.page.bind(repair)
  // The slow comparison would find it, too.
  repair.page = async (at, span, given) => (span.before <= clock.now() ? { published: 0, next: undefined } : page(at, span, given))
  await eventually('filled', async () => {
    await clock.advance(1_000)
    return (await base.broker.manager.streams.info('WORK')).state.messages === 20
  })
  const { recentRepair = '' } = auditor
  assert.match(recentRepair, /^20 tasks were published again \(stream WORK had 20 messages fewer than tasks wait\) \d+ s ago$/)
  assert.ok(clock.monotonic() - begun < 30_000)
})

test('an auditor keeps the contract of services', async () => {
  const clock = new FakeClock()
  const auditor = new Auditor({ ...repairer(clock), clock, log: base.log, shares: () => [] })
  await exerciseService(auditor, { isActive: () => clock.armed > 0 })
})

test('what was stored before this process was suspended, and has run since, is not published; what is still missing is', async () => {
  const clock = new FakeClock()
  const { work, repair } = repairer(clock)
  const [done, owed] = [aRun(++runs), aRun(++runs)]
  for (const run of [done, owed]) work.expect(run)
  await store.runs.insert([done, owed])
  await clock.advance(4_000)
  await store.runs.update([{ id: done.id, expect: { state: ['queued'] }, set: { state: 'succeeded', queuedAt: null } }])
  for (const run of [done, owed]) work.publish(only(run))
  await barrier()
  assert.deepEqual([await messagesOf(done), await messagesOf(owed), [...work.unconfirmedIds]], [[], [], [done.id, owed.id]])
  await repair.byId([...work.unconfirmedIds], signal)
  await eventually('it is there', async () => (await messagesOf(owed)).length === 1)
  await barrier()
  assert.deepEqual([await messagesOf(done), work.outstanding], [[], 0])
})

test('a task that was released keeps its message; with that of an earlier attempt it gets a new one, without any it is compared first', async () => {
  const { work, repair } = repairer()
  const sequenceOf = async (run: RunRecord) => (await base.broker.manager.streams.getMessage('WORK', { last_by_subj: subjectOf(run) }))?.seq
  const released = (run: RunRecord, attempt = run.attempt) => only({ ...run, attempt, reason: 'released', queuedAt: Date.now() })
  const [first, second, claimed] = [await queued(), await queued({ attempt: 2 }), await queued()]
  for (const run of [first, second, claimed]) work.publish(only(run))
  await eventually('all are there', async () => (await base.broker.manager.streams.info('WORK')).state.messages >= 3)
  const before = [await sequenceOf(first), await sequenceOf(second)]
  const gone = await queued({ reason: 'released' })
  for (const owed of [released(first), released(second), released(claimed, 2), only(gone)]) work.publish(owed)
  await eventually('that of the earlier attempt is replaced', async () => (await messagesOf(claimed))[0] === 2)
  await eventually('the one without a message is left to the repair', () => work.unconfirmedIds.has(gone.id))
  assert.deepEqual([await sequenceOf(first), await sequenceOf(second), await messagesOf(gone)], [...before, []])
  await repair.byId([...work.unconfirmedIds], signal)
  await eventually('it is there', async () => (await messagesOf(gone)).length === 1)
})

test('what was queued a moment ago is left to its writer, and compared when that must be over; what its writer could not publish is not', async (context) => {
  const { clock, work, repair, auditor } = auditorOf(context)
  const [ofAnother, ours, refused] = [await queued({ queuedAt: clock.now() }), aRun(++runs, { queuedAt: clock.now() }), await queued()]
  for (const run of [ours, refused]) work.expect({ ...run, queuedAt: clock.now() })
  await store.runs.insert([ours])
  work.unconfirmed(refused.id, 'full')
  assert.equal(await repair.span(all, signal), 1)
  await eventually('only what was refused is there', async () => (await messagesOf(refused)).length === 1)
  assert.deepEqual([await messagesOf(ofAnother), await messagesOf(ours), [...repair.postponed]], [[], [], [ofAnother.id]])
  await auditor.start()
  await eventually('the writer of the other one has not published it, and nothing waits to be compared', async () => {
    await clock.advance(1_000)
    return (await messagesOf(ofAnother)).length === 1 && repair.postponed.size === 0
  })
  assert.deepEqual(await messagesOf(ours), [], 'its publish is under way')
})

test('after a restart of the broker nothing is published again before executors have reported what they run', async () => {
  const clock = new FakeClock()
  const { work, repair } = repairer(clock)
  const [begun, lost] = [await queued({ queuedAt: 0 }), await queued({ queuedAt: 0 })]
  for (const { id } of [begun, lost]) work.unconfirmed(id, 'no answer from the broker')
  repair.executorsReconnect()
  let isOver = false
  const repairing = repair.byId([...work.unconfirmedIds], signal).finally(() => {
    isOver = true
  })
  await eventually('it waits', () => clock.armed > 0)
  await clock.advance(2_900)
  await store.runs.update([{ id: begun.id, expect: { state: ['queued'] }, set: { state: 'running', queuedAt: null } }])
  assert.deepEqual([isOver, await messagesOf(lost)], [false, []])
  await clock.advance(200)
  await repairing
  await eventually('it is there', async () => (await messagesOf(lost)).length === 1)
  assert.deepEqual(await messagesOf(begun), [])
})
