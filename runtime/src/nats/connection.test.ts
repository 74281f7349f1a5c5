import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { createTestLog, eventually, startNatsServer } from '../testing/index.ts'
import { connectBroker } from './connection.ts'

const connect = (natsUrl: string) => connectBroker({ nats: { servers: natsUrl }, name: 'test', log: createTestLog().log })

/** A server that says hello as nats-server of that version does, and answers pings. */
async function helloServer(context: TestContext, info: object, answerOf = (_said: string) => ''): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.write(`INFO ${JSON.stringify({ server_id: 'X', max_payload: 1_048_576, headers: true, proto: 1, ...info })}\r\n`)
    socket.on('data', (chunk) => {
      const answer = answerOf(String(chunk))
      if (answer) socket.write(answer)
      if (chunk.includes('PING')) socket.write('PONG\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('nobody there: the address is named, without its password', async () => {
  await assert.rejects(connect('nats://ada:secret@127.0.0.1:1'), (error: CarillonError) => {
    assert.equal(error.code, 'NATS_UNAVAILABLE')
    assert.match(error.message, /nats:\/\/127\.0\.0\.1:1/)
    assert.doesNotMatch(JSON.stringify(error.toBody()), /secret/)
    return error.retry
  })
})

test('a server that is too old is named with its version', async (context) => {
  for (const version of ['2.11.9', '2.9.0', '1.4.1']) {
    const url = await helloServer(context, { version, jetstream: true })
    await assert.rejects(connect(url), (error: CarillonError) => {
      assert.deepEqual([error.code, error.details.value], ['NATS_TOO_OLD', version])
      return error.message.includes('2.12')
    })
  }
})

test('a user who may not ask JetStream is named as such; JetStream is not reported as missing', async (context) => {
  const violation = `-ERR 'Permissions Violation for Publish to "$JS.API.INFO"'\r\n`
  const answerOf = (said: string) => (said.includes('PUB $JS.API.INFO') ? violation : '')
  const url = await helloServer(context, { version: '2.15.2', jetstream: true }, answerOf)
  await assert.rejects(connect(url), (error: CarillonError) => {
    assert.equal(error.code, 'AUTH_FAILED')
    assert.match(error.message, /Permissions Violation for Publish to "\$JS\.API\.INFO"/)
    return true
  })
})

test('JetStream that does not answer is not reached; that passes', async (context) => {
  const url = await helloServer(context, { version: '2.15.2', jetstream: true })
  await assert.rejects(connect(url), { code: 'NATS_UNAVAILABLE', retry: true })
})

test('a service that waits for JetStream goes on as soon as it answers', async (context) => {
  let sid = ''
  const answers = [
    undefined,
    { error: { code: 503, err_code: 10_008, description: 'JetStream system temporarily unavailable' } },
    { memory: 0, storage: 0, streams: 0, consumers: 0, limits: {}, api: {} },
  ]
  const answerOf = (said: string) => {
    sid = /SUB _INBOX\S+ (\S+)/.exec(said)?.[1] ?? sid
    const inbox = /PUB \$JS\.API\.INFO (\S+)/.exec(said)?.[1]
    const answer = inbox && JSON.stringify(answers.length > 1 ? answers.shift() : answers[0])
    return answer ? `MSG ${inbox} ${sid} ${answer.length}\r\n${answer}\r\n` : ''
  }
  const url = await helloServer(context, { version: '2.15.2', jetstream: true }, answerOf)
  const { log, lines } = createTestLog()
  const broker = await connectBroker({ nats: { servers: url }, name: 'test', log, answersWithinMs: 30_000 })
  await broker.connection.close()
  const warnings = lines.filter(({ evt }) => evt === 'nats.unanswered').map(({ err }) => (err as Error).message)
  assert.match(warnings[0] ?? '', /does not answer/)
  assert.match(warnings[1] ?? '', /has no leader/)
  assert.equal(warnings.length, 2)
})

test('a server without JetStream is refused', async (context) => {
  const server = await startNatsServer({ jetStream: false })
  context.after(() => server.stop())
  await assert.rejects(connect(server.url), { code: 'JETSTREAM_MISSING' })
})

test('after a reconnect the callbacks are called, each, though one fails', async (context) => {
  const { log, lines } = createTestLog()
  const server = await startNatsServer()
  const broker = await connectBroker({ nats: { servers: server.url }, name: 'test', log })
  context.after(async () => {
    await broker.close()
    await server.stop()
  })
  let called = 0
  broker.onReconnect(() => Promise.reject(new Error('no')))
  broker.onReconnect(async () => void called++)
  await server.kill()
  await eventually('it is away', () => lines.some(({ evt }) => evt === 'nats.disconnected'))
  await server.restart()
  await eventually('it is back', () => called === 1)
  assert.ok(lines.some(({ evt }) => evt === 'nats.reconnect-failed'))
  await broker.close()
  await broker.close()
})
