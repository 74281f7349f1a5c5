/** `carillon executor` beside `carillon up`, each as someone types it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { InstanceView, LogView, RunView } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { type Cli, cliFor, startCli, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { isAlive } from '../support/processes.ts'

describe('the executor of built-in handlers', () => {
  const cleanup = new Cleanup({ after })
  let carillon: Cli
  before(async () => {
    const { url } = await startUp(cleanup, { demo: false })
    carillon = cliFor(cleanup, url)
    const executor = startCli(cleanup, ['executor', '--command', '4', '--allow', 'sh -c, echo', '--sharding-demo', '2', '--nats', url])
    await executor.shows(/^The executor offers command, sharding-demo\./m)
  })
  const run = async (...words: string[]) => (await carillon(['run', ...words, '--json'])).json<RunView>()

  test('offers each handler with its limit and its schema', async () => {
    const [executor] = (await carillon(['instances', 'list', '--json'])).json<InstanceView[]>()
    assert.deepEqual([...(executor?.handlers ?? [])].sort(), ['command', 'sharding-demo'])
    assert.equal(executor?.capacity, 6)
  })

  test('runs one of each', async () => {
    const [command, shards, denied] = await Promise.all([
      run('command', '{"command":"echo","args":["it is","$HOME"]}'),
      run('sharding-demo', '{"numbers":10}', '--shards', '3'),
      run('command', '{"command":"rm","args":["-r","/"]}'),
    ])
    assert.deepEqual([command.state, (command.result as { lines: string[] }).lines], ['succeeded', ['it is $HOME']])
    assert.deepEqual([shards.state, shards.result], ['succeeded', { tasks: { succeeded: 3 } }])
    assert.deepEqual([denied.state, denied.reason], ['failed', 'non-retryable'])
    assert.match(denied.failure?.message ?? '', /^command is wrong: "rm"\. This executor allows: sh -c, echo\./)
  })

  test('a cancelled command ends with all that it started', async () => {
    const payload = JSON.stringify({ command: 'sh', args: ['-c', 'sleep 600 & echo $!; echo $$; wait'] })
    const { runId } = (await carillon(['run', 'command', payload, '--detach', '--json'])).json<RunView>()
    const pids = await eventually('it has started', async () => {
      const lines = (await carillon(['logs', runId, '--json'])).json<LogView[]>()
      return lines.length === 2 && lines.map(({ message }) => Number(message))
    })
    assert.ok(pids.every(isAlive))
    assert.equal((await carillon(['runs', 'cancel', runId])).code, 0)
    await eventually('the processes are gone', () => !pids.some(isAlive))
    await eventually(
      'it is cancelled',
      async () => (await carillon(['runs', 'get', runId, '--json'])).json<RunView>().state === 'cancelled',
    )
  })
})
