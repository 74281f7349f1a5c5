import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { checkNatsSettings, openConnection, systemClock } from '@carillon/wire/internal'
import { eventually, PROTECTIONS, signal, startNatsServer, startProtectedServer } from '@carillon/wire/testing'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, RequestError, tokenAuthenticator } from '@nats-io/transport-node'
import { Link } from '../connection/link.ts'
import { HeldTasks } from '../executor/held-task.ts'
import type { Warning } from '../warning.ts'
import { Activity } from './activity.ts'
import { Liveness, type LivenessOptions } from './liveness.ts'

const SUBJECTS = { subjects: { beat: 'beats', session: 'sessions', report: 'reports', control: 'control' } }

/** @param options.isMute what the main thread publishes goes nowhere: what arrives is the thread's */
async function startLiveness(
  t: TestContext,
  options: {
    connection: NonNullable<LivenessOptions['connection']>
    thread?: boolean | undefined
    isMute?: boolean
    stopServer: () => Promise<void>
  },
) {
  const warnings: Warning[] = []
  const onWarning = (warning: Warning) => void warnings.push(warning)
  const connection = await openConnection({ ...options.connection, more: undefined, clock: systemClock })
  const link = new Link(connection, { access: options.connection.access, onWarning })
  if (options.isMute) link.publish = () => undefined
  const beats: Record<string, unknown>[] = []
  connection.subscribe('beats', { callback: (_error, message) => void beats.push(message.json()) })
  const held = new HeldTasks()
  const activity = new Activity()
  const work = () => ({ running: 2, stuck: 0, stuckTasks: [] })
  const thread = options.thread === false ? undefined : options.connection
  const liveness = new Liveness({
    link,
    clock: systemClock,
    connection: thread,
    ...SUBJECTS,
    session: 's1',
    held,
    activity,
    work,
    onWarning,
  })
  liveness.start()
  liveness.beat()
  t.after(async () => {
    await liveness.stop()
    await link.close()
    await options.stopServer()
  })
  return { connection, liveness, held, activity, beats, warnings }
}

for (const protection of PROTECTIONS) {
  test(`the thread logs in as the main thread does: ${protection}`, async (t) => {
    const { right, stop } = await startProtectedServer(protection)
    const connection = { access: checkNatsSettings(right[0] ?? {}), name: 'test' }
    const { beats, warnings } = await startLiveness(t, { connection, isMute: true, stopServer: stop })
    const beat = await eventually('the thread beats', () => beats[0])
    assert.deepEqual([beat['running'], beat['session'], warnings], [2, 's1', []])
    for (const field of ['memoryBytes', 'groupMemoryBytes', 'memoryLimitBytes', 'cpuLimit']) assert.ok(Number(beat[field]) > 0, field)
  })
}

for (const [why, given] of Object.entries({
  'it is not wanted': { thread: false },
  'its settings hold a function': { more: { authenticator: tokenAuthenticator('unused') } },
})) {
  test(`where there is no thread the main thread beats, and says so: ${why}`, async (t) => {
    const server = await startNatsServer()
    const { thread, more } = { thread: true, more: undefined, ...given }
    const connection = { access: checkNatsSettings({ servers: server.url }), name: 'test', more }
    const { beats, warnings } = await startLiveness(t, { connection, thread, stopServer: server.stop })
    await eventually('it beats', () => beats.length > 0)
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['no-thread'],
    )
  })
}

test('while the thread is not connected the main thread beats', async (t) => {
  const server = await startNatsServer()
  t.after(() => server.stop())
  const access = checkNatsSettings({ servers: server.url })
  const nowhere = { access: { ...access, servers: ['127.0.0.1:1'] }, name: 'test', timeoutMs: 100 }
  const warnings: Warning[] = []
  const link = new Link(await connect({ servers: server.url }), { access, onWarning: (warning) => void warnings.push(warning) })
  const heard = signal()
  link.subscribe('beats', () => heard.fire())
  const work = () => ({ running: 0, stuck: 0, stuckTasks: [] })
  const onWarning = (warning: Warning) => void warnings.push(warning)
  const given = {
    link,
    clock: systemClock,
    connection: nowhere,
    ...SUBJECTS,
    session: 's1',
    held: new HeldTasks(),
    activity: new Activity(),
    work,
    onWarning,
  }
  const liveness = new Liveness(given)
  liveness.start()
  liveness.beat()
  await heard.fired
  await liveness.stop()
  await link.close()
  assert.deepEqual(warnings, [])
})

for (const thread of [true, false]) {
  test(`beats say for how long nothing has come of the tasks that are held: ${thread ? 'the thread' : 'the main thread'}`, async (t) => {
    const server = await startNatsServer()
    const connection = { access: checkNatsSettings({ servers: server.url }), name: 'test' }
    const { liveness, beats, activity } = await startLiveness(t, { connection, thread, isMute: thread, stopServer: server.stop })
    const next = async () => {
      const { length } = beats
      return eventually('a beat', () => {
        liveness.beatNow()
        return beats[length]
      })
    }
    assert.equal((await next())['idleMs'], undefined, 'nothing is held')
    activity.began()
    await eventually('it is idle', async () => Number((await next())['idleMs']) >= 500)
    activity.sign()
    await eventually('it is not', async () => Number((await next())['idleMs']) < 500)
    activity.settled()
    await eventually('it holds nothing', async () => (await next())['idleMs'] === undefined)
  })
}

test('a registry that asks for this process gets an answer from the thread', async (t) => {
  const server = await startNatsServer()
  const connection = { access: checkNatsSettings({ servers: server.url }), name: 'test' }
  const { connection: main } = await startLiveness(t, { connection, isMute: true, stopServer: server.stop })
  const answer = await eventually('an answer', () => main.request('sessions', '', { timeout: 500 }).catch(() => undefined))
  assert.deepEqual(answer.json(), { alive: true })
})

test('the thread receives deliveries as well while they are few; after a burst of more than 100 it unsubscribes', async (t) => {
  const server = await startNatsServer()
  const given = { access: checkNatsSettings({ servers: server.url }), name: 'test' }
  const { connection, liveness } = await startLiveness(t, { connection: given, stopServer: server.stop })
  liveness.watchInbox('inbox')
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'T', subjects: ['t'] })
  await manager.consumers.add('T', { durable_name: 'c', ack_policy: 'explicit' })
  for (let i = 0; i < 200; i++) connection.publish('t', '')
  const pull = (batch: number) =>
    connection.publish('$JS.API.CONSUMER.MSG.NEXT.T.c', JSON.stringify({ batch, no_wait: true }), { reply: 'inbox.0' })
  const delivered = async () => (await manager.consumers.info('T', 'c')).delivered.consumer_seq
  /** The broker says so when nobody subscribes. */
  const isReceived = () =>
    connection
      .request('inbox.0', '', { timeout: 100 })
      .catch((error: unknown) => !(error instanceof RequestError && error.isNoResponders()))
  await eventually('it subscribes', isReceived)
  pull(100)
  await eventually('100 are delivered', async () => (await delivered()) === 100)
  assert.ok(await isReceived())
  pull(100)
  await eventually('it has unsubscribed', async () => !(await isReceived()))
})
