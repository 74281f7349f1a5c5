import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { JobView, RunView } from '@carillon/contracts'
import { eventually, within } from '@carillon/wire/testing'
import { cliFor, startCli, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { silentServer } from '../support/foreign-server.ts'
import { isAlive, launch } from '../support/processes.ts'

describe('carillon up', { concurrency: 3 }, () => {
  test('Ctrl-C leaves nothing running, and the next start finds everything again', async (context) => {
    const cleanup = new Cleanup(context)
    const data = cleanup.folder()
    const up = await startUp(cleanup, { data })
    const shown = up.process.stdout()
    for (const part of [
      /nats-server at nats:\/\//,
      /registry, coordinator, logger and gateway/,
      /hello, report, flaky, slow/,
      /Three things to try/,
    ])
      assert.match(shown, part)
    assert.match(shown.trimEnd(), /Carillon is ready · nats:\/\/127\.0\.0\.1:\d+$/)
    const carillon = cliFor(cleanup, up.url)
    const done = (await carillon(['run', 'hello', '{"name":"Ada"}', '--json'])).json<RunView>()
    await carillon(['jobs', 'put', 'report', '--cron', '*/5 * * * * *', '--timezone', 'Europe/Paris'])
    const waiting = (await carillon(['run', 'hello', '{"name":"Bob"}', '--delay', '60d', '-d', '--json'])).json<RunView>()
    const interrupted = (await carillon(['run', 'slow', '{"ms":60000}', '-d', '--json'])).json<RunView>()
    const unoffered = (await carillon(['run', 'nobody', '-d', '--json'])).json<RunView>()
    await eventually('the slow one runs', async () => {
      return (await carillon(['runs', 'get', interrupted.runId, '--json'])).json<RunView>().state === 'running'
    })
    const pids = [up.process.pid, up.pids.nats, up.pids.demo as number]
    assert.ok(pids.every(isAlive))
    up.process.signalGroup('SIGINT')
    assert.deepEqual(await within(60_000, 'it ends after Ctrl-C', up.process.exited), { code: 0, signal: null })
    assert.match(up.process.stdout(), /Carillon has stopped\.\n$/)
    assert.deepEqual(pids.filter(isAlive), [], 'nothing is left running')

    const again = await startUp(cleanup, { data })
    const after = cliFor(cleanup, again.url)
    const view = async (runId: string) => (await after(['runs', 'get', runId, '--json'])).json<RunView>()
    assert.deepEqual((await view(done.runId)).result, { greeting: 'Hello, Ada!' })
    assert.equal((await after(['logs', done.runId, '--json'])).json<unknown[]>().length, 2)
    assert.deepEqual([(await view(waiting.runId)).state, (await view(unoffered.runId)).state], ['delayed', 'queued'])
    const [job] = (await after(['jobs', 'list', '--json'])).json<JobView[]>()
    assert.deepEqual([job?.name, job?.state], ['report', 'active'])
    await eventually('the job goes on firing', async () => {
      const runs = (await after(['runs', 'list', '--job', 'report', '--json'])).json<RunView[]>()
      return runs.some(({ state, createdAt }) => state === 'succeeded' && createdAt > (job?.updatedAt ?? ''))
    })
    await eventually('what was interrupted runs again', async () => (await view(interrupted.runId)).state === 'running')
    assert.equal((await after(['runs', 'cancel', interrupted.runId])).code, 0)
  })

  test('kill -9 of it all: the next start takes over what is left and goes on', async (context) => {
    const cleanup = new Cleanup(context)
    const data = cleanup.folder()
    const up = await startUp(cleanup, { data })
    const carillon = cliFor(cleanup, up.url)
    const run = (await carillon(['run', 'slow', '{"ms":8000}', '-d', '--json'])).json<RunView>()
    await carillon(['jobs', 'put', 'tick', '--handler', 'hello', '--every', '1s'])
    await eventually('it runs', async () => (await carillon(['runs', 'get', run.runId, '--json'])).json<RunView>().state === 'running')
    await up.process.kill9()
    await eventually('the demo has noticed', () => !isAlive(up.pids.demo as number))
    const again = await startUp(cleanup, { data })
    assert.ok(!isAlive(up.pids.nats), 'the old nats-server does not run beside the new one')
    const after = cliFor(cleanup, again.url)
    await eventually(
      'the run ends',
      async () => (await after(['runs', 'get', run.runId, '--json'])).json<RunView>().state === 'succeeded',
      { everyMs: 200 },
    )
    const ticks = async () => (await after(['runs', 'list', '--job', 'tick', '--json'])).json<RunView[]>()
    // The share of the coordinator that was killed is taken over when it has been silent for ten seconds.
    await eventually('the job fires', async () => (await ticks()).length > 0, { everyMs: 200 })
    const runs = await ticks()
    assert.equal(new Set(runs.map(({ slot }) => slot)).size, runs.length, 'each slot is one run')
    // The executor that was killed with it is a finding until it is lost.
    await eventually('the doctor finds nothing wrong', async () => (await after(['doctor'])).code === 0, { everyMs: 200 })
  })

  test('a second one on the same folder is refused and says who has it', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup, { demo: false })
    const second = startCli(cleanup, ['up', '--port', '0', '--data', up.data])
    assert.deepEqual(await second.exited, { code: 1, signal: null })
    assert.match(second.stderr(), new RegExp(`^error DATA_FOLDER_IN_USE: .*process ${up.process.pid}\\.`))
    assert.match(second.stderr(), /hint: .*--data/)
    await eventually('the first is not disturbed', async () => (await cliFor(cleanup, up.url)(['health', 'coordinator'])).code === 0)
  })

  test('a port that is taken is refused, and nothing is left running', async (context) => {
    const cleanup = new Cleanup(context)
    const taken = createServer()
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
    )
    cleanup.add('the port', () => taken.close())
    const data = cleanup.folder()
    const refused = startCli(cleanup, ['up', '--port', String(port), '--data', data])
    assert.deepEqual(await refused.exited, { code: 1, signal: null })
    assert.match(refused.stderr(), new RegExp(`^error PORT_IN_USE: .*${port}`))
    assert.match(refused.stderr(), /hint: .*--port/)
    await startUp(cleanup, { data, demo: false })
  })

  test('a broker that dies is started again where it was, and the executor comes back', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup)
    process.kill(up.pids.nats, 'SIGKILL')
    await up.process.shows(/nats-server ended by itself .*starting it again/)
    await up.process.shows(/nats-server runs again/)
    const { code, stdout } = await cliFor(cleanup, up.url)(['run', 'hello', '{"name":"Eve"}', '--json'])
    assert.equal(code, 0, stdout)
  })

  test('the demo that dies is started again', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup)
    process.kill(up.pids.demo as number, 'SIGKILL')
    await up.process.shows(/the demo executor runs again/)
    assert.equal((await cliFor(cleanup, up.url)(['run', 'hello'])).code, 0)
  })

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)
    test(`${signal} to npx ends the mesh, too`, async (context) => {
      const cleanup = new Cleanup(context)
      const npx = launch(cleanup, ['npx', '--no-install', 'carillon', 'up', '--demo', '--port', '0', '--data', cleanup.folder()])
      await npx.shows(/^Carillon is ready/m)
      const pids = [...npx.stdout().matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid))
      assert.equal(pids.length, 3)
      npx.signal(signal)
      await eventually('nothing is left', () => !pids.some(isAlive))
    })

  test('a broker that stands still keeps neither the mesh nor a service alive after a signal', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup)
    const service = startCli(cleanup, ['coordinator', '--nats', up.url, '--store', `sqlite:${join(up.data, 'carillon.db')}`])
    await service.shows(/service.ready/)
    process.kill(up.pids.nats, 'SIGSTOP')
    for (const { signal } of [up.process, service]) signal('SIGTERM')
    await within(40_000, 'both end', Promise.all([up.process.exited, service.exited]))
    assert.match(up.process.stderr(), /^error STOP_TIMED_OUT: .* did not stop within 20 s; what is left is killed/m)
    await eventually('nothing is left', () => ![up.pids.nats, up.pids.demo ?? 0].some(isAlive))
  })

  test('a signal while it starts ends it, whatever it is at', async (context) => {
    const cleanup = new Cleanup(context)
    const silent = await silentServer(cleanup)
    const store = silent.replace('nats:', 'mongodb:')
    const starts = [
      { args: ['up', '--port', '0', '--data', cleanup.folder(), '--store', `${store}/carillon`] },
      { args: ['coordinator', '--nats', silent, '--store', 'sqlite::memory:'] },
      { args: ['registry', '--nats', silent] },
    ]
    for (const { args } of starts) {
      const starting = startCli(cleanup, args)
      const timer = setInterval(() => starting.signal('SIGTERM'), 700)
      cleanup.add('the signals', () => clearInterval(timer))
      await within(60_000, `${args[0]} ends`, starting.exited)
      clearInterval(timer)
    }
  })

  test('it keeps its log in its folder, and its folder to itself', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup, { demo: false })
    const lines = readFileSync(join(up.data, 'carillon.log'), 'utf8').trim().split('\n')
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line)
    assert.ok(statSync(join(up.data, 'carillon.db')).size > 0)
    assert.equal(up.process.stderr(), '')
  })
})
