import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RunEndedEvent, RunView } from '@carillon/contracts'
import { eventually } from '@carillon/wire/testing'
import { type Cli, cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { natsCli, SKIP_WITHOUT_NATS_CLI } from '../support/nats-cli.ts'

describe('the plain NATS command line', { skip: SKIP_WITHOUT_NATS_CLI }, () => {
  const cleanup = new Cleanup({ after })
  let carillon: Cli
  let nats: ReturnType<typeof natsCli>
  before(async () => {
    const up = await startUp(cleanup)
    carillon = cliFor(cleanup, up.url)
    nats = natsCli(cleanup, up.url)
  })

  test('nats pub is a trigger', async () => {
    const { code, stderr } = await nats.run('pub', 'carillon.default.trigger.report', '{"day":1}')
    assert.equal(code, 0, stderr)
    const { runId } = await eventually('it has run', async () => {
      const runs = (await carillon(['runs', 'list', '--json'])).json<RunView[]>()
      return runs.find(({ handler, state }) => handler === 'report' && state === 'succeeded')
    })
    const run = (await carillon(['runs', 'get', runId, '--json'])).json<RunView>()
    assert.deepEqual([run.trigger, run.payload, (run.result as { day: number }).day], ['stream', { day: 1 }, 1])
  })

  test('nats pub with headers: one key is one run', async () => {
    for (let i = 0; i < 3; i++)
      await nats.run(
        'pub',
        '-H',
        'Carillon-Key: order-1',
        '-H',
        'Carillon-Delay-Ms: 60000',
        'carillon.default.trigger.hello',
        '{"name":"Ada"}',
      )
    const runs = await eventually('it is there', async () => {
      const found = (await carillon(['runs', 'list', '--state', 'delayed', '--json'])).json<RunView[]>()
      return found.length > 0 ? found : undefined
    })
    assert.equal(runs.length, 1)
    const { key, payload } = (await carillon(['runs', 'get', runs[0]?.runId ?? '', '--json'])).json<RunView>()
    assert.deepEqual([key, payload], ['order-1', { name: 'Ada' }])
  })

  test('nats req is a client: plain JSON in, plain JSON out', async () => {
    const { code, stdout } = await nats.run('req', '--raw', 'carillon.default.api.jobs.run', '{"job":"report","payload":{"day":1}}')
    assert.equal(code, 0)
    const { runId, ...rest } = JSON.parse(stdout) as { runId: string }
    assert.deepEqual(rest, { created: true })
    const asked = await eventually('its end is there', async () => {
      const { stdout: text } = await nats.run('req', '--raw', 'carillon.default.api.runs.get', JSON.stringify({ runId }))
      const view = JSON.parse(text) as RunView
      return view.state === 'succeeded' ? view : undefined
    })
    assert.equal((asked.result as { day: number }).day, 1)
    const wrong = await nats.run('req', '--raw', 'carillon.default.api.jobs.run', '{"job":"a b"}')
    assert.deepEqual((JSON.parse(wrong.stdout) as { error: { code: string } }).error.code, 'INVALID_NAME')
  })

  test('nats sub hears events, live signals and log lines', async () => {
    const ears = {
      event: nats.start('sub', 'carillon.default.event.>'),
      live: nats.start('sub', 'carillon.default.live.>'),
      log: nats.start('sub', 'carillon.default.log.>'),
    }
    await Promise.all(Object.values(ears).map((ear) => ear.shows(/Subscribing on/)))
    let runId = ''
    // It says that it subscribes before the server knows: run until it is heard.
    await eventually('all three hear a run', async () => {
      runId = (await carillon(['run', 'report', '{"day":2}', '--json'])).json<RunView>().runId
      return Object.values(ears).every((ear) => ear.stdout().includes(runId))
    })
    const [, body = ''] = await ears.event.shows(
      new RegExp(`carillon\\.default\\.event\\.run\\.${runId}\\.succeeded"?[^\\n]*\\n(?:[A-Z][^\\n]*\\n)*\\n?(\\{[^\\n]*\\})`),
    )
    const event = JSON.parse(body) as RunEndedEvent
    assert.deepEqual([event.runId, event.state, event.reason, event.handler], [runId, 'succeeded', 'completed', 'report'])
    await ears.live.shows(new RegExp(`carillon\\.default\\.live\\.run\\.${runId}\\.created`))
    await ears.live.shows(new RegExp(`carillon\\.default\\.live\\.run\\.${runId}\\.progress`))
    await ears.log.shows(new RegExp(`carillon\\.default\\.log\\.${runId}[^]*the report begins`))
  })

  test('nats sub shows every message that was rejected, with the command that doctor advises', async () => {
    await nats.run('pub', 'carillon.default.trigger.hello', 'no JSON')
    const advised = await eventually('doctor has found it', async () => {
      const { stdout } = await carillon(['doctor'])
      return /To see them all: nats (.*) '(.*)'\n/.exec(stdout) ?? undefined
    })
    const [, words = '', filter = ''] = advised
    const { code, stdout, stderr } = await nats.run(...words.split(' '), filter)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /"subject":"carillon\.default\.trigger\.hello","code":"INVALID_JSON"/)
  })

  test('nats micro ls shows the services, and what each answers', async () => {
    const { code, stdout } = await nats.run('micro', 'ls')
    assert.equal(code, 0)
    for (const service of ['carillon-coordinator', 'carillon-registry', 'carillon-logger']) assert.match(stdout, new RegExp(service))
    const info = await nats.run('micro', 'info', 'carillon-coordinator')
    assert.match(info.stdout, /jobs-run/)
    assert.match(info.stdout, /Start one run/)
  })
})
