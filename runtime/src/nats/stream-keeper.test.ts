import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CarillonError, SERVICE_CONSUMERS, STREAMS, type StreamName, subjects } from '@carillon/contracts'
import { type Clock, StreamPublisher, systemClock } from '@carillon/wire/internal'
import { AckPolicy, ReplayPolicy, RetentionPolicy, StorageType, type StreamInfo } from '@nats-io/jetstream'
import { type BrokerOfTest, eventually, startBrokerOf } from '../testing/index.ts'
import { connectBroker } from './connection.ts'
import { keptStream, type StreamCapacity, StreamKeeper } from './stream-keeper.ts'

const NAMES = ['WORK', 'REPORTS', 'EVENTS'] as const

async function keeperOf(t: TestContext, given: Given = {}) {
  const broker = await startBrokerOf(t)
  return { broker, ...keeperOn(broker, given) }
}

interface Given {
  readonly names?: readonly StreamName[]
  readonly clock?: Clock
}

function keeperOn(broker: BrokerOfTest, { names = NAMES, clock = systemClock }: Given = {}) {
  const kept = names.map((name) => keptStream(broker, name, { replicas: 1 }))
  const keeper = new StreamKeeper({ broker, kept, clock, log: broker.log })
  broker.after(() => keeper.stop())
  const losses: string[] = []
  keeper.onLoss((stream, loss) => void losses.push(`${stream} ${loss}`))
  return { keeper, losses }
}

/** The same broker through a connection of its own, as other services have one. */
async function connectionTo(broker: BrokerOfTest): Promise<BrokerOfTest> {
  const other = await connectBroker({ nats: { servers: broker.server.url }, name: 'other', log: broker.log })
  broker.after(() => other.connection.close())
  return { ...broker, ...other }
}

const isThere = (broker: BrokerOfTest, name: string) =>
  broker.manager.streams.info(name).then(
    () => true,
    () => false,
  )

test('a stream that was deleted is recreated soon, with its consumer, and reported as lost', async (t) => {
  const { broker, keeper, losses } = await keeperOf(t)
  await keeper.start()
  for (const name of NAMES) await broker.manager.streams.delete(name)
  for (const name of NAMES) await eventually(`${name} is back`, () => isThere(broker, name))
  await eventually(
    'its consumer, too',
    async () => (await broker.manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS)) !== undefined,
  )
  await eventually('reported', () => losses.length === NAMES.length)
  assert.deepEqual(losses.toSorted(), ['EVENTS made-anew', 'REPORTS made-anew', 'WORK made-anew'])
  const { ok, message } = keeper.check()
  assert.ok(ok)
  assert.match(message, /EVENTS was recreated \d+ s ago/)
})

test('what is stored in a recreated stream stays there', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  const { manager } = broker
  await keeper.start()
  for (let round = 0; round < 3; round++) {
    for (const name of NAMES) await manager.streams.delete(name)
    for (const name of NAMES) await eventually(`${name} is back`, () => isThere(broker, name))
    await manager.jetstream().publish(subjects.report('default', 'i-1'), '{}')
    // The server may still be busy with the stream that it has deleted.
    for (let i = 0; i < 20; i++) assert.equal((await manager.streams.info('REPORTS')).state.messages, 1)
  }
})

test('a consumer that was deleted is recreated soon; nothing is lost by it', async (t) => {
  const { broker, keeper, losses } = await keeperOf(t)
  await keeper.start()
  const before = (await broker.manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS)).created
  await broker.manager.consumers.delete('REPORTS', SERVICE_CONSUMERS.REPORTS)
  const created = () =>
    broker.manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS).then(
      (info) => info.created,
      () => before,
    )
  await eventually('recreated', async () => (await created()) !== before)
  assert.deepEqual(losses, [])
})

