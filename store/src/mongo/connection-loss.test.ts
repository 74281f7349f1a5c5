import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { MongoDatabase } from './database.ts'
import { dropDatabase, freshDatabase, SKIP_WITHOUT_ENGINE } from './test-database.ts'

/** Of the pool: all of them are struck. */
const CONNECTIONS = 16
const COMMANDS = 20
/** More than sockets buffer. */
const LARGE = 'x'.repeat(4 * 1024 * 1024)

/** What happens to a connection in the middle of a large command. */
const BLOWS: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'the connection is reset': (socket) => setImmediate(() => socket.resetAndDestroy()),
  'nobody reads any more': () => undefined,
}

for (const [what, strike] of Object.entries(BLOWS)) {
  test(`mongodb: ${what} while large commands are being written: they are sent again, no connection is lost`, {
    skip: SKIP_WITHOUT_ENGINE,
  }, async (context) => {
    const fresh = freshDatabase()
    const proxy = await startProxy(new URL(fresh.url), strike)
    const database = new MongoDatabase({ ...fresh, url: proxy.url, readOnly: false, answerWithinMs: 3_000 })
    context.after(async () => {
      await database.close()
      await proxy.stop()
      await dropDatabase(fresh)
    })
    await database.connect()
    const find = () => database.read((signal) => database.collection('large').findOne({ text: LARGE }, { signal }))
    proxy.isBroken = true
    const found = Promise.all(Array.from({ length: COMMANDS }, find))
    await proxy.struck
    proxy.isBroken = false
    assert.deepEqual(await found, Array(COMMANDS).fill(null))
  })
}

/** Between a client and its engine. While it is broken, a command that comes in many pieces is struck in its middle. */
async function startProxy(engine: URL, strike: (socket: Socket) => unknown) {
  let onStruck: () => void
  let strikes = 0
  const sockets = new Set<Socket>()
  const state = { isBroken: false, url: '', struck: new Promise<void>((resolve) => (onStruck = resolve)), stop }
  const server = createServer((socket) => {
    const upstream = connect(Number(engine.port), engine.hostname)
    sockets.add(socket)
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    upstream.pipe(socket)
    socket.on('data', (bytes) => {
      if (!state.isBroken || bytes.length < 32 * 1024) return void upstream.write(bytes)
      socket.pause()
      strike(socket)
      if (++strikes === CONNECTIONS) onStruck()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(engine)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  url.searchParams.set('directConnection', 'true')
  state.url = url.href
  return state

  async function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
}
