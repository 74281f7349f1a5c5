import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { startBroker } from '../support/broker.ts'
import { cliFor, startCli, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

/** From here on doctor does not look at each message of the queue. */
const MANY = 10_000

describe('carillon doctor', { concurrency: true }, () => {
  test('names handlers that have work and are not offered', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup)
    const carillon = cliFor(cleanup, up.url)
    for (const handler of ['nobody', 'nobody', 'no-one']) await carillon(['run', handler, '-d'])
    await carillon(['run', 'hello', '--delay', '1h', '-d'])
    // A start is answered when the run is stored; its message follows.
    const { code, stdout } = await eventually('all three are queued', async () => {
      const outcome = await carillon(['doctor'])
      return /nobody: 2 tasks/.test(outcome.stdout) && /no-one: 1 task/.test(outcome.stdout) ? outcome : undefined
    })
    assert.equal(code, 1)
    assert.match(stdout, /✗ handler nobody: 2 tasks wait, and no live instance offers it\n +→ Start an executor that offers it\./)
    assert.match(stdout, /✗ handler no-one: 1 task waits, and no live instance offers it\n/)
    assert.match(stdout, /Wrong: handler nobody, handler no-one\n$/)
    assert.equal((await carillon(['doctor', '--namespace', 'elsewhere'])).stdout.includes('handler no'), false)
  })

  test('with a long queue it says so of handlers that were offered once', async (context) => {
    const cleanup = new Cleanup(context)
    const broker = await startBroker(cleanup)
    const carillon = cliFor(cleanup, broker.url)
    startCli(cleanup, ['registry', '--nats', broker.url])
    await eventually('the registry is well', async () => (await carillon(['health', 'registry'])).code === 0, { everyMs: 200 })
    const demo = startCli(cleanup, ['demo', '--nats', broker.url])
    await demo.shows(/offers hello/)
    demo.signal('SIGTERM')
    await demo.exited
    const nats = await connect({ servers: broker.url })
    cleanup.add('the connection', () => nats.close())
    const stream = jetstream(nats, REQUEST_DEADLINE)
    await Promise.all(Array.from({ length: MANY }, (_, index) => stream.publish(`carillon.default.work.hello.normal.${index}`, '{}')))
    const { stdout } = await carillon(['doctor'])
    assert.match(stdout, /✗ handler hello: 10,000 tasks wait, and no live instance offers it\n/)
    assert.match(stdout, /✓ handlers: handlers that were never offered are not checked: 10,000 messages\n/)
  })

  test('says that a queue is paused, and how to go on', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup)
    const carillon = cliFor(cleanup, up.url)
    const nats = await connect({ servers: up.url })
    cleanup.add('the connection', () => nats.close())
    const { consumers } = await jetstreamManager(nats, REQUEST_DEADLINE)
    await consumers.pause('WORK', 'default~hello', new Date(Date.now() + 3_600_000))
    const { code, stdout } = await carillon(['doctor'])
    assert.equal(code, 1)
    assert.match(
      stdout,
      /✗ work for default\/hello: paused for (59|60) more minutes: 0 waiting, 0 under way\n +→ .*nats consumer resume WORK default~hello\n/,
    )
    await consumers.resume('WORK', 'default~hello')
    await eventually('well', async () => (await carillon(['doctor'])).code === 0)
  })

  test('says since when and until when a message that was rejected is a finding, and how to see it', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup)
    const carillon = cliFor(cleanup, up.url)
    const nats = await connect({ servers: up.url })
    cleanup.add('the connection', () => nats.close())
    nats.publish('carillon.default.trigger.hello', 'no JSON')
    const { stdout } = await eventually('it is rejected', async () => {
      const outcome = await carillon(['doctor'])
      return outcome.code === 1 ? outcome : undefined
    })
    assert.match(stdout, /✗ rejected messages: in the last 10 minutes, the newest .* on carillon\.default\.trigger\.hello: INVALID_JSON, /)
    assert.match(stdout, /; 1 message in all; without another this finding ends in (9|10) min \(.*\d\d:\d\d.*\)\n/)
    assert.match(stdout, / → .*nats sub --stream EVENTS --all --wait 1s 'carillon\.\*\.event\.message\.\*\.rejected'\n/)
  })
})