test('streams and consumers of an earlier version get the settings of this one', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  const { manager } = broker
  await manager.streams.add({
    name: 'REPORTS',
    subjects: ['carillon.*.report.old'],
    retention: RetentionPolicy.Workqueue,
    max_bytes: 1_000_000,
  })
  await manager.consumers.add('REPORTS', {
    durable_name: SERVICE_CONSUMERS.REPORTS,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 5,
    filter_subjects: ['carillon.*.report.old'],
  })
  await keeper.start()
  const { config } = await manager.streams.info('REPORTS')
  assert.deepEqual(config.subjects, STREAMS.REPORTS.subjects)
  assert.deepEqual([config.max_bytes, config.discard, config.allow_direct], [STREAMS.REPORTS.maxBytes, 'new', true])
  const consumer = await manager.consumers.info('REPORTS', SERVICE_CONSUMERS.REPORTS)
  assert.equal(consumer.config.max_ack_pending, 20_000)
  assert.deepEqual(consumer.config.filter_subjects ?? [consumer.config.filter_subject], STREAMS.REPORTS.subjects)
})

test('a limit that an operator has changed stays; what the protocol rests on is put right', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  const { manager } = broker
  await keeper.start()
  const maxBytes = 2 * STREAMS.WORK.maxBytes
  await manager.streams.update('WORK', { max_bytes: maxBytes, description: 'mine', max_msgs_per_subject: 7 })
  await eventually('put right', async () => (await manager.streams.info('WORK')).config.max_msgs_per_subject === 1)
  await keeper.whenKept()
  const { config } = await manager.streams.info('WORK')
  assert.deepEqual([config.max_bytes, config.description], [maxBytes, STREAMS.WORK.description])
})

test('limits that an operator has set are removed: each of them makes a stream refuse, drop or not confirm what it is given', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  const { manager } = broker
  const limits = { max_msgs: 10, max_msg_size: 100, no_ack: true, consumer_limits: { max_ack_pending: 25_000 } }
  const { retention } = { retention: RetentionPolicy.Workqueue }
  await manager.streams.add({ name: 'REPORTS', subjects: [...STREAMS.REPORTS.subjects], retention, ...limits })
  await keeper.start()
  const limitsOf = async (name: string) => {
    const { max_msgs, max_msg_size, no_ack, consumer_limits } = (await manager.streams.info(name)).config
    return { max_msgs, max_msg_size, no_ack: no_ack ?? false, consumer_limits }
  }
  const none = { max_msgs: -1, max_msg_size: -1, no_ack: false, consumer_limits: {} }
  assert.deepEqual(await limitsOf('REPORTS'), none)
  await manager.streams.update('WORK', { max_msgs: 10, max_msg_size: 50 })
  await eventually('put right', async () => (await limitsOf('WORK')).max_msg_size === -1)
  assert.deepEqual(await limitsOf('WORK'), none)
})

test('settings that an operator has added are removed: they store what comes under other subjects, or what was never sent to the stream', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  const { manager } = broker
  await keeper.start()
  const subject_transform = { src: 'carillon.*.work.>', dest: 'carillon.{{wildcard(1)}}.work.other.>' }
  // The answer of the update: what is read after it may have been put right already.
  const changed = await manager.streams.update('WORK', { subject_transform, sources: [{ name: 'EVENTS' }], allow_rollup_hdrs: true })
  const hasAdded = ({ config }: StreamInfo) => [config.subject_transform, config.sources, config.allow_rollup_hdrs].some(Boolean)
  assert.ok(hasAdded(changed))
  await eventually('put right', async () => !hasAdded(await manager.streams.info('WORK')))
  const answer = await manager.jetstream().publish('carillon.default.work.hello.normal.task-1', '{}')
  assert.equal((await manager.streams.getMessage('WORK', { seq: answer.seq }))?.subject, 'carillon.default.work.hello.normal.task-1')
  await eventually('well', () => keeper.check().ok)
})

test('a stream that was sealed is named as what is wrong, and recreated when it was removed', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  await keeper.start()
  await broker.manager.streams.update('REPORTS', { sealed: true } as object)
  await eventually('reported', () => !keeper.check().ok)
  assert.match(keeper.check().message, /REPORTS.*sealed.*cannot be changed/)
  await broker.manager.streams.delete('REPORTS')
  await eventually('well', () => keeper.check().ok)
})

