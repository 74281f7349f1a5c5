import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { VERSION } from '@carillon/contracts'
import { REQUEST_DEADLINE } from '@carillon/wire/testing'
import type { Service } from './lifecycle.ts'
import { RejectedMessages } from './nats/incoming.ts'
import { keptStream, StreamKeeper } from './nats/stream-keeper.ts'
import { controllerOf } from './nest/controllers.ts'
import { type Composition, type Connected, startService } from './start-service.ts'
import { startTestBroker, type TestBroker } from './testing/index.ts'

let base: TestBroker
after(() => base.stop())
before(async () => {
  base = await startTestBroker([])
})

/** A logger whose parts say when they start and stop. */
function composeOn(connected: Connected, { events, failing = '' }: { events: string[]; failing?: string }): Composition {
  const { broker, clock, log, publisher, stopping } = connected
  const part = (name: string): Service => ({
    start: async () => {
      if (name === failing) throw new Error(`${name} fails`)
      const { isThere } = await ask()
      events.push(`${name} starts, calls are ${isThere ? '' : 'not '}answered`)
    },
    stop: async () => void events.push(`${name} stops, ${stopping.aborted ? 'asked to' : 'by itself'}`),
  })
  const keeper = new StreamKeeper({ broker, clock, log, kept: [keptStream(broker, 'LOGS', { replicas: 1 })] })
  return {
    keeper,
    needed: [part('needed')],
    controller: controllerOf('logger', [
      {
        answers: {
          logsQuery: () => ({ items: [] }),
          logsSearch: () => ({ items: [], applied: {} }),
          loggerHealth: () => ({ service: 'logger', id: connected.id, version: VERSION, uptimeMs: 0, checks: [] }),
        },
      },
    ]),
    batches: { maxMessages: 1, maxInFlight: 1 },
    rejected: new RejectedMessages(publisher, log),
    clock,
    loops: [part('loop')],
    health: async () => ({ service: 'logger', id: connected.id, version: VERSION, uptimeMs: 0, checks: [keeper.check()] }),
  }
}

const ask = () =>
  base.broker.connection.request('carillon.shop.api.logger.health', '{}', REQUEST_DEADLINE).then(
    () => ({ isThere: true }),
    () => ({ isThere: false }),
  )
const options = () => ({ nats: { servers: base.server.url }, log: base.log, id: 'logger-1' })

test('streams and what calls need come before calls, loops after; the end is the reverse, once', async () => {
  const events: string[] = []
  const service = await startService('logger', options(), (connected) => composeOn(connected, { events }))
  assert.deepEqual(events.splice(0), ['needed starts, calls are not answered', 'loop starts, calls are answered'])
  assert.deepEqual((await service.health()).checks.length, 1)
  await base.broker.manager.streams.info('LOGS')
  await Promise.all([service.stop(), service.stop()])
  assert.deepEqual(events, ['loop stops, asked to', 'needed stops, asked to'])
  assert.equal((await ask()).isThere, false)
})

test('a service of which a part does not start is stopped wholly', async () => {
  for (const [failing, stopped] of [
    ['needed', []],
    ['loop', ['needed stops, asked to']],
  ] as const) {
    const events: string[] = []
    await assert.rejects(
      startService('logger', options(), (connected) => composeOn(connected, { events, failing })),
      { message: `${failing} fails` },
    )
    assert.deepEqual(
      events.filter((event) => event.includes('stops')),
      stopped,
    )
    assert.equal((await ask()).isThere, false)
  }
})
