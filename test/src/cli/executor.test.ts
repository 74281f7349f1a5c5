/** `carillon executor` beside `carillon up`, each as someone types it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunView } from '@carillon/contracts'
import { type Client, connect } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { type Cli, cliFor, startCli, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { isAlive } from '../support/processes.ts'

describe('the executor of built-in handlers', () => {
  const cleanup = new Cleanup({ after })
  let carillon: Cli
  let client: Client
  before(async () => {
    const { url } = await startUp(cleanup, { demo: false })
    carillon = cliFor(cleanup, url)
    const file = join(cleanup.folder(), 'token')
    writeFileSync(file, 'a-token-of-the-test')
    const env = { API_TOKEN_FILE: file }
    const start = (...options: string[]) => startCli(cleanup, ['executor', ...options, '--nats', url], { env })
    const executor = start('--http', '3', '--command', '4', '--allow', 'sh -c, echo', '--sharding-demo', '2')
    const inside = start('--http', '--secret', 'API_TOKEN', '--allow-private', '--namespace', 'inside')
    const mesh = await connect({ servers: url, service: 'test' })
    cleanup.add('the client', () => mesh.stop())
    client = mesh.client
    await executor.shows(/^The executor offers http, command, sharding-demo\./m)
    await inside.shows(/^The executor offers http\./m)
  })
  const run = async (...words: string[]) => (await carillon(['run', ...words, '--json'])).json<RunView>()

  test('offers each handler with its limit', async () => {
    for await (const { handlers, capacity } of client.instances.list())
      assert.deepEqual([[...handlers].sort(), capacity], [['command', 'http', 'sharding-demo'], 9])
  })

  test('runs one of each; what is in this machine no request reaches', async () => {
    const [command, shards, refused] = await Promise.all([
      run('command', '{"command":"echo","args":["it is","$HOME"]}'),
      run('sharding-demo', '{"numbers":10}', '--shards', '3'),
      run('http', '{"url":"http://localhost:4222/"}'),
    ])
    assert.deepEqual([command.state, (command.result as { lines: string[] }).lines], ['succeeded', ['it is $HOME']])
    assert.deepEqual([shards.state, shards.result], ['succeeded', { tasks: { succeeded: 3 } }])
    assert.deepEqual([refused.state, refused.reason], ['failed', 'non-retryable'])
    assert.match(
      refused.failure?.message ?? '',
      /^url is wrong: localhost leads to (127\.0\.0\.1|::1), which is no public address \(loopback\)/,
    )
  })

  test('with --allow-private it does, with a secret that is not shown', async (t) => {
    const server = createServer(
      (request, to) => void to.end(`hello, ${request.headers.authorization} of ${request.headers.authorization?.length}`),
    ).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const payload = JSON.stringify({ url, headers: { authorization: { secret: 'API_TOKEN' } }, expect: { bodyContains: 'hello' } })
    const { state, result } = await run('http', payload, '--namespace', 'inside')
    const { status, body } = result as { status: number; body: string }
    assert.deepEqual([state, status, body], ['succeeded', 200, 'hello, *** of 19'])
  })

  test('a cancelled command ends with all that it started', async () => {
    const { id } = await client.run('command', { command: 'sh', args: ['-c', 'sleep 600 & echo $!; echo $$; wait'] })
    const pids: number[] = []
    for await (const { message } of client.tailLogs(id)) if (pids.push(Number(message)) === 2) break
    assert.ok(pids.every(isAlive))
    assert.equal((await carillon(['runs', 'cancel', id])).code, 0)
    await eventually('the processes are gone', () => !pids.some(isAlive))
    await eventually('it is cancelled', async () => (await client.runs.get(id)).state === 'cancelled')
  })
})