const consumersOfOthers = {
  'pulls of a group only': { priority_groups: ['mine'], priority_policy: 'overflow' as const },
  'in memory, at the pace of the senders': { mem_storage: true, replay_policy: ReplayPolicy.Original },
  'one subject instead of a list': { filter_subject: 'carillon.*.report.mine' },
  'one task at a time, once': { max_ack_pending: 1, max_deliver: 1, ack_wait: 1_000_000_000 },
  'small pulls': { max_batch: 1, max_expires: 1_000_000_000, headers_only: true },
  'one that pushes': { deliver_subject: 'mine' },
  'no acknowledgement': { ack_policy: AckPolicy.None, deliver_subject: 'mine' },
  'one that goes when it is idle': { inactive_threshold: 60_000_000_000, backoff: [1_000_000_000, 2_000_000_000], max_deliver: 5 },
}
for (const [name, settings] of Object.entries(consumersOfOthers)) {
  test(`a consumer that an operator has made or changed is reconciled: ${name}`, async (t) => {
    const { broker, keeper } = await keeperOf(t, { names: ['LOGS'] })
    const { manager, connection } = broker
    await manager.streams.add({ name: 'LOGS', subjects: [...STREAMS.LOGS.subjects] })
    await manager.consumers.add('LOGS', { durable_name: SERVICE_CONSUMERS.LOGS, ack_policy: AckPolicy.Explicit, ...settings })
    await keeper.start()
    assert.equal(keeper.check().ok, true)
    const subject = 'carillon.default.log.run-1'
    connection.publish(subject, '{}')
    const consumer = await manager.jetstream().consumers.get('LOGS', SERVICE_CONSUMERS.LOGS)
    assert.equal((await consumer.next({ expires: 5_000 }))?.string(), '{}')
    const { config } = await consumer.info()
    assert.deepEqual([config.max_ack_pending, config.max_deliver, config.ack_policy], [20_000, -1, AckPolicy.Explicit])
  })
}

test('what a newer version has set stays as it is', async (t) => {
  const { broker, keeper } = await keeperOf(t)
  const { manager } = broker
  await keeper.start()
  await manager.streams.update('EVENTS', { description: 'of tomorrow', metadata: { 'carillon.revision': '999' } })
  await keeper.whenKept()
  assert.equal((await manager.streams.info('EVENTS')).config.description, 'of tomorrow')
})

test('a stream that a newer version has written is an error with a code that says so, and stays as it is; an older one gets our mark', async (t) => {
  const { broker, keeper } = await keeperOf(t, { names: ['EVENTS'] })
  const { manager } = broker
  const metadata = async () => (await manager.streams.info('EVENTS')).config.metadata ?? {}
  await keeper.start()
  assert.equal((await metadata())['carillon.version'], '1')
  await manager.streams.update('EVENTS', { metadata: { ...(await metadata()), 'carillon.version': '' } })
  await keeper.whenKept()
  assert.equal((await metadata())['carillon.version'], '1')
  await manager.streams.update('EVENTS', { description: 'of tomorrow', metadata: { ...(await metadata()), 'carillon.version': '2' } })
  await keeper.whenKept()
  assert.match(keeper.check().message, /EVENTS has version 2; this program knows versions up to 1/)
  const { keeper: another } = keeperOn(broker, { names: ['EVENTS'] })
  await assert.rejects(another.start(), (error: CarillonError) => error.code === 'BROKER_TOO_NEW')
  assert.equal((await manager.streams.info('EVENTS')).config.description, 'of tomorrow')
})

test('a stream that holds the work of a store is refused to the services of another one', async (t) => {
  const broker = await startBrokerOf(t)
  const keeperOfStore = (storeId?: string) => {
    const kept = [keptStream(broker, 'WORK', { replicas: 1, storeId })]
    const keeper = new StreamKeeper({ broker, kept, clock: systemClock, log: broker.log })
    broker.after(() => keeper.stop())
    return keeper
  }
  for (const storeId of [undefined, 'one', 'one', undefined]) {
    const keeper = keeperOfStore(storeId)
    await keeper.start()
    await keeper.stop()
  }
  const isMismatch = (error: CarillonError) =>
    error.code === 'STORE_MISMATCH' && error.message === 'stream WORK holds work of store one; the store given is another'
  await assert.rejects(keeperOfStore('another').start(), isMismatch)
  await broker.manager.streams.delete('WORK')
  await keeperOfStore('another').start()
})

