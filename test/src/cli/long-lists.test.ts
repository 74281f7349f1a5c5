import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type LogMessage, type LogView, type RunView, subjects } from '@carillon/contracts'
import { connect } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { jetstream } from '@nats-io/jetstream'
import { connect as connectNats } from '@nats-io/transport-node'
import { type Cli, cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

const [MESSAGES, LINES] = [200, 100]

describe('long lists, by the command line', () => {
  const cleanup = new Cleanup({ after })
  let url: string
  let carillon: Cli
  before(async () => {
    url = (await startUp(cleanup)).url
    carillon = cliFor(cleanup, url)
  })

  test('logs --json of 20,000 lines is one array with each of them in order', async () => {
    const mesh = await connect({ servers: url, service: 'reader' })
    cleanup.add('reader', () => mesh.stop())
    const runId = '0000000000long0logs0000000'
    await publishLines(url, runId)
    const newest = async () => (await mesh.client.logs.query({ runId, order: 'newest', limit: 1 })).items[0]?.seq
    await eventually('all are stored', async () => (await newest()) === MESSAGES * LINES)
    const { code, json } = await carillon(['logs', runId, '--json'])
    assert.equal(code, 0)
    const seqs = json<LogView[]>().map(({ seq }) => seq)
    assert.deepEqual(
      seqs,
      Array.from({ length: MESSAGES * LINES }, (_, index) => index + 1),
    )
    const some = (await carillon(['logs', runId, '--json', '--newest', '--limit', '1500'])).json<LogView[]>()
    assert.deepEqual([some.length, some[0]?.seq], [1_500, MESSAGES * LINES])
    let count = 0
    for await (const _ of mesh.client.logs.query({ runId, limit: 1_000 })) count += 1
    assert.equal(count, MESSAGES * LINES)
  })

  test('runs list is a page of --limit entries, with --all every run', async () => {
    const mesh = await connect({ servers: url, service: 'starter' })
    cleanup.add('starter', () => mesh.stop())
    await mesh.client.runMany(Array.from({ length: 250 }, () => ({ job: 'hello', delayMs: 3_600_000 })))
    const list = ['runs', 'list', '--state', 'delayed']
    assert.equal((await carillon([...list, '--limit', '20', '--json'])).json<RunView[]>().length, 20)
    const all = (await carillon([...list, '--limit', '20', '--all', '--json'])).json<RunView[]>()
    assert.equal(new Set(all.map(({ runId }) => runId)).size, 250)
    const { stdout, stderr } = await carillon([...list, '--all'])
    assert.deepEqual([stdout.trimEnd().split('\n').length, stderr], [251, ''])
    assert.match((await carillon(list)).stderr, /There are more/)
  })
})

/** Lines as an executor ships them, of one attempt and one millisecond. */
async function publishLines(servers: string, runId: string): Promise<void> {
  const connection = await connectNats({ servers })
  const stream = jetstream(connection, REQUEST_DEADLINE)
  const at = new Date().toISOString()
  for (let message = 0; message < MESSAGES; message++) {
    const lines = Array.from({ length: LINES }, (_, index) => {
      const seq = message * LINES + index + 1
      return { seq, at, level: 'info' as const, message: `line ${seq}` }
    })
    const body: LogMessage = { runId, taskId: runId, attempt: 1, instance: 'writer', lines }
    await stream.publish(subjects.log('default', runId), JSON.stringify(body))
  }
  await connection.close()
}
