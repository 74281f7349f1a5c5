import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { isTransient } from './mongo-error.ts'
import { orNoAnswer } from './retry.ts'

test('mongodb: a command whose answer never comes fails as over a broken connection', async () => {
  await assert.rejects(orNoAnswer(new Promise(() => undefined), 10), isTransient)
  assert.equal(await orNoAnswer(Promise.resolve('answer'), 10), 'answer')
  await assert.rejects(orNoAnswer(Promise.reject(new Error('as it is')), 10), /as it is/)
})

test('node: a socket that is closed while it is written to never drains', async (context) => {
  const server = createServer((socket) => socket.pause()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  await once(socket, 'connect')
  assert.equal(socket.write(Buffer.alloc(64 * 1024 * 1024)), false)
  const drained = once(socket, 'drain').then(() => 'drained')
  socket.destroy()
  await once(socket, 'close')
  await assert.rejects(orNoAnswer(drained, 50), isTransient)
})