test('a stream that cannot be changed into ours is an error with a code, at the start and in health', async (t) => {
  const { broker, keeper } = await keeperOf(t, { names: ['WORK'] })
  await broker.manager.streams.add({ name: 'WORK', subjects: [...STREAMS.WORK.subjects], retention: RetentionPolicy.Limits })
  await assert.rejects(keeper.start(), (error: CarillonError) => error.code === 'STREAM_CONFLICT' && /WORK.*retention/.test(error.message))
  assert.equal(keeper.check().ok, false)
  await broker.manager.streams.delete('WORK')
  await broker.manager.streams.add({ name: 'MINE', subjects: ['carillon.>'] })
  await assert.rejects(
    keeper.start(),
    (error: CarillonError) => error.code === 'STREAM_CONFLICT' && /stream MINE takes its subjects/.test(error.message),
  )
  await broker.manager.streams.delete('MINE')
  await keeper.start()
  assert.ok(keeper.check().ok)
})

test('health says what cannot be made for as long as it cannot', async (t) => {
  const broker = await startBrokerOf(t)
  let isRefused = false
  const events = keptStream(broker, 'EVENTS', { replicas: 1 })
  const ensure = (room: StreamCapacity) => (isRefused ? Promise.reject(new Error('no')) : events.ensure(room))
  const keeper = new StreamKeeper({ broker, kept: [{ stream: 'EVENTS', ensure }], clock: systemClock, log: broker.log })
  broker.after(() => keeper.stop())
  await keeper.start()
  isRefused = true
  await broker.manager.streams.delete('EVENTS')
  await eventually('reported', () => !keeper.check().ok)
  assert.match(keeper.check().message, /EVENTS cannot be kept: no/)
  isRefused = false
  await eventually('made', () => keeper.check().ok)
  assert.equal(broker.lines.filter(({ evt }) => evt === 'streams.unkept').length, 1, 'it is said once')
})

test('a stream that is refused does not keep the others away, nor callers that wait for them', async (t) => {
  const broker = await startBrokerOf(t)
  let isRefused = false
  const events = keptStream(broker, 'EVENTS', { replicas: 1 })
  const ensure = (room: StreamCapacity) => (isRefused ? Promise.reject(new CarillonError('STREAM_CONFLICT', 'no')) : events.ensure(room))
  const kept = [{ stream: 'EVENTS', ensure }, keptStream(broker, 'WORK', { replicas: 1 })]
  const keeper = new StreamKeeper({ broker, kept, clock: systemClock, log: broker.log })
  broker.after(() => keeper.stop())
  await keeper.start()
  isRefused = true
  await broker.manager.streams.delete('WORK')
  await keeper.whenKept()
  assert.ok(await isThere(broker, 'WORK'))
  assert.equal(keeper.check().ok, false)
})

test('a broker that comes back with an older copy of its folder: its streams went back', async (t) => {
  const { broker, keeper, losses } = await keeperOf(t)
  await keeper.start()
  const publisher = new StreamPublisher(broker.connection, systemClock)
  broker.after(async () => publisher.close())
  const publish = async (n: number) =>
    assert.equal(await publisher.send({ subject: subjects.work('default', 'hello', `task-${n}`), body: '{}' }), undefined)
  for (let n = 0; n < 5; n++) await publish(n)
  await broker.server.kill()
  const copy = broker.server.copyStore()
  await broker.server.restart()
  await keeper.whenKept()
  for (let n = 5; n < 9; n++) await publish(n)
  await keeper.whenKept()
  await broker.server.kill()
  copy.putBack()
  await broker.server.restart()
  await eventually('noticed', () => losses.includes('WORK went-back'))
  assert.deepEqual(losses, ['WORK went-back'])
  assert.match(keeper.check().message, /WORK went back/)
})

test('a consumer that is ahead of its stream is recreated: it would skip what comes', async (t) => {
  const { broker, keeper } = await keeperOf(t, { names: ['REPORTS'] })
  const { manager, connection } = broker
  await keeper.start()
  const publisher = new StreamPublisher(connection, systemClock)
  broker.after(async () => publisher.close())
  const report = { subject: subjects.report('default', 'i-1'), body: '{}' }
  for (let n = 0; n < 5; n++) assert.equal(await publisher.send(report), undefined)
  const consumer = await manager.jetstream().consumers.get('REPORTS', SERVICE_CONSUMERS.REPORTS)
  for (let n = 0; n < 5; n++) assert.ok(await (await consumer.next())?.ackAck())
  await broker.server.kill()
  broker.server.loseMessages('REPORTS')
  await broker.server.restart()
  await keeper.whenKept()
  assert.equal(await publisher.send(report), undefined)
  const recreated = await manager.jetstream().consumers.get('REPORTS', SERVICE_CONSUMERS.REPORTS)
  assert.ok(await recreated.next({ expires: 5_000 }), 'what comes is delivered')
})

test('a broker without room: all streams take as much less, say so, and grow when there is room', async (t) => {
  const names = ['TRIGGERS', 'WORK', 'REPORTS', 'LOGS', 'EVENTS'] as const
  const broker = await startBrokerOf(t, { maxFileStore: '500MiB' })
  let skippedMs = 0
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skippedMs }
  const { keeper } = keeperOn(broker, { names, clock })
  await keeper.start()
  assert.match(keeper.check().message, /streams have room for 328 instead of 2624 MiB/)
  assert.equal(keeper.check().ok, false)
  const parts = async () =>
    Promise.all(names.map(async (name) => (await broker.manager.streams.info(name)).config.max_bytes / STREAMS[name].maxBytes))
  assert.deepEqual(
    await parts(),
    names.map(() => 1 / 8),
  )
  // Of another service: it accepts what it finds, and takes nothing from anyone.
  const { keeper: other } = keeperOn(broker, { names: ['LOGS', 'EVENTS'] })
  await other.start()
  assert.deepEqual(
    await parts(),
    names.map(() => 1 / 8),
  )
  broker.server.reloadWith({ maxFileStore: '4GB' })
  await eventually('grown', async () => {
    skippedMs += 15_000
    await keeper.whenKept()
    return (await parts()).every((part) => part === 1)
  })
  assert.ok(keeper.check().ok)
})

test('services that start together at a small broker reserve no more than it has', async (t) => {
  for (let round = 0; round < 10; round++) {
    const broker = await startBrokerOf(t, { maxFileStore: '300MiB' })
    const services = [['WORK', 'TRIGGERS', 'REPORTS', 'EVENTS'], ['WORK', 'REPORTS', 'EVENTS'], ['LOGS']] as const
    const keepers = []
    for (const names of services) keepers.push(keeperOn(await connectionTo(broker), { names }).keeper)
    await Promise.all(keepers.map((keeper) => keeper.start()))
    const info = await broker.manager.getAccountInfo()
    assert.ok(info.reserved_storage <= 300 * 1024 * 1024, `${info.reserved_storage} bytes are reserved`)
  }
})

test('a service that died while it reserved capacity holds the others up for some seconds only', async (t) => {
  const broker = await startBrokerOf(t)
  await broker.manager.streams.add({ name: 'carillon_capacity', description: 'of one that died', storage: StorageType.Memory })
  await keeperOn(broker).keeper.start()
  assert.ok(await isThere(broker, 'WORK'))
  assert.ok(!(await isThere(broker, 'carillon_capacity')))
})

test('a broker with no room at all: the error says how much is needed', async (t) => {
  const broker = await startBrokerOf(t, { maxFileStore: '8MiB' })
  const { keeper } = keeperOn(broker, { names: ['WORK'] })
  await assert.rejects(keeper.start(), (error: CarillonError) => {
    assert.equal(error.code, 'STORAGE_TOO_SMALL')
    assert.match(error.message, /no room for 16 MiB of stream WORK/)
    assert.match(error.details.hint ?? '', /All streams need 2624 MiB, 41 MiB at least/)
    return true
  })
})
