import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { CalendarView, InstanceView, JobView, LogView, RunView, SignalSent, TaskView } from '@carillon/contracts'
import { VERSION } from '@carillon/contracts'
import { eventually, freePort } from '@carillon/wire/testing'
import { startBroker } from '../support/broker.ts'
import { type Cli, cliFor, startCli, startUp, type UpMesh } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

const RUN_ID = /[0-9a-z]{26}/

describe('the command line', () => {
  const cleanup = new Cleanup({ after })
  let up: UpMesh
  let carillon: Cli
  before(async () => {
    up = await startUp(cleanup)
    carillon = cliFor(cleanup, up.url)
  })

  test('run waits, shows logs live and prints the result; exit code 0 only when it succeeded', async () => {
    const { code, stdout, stderr } = await carillon(['run', 'hello', '{"name":"Ada"}'])
    assert.equal(code, 0, stderr)
    const shown = `${stdout}${stderr}`
    assert.match(shown, RUN_ID)
    assert.match(shown, /someone is to be greeted/)
    assert.match(shown, /found the words/)
    assert.deepEqual(JSON.parse(stdout.slice(stdout.indexOf('{\n') >= 0 ? stdout.indexOf('{\n') : stdout.lastIndexOf('{"'))), {
      greeting: 'Hello, Ada!',
    })
    const quiet = await carillon(['run', 'hello', '{"name":"Ada"}', '--quiet'])
    assert.deepEqual(JSON.parse(quiet.stdout), { greeting: 'Hello, Ada!' })
    assert.equal(quiet.stderr, '')
  })

  test('run --json prints one object with runId, state, result and reason', async () => {
    const ran = await carillon(['run', 'hello', '{"name":"Ada"}', '--json'])
    const { runId, state, result, reason } = ran.json<RunView>()
    assert.match(runId, RUN_ID)
    assert.deepEqual([ran.code, state, result, reason], [0, 'succeeded', { greeting: 'Hello, Ada!' }, 'completed'])
    const failed = await carillon(['run', 'slow', '{"ms":"long"}', '--json'])
    const outcome = failed.json<RunView>()
    assert.deepEqual([failed.code, outcome.state, outcome.result, outcome.reason], [1, 'failed', null, 'handler-error'])
    assert.match(outcome.failure?.message ?? '', /ms is a number/)
  })

  test('payload from a file and from standard input; attempts, backoff, timeout, key and delay', async () => {
    const folder = cleanup.folder()
    writeFileSync(join(folder, 'payload.json'), '{"name":"from a file"}')
    const fromFile = await carillon(['run', 'hello', '@payload.json', '--json'], { cwd: folder })
    assert.deepEqual(fromFile.json<RunView>().result, { greeting: 'Hello, from a file!' })
    const fromInput = await carillon(['run', 'hello', '-', '--json'], { input: '{"name":"from a pipe"}' })
    assert.deepEqual(fromInput.json<RunView>().result, { greeting: 'Hello, from a pipe!' })
    const flaky = await carillon(['run', 'flaky', '--attempts', '3', '--backoff', 'fixed:50ms', '--json'])
    assert.deepEqual([flaky.code, flaky.json<RunView>().attempt, flaky.json<RunView>().result], [0, 3, { succeededAtAttempt: 3 }])
    const slow = await carillon(['run', 'slow', '--timeout', '300ms', '--json'])
    assert.deepEqual([slow.code, slow.json<RunView>().state], [1, 'timed_out'])
    const first = (await carillon(['run', 'hello', '{"n":1}', '--key', 'order-1', '--json'])).json<RunView>()
    const again = (await carillon(['run', 'hello', '{"n":1}', '--key', 'order-1', '--json'])).json<RunView>()
    assert.equal(again.runId, first.runId)
    const conflict = await carillon(['run', 'hello', '{"n":2}', '--key', 'order-1'])
    assert.equal(conflict.code, 1)
    assert.match(conflict.stderr, new RegExp(`^error KEY_CONFLICT: .*${first.runId}`))
    const delayed = (await carillon(['run', 'hello', '--delay', '300ms', '--json'])).json<RunView>()
    assert.ok(Date.parse(delayed.startedAt ?? '') - Date.parse(delayed.createdAt) >= 300)
  })

  test('jobs put, list, get, pause, resume, rm', async () => {
    const put = await carillon(['jobs', 'put', 'report', '--handler', 'report', '--cron', '*/5 * * * * *', '--timezone', 'Europe/Paris'])
    assert.equal(put.code, 0, put.stderr)
    assert.match(put.stdout, /\*\/5 \* \* \* \* \* Europe\/Paris/)
    const listed = await carillon(['jobs', 'list'])
    assert.match(listed.stdout, /JOB.*\n.*report.*active/s)
    const [job, ...more] = (await carillon(['jobs', 'list', '--json'])).json<JobView[]>()
    assert.deepEqual([job?.name, job?.handler, job?.state, more.length], ['report', 'report', 'active', 0])
    const fired = await eventually(
      'it fires by itself',
      async () => (await carillon(['runs', 'list', '--job', 'report', '--state', 'succeeded', '--json'])).json<RunView[]>()[0],
      { everyMs: 200 },
    )
    assert.equal(Date.parse(fired.slot ?? '') % 5_000, 0)
    assert.equal((await carillon(['jobs', 'pause', 'report', '--json'])).json<JobView>().state, 'paused')
    assert.match((await carillon(['jobs', 'get', 'report'])).stdout, /state\s+paused/)
    assert.equal((await carillon(['jobs', 'resume', 'report', '--json'])).json<JobView>().state, 'active')
    assert.equal((await carillon(['jobs', 'rm', 'report'])).code, 0)
    const gone = await carillon(['jobs', 'get', 'report'])
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /^error JOB_NOT_FOUND: .*"report"/)
    assert.deepEqual((await carillon(['jobs', 'list', '--json'])).json(), [])
    assert.ok((await carillon(['runs', 'list', '--job', 'report', '--json'])).json<RunView[]>().length > 0, 'its runs stay')
  })

  test('calendars put, list, get, rm', async () => {
    const put = await carillon(['calendars', 'put', 'holidays', '--days', '2020-12-25,2020-01-01', '--days', '2021-01-01'])
    assert.equal(put.code, 0, put.stderr)
    assert.match(
      put.stdout,
      /days +3, 2020-01-01 to 2021-01-01\n2020 +01-01 12-25\n2021 +01-01\nsource.*warning +its last day, 2021-01-01, has passed/s,
    )
    const file = join(cleanup.folder(), 'holidays.ics')
    const day = `${new Date().getUTCFullYear() + 1}-12-25`
    writeFileSync(file, `BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:${day.replaceAll('-', '')}\nEND:VEVENT\nEND:VCALENDAR\n`)
    const replaced = await carillon(['calendars', 'put', 'holidays', '--ics', file, '--json'])
    assert.deepEqual(replaced.json<CalendarView>().days, [day])
    assert.match((await carillon(['calendars', 'list'])).stdout, new RegExp(`^CALENDAR +DAYS +FIRST +LAST.*\nholidays +1 +${day} +${day} `))
    assert.equal((await carillon(['calendars', 'rm', 'holidays', '--json'])).json<{ removed: boolean }>().removed, true)
    const gone = await carillon(['calendars', 'get', 'holidays'])
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /^error CALENDAR_NOT_FOUND: .*"holidays"/)
  })

  test('runs list, get, cancel, retry', async () => {
    const started = (await carillon(['run', 'slow', '{"ms":60000}', '--detach', '--json'])).json<RunView & { created: boolean }>()
    assert.equal(started.created, true)
    const get = async () => (await carillon(['runs', 'get', started.runId, '--json'])).json<RunView>()
    await eventually('it runs', async () => (await get()).state === 'running')
    assert.match((await carillon(['runs', 'list'])).stdout, new RegExp(`RUN.*${started.runId}.*slow.*running`, 's'))
    assert.ok(
      (await carillon(['runs', 'list', '--state', 'running', '--json'])).json<RunView[]>().some(({ runId }) => runId === started.runId),
    )
    const open = await carillon(['runs', 'retry', started.runId])
    assert.equal(open.code, 1)
    assert.match(open.stderr, /^error RUN_OPEN/)
    assert.equal((await carillon(['runs', 'cancel', started.runId])).code, 0)
    await eventually('it is cancelled', async () => (await get()).state === 'cancelled')
    assert.equal((await carillon(['runs', 'retry', started.runId])).code, 0)
    await eventually('it runs again', async () => (await get()).state === 'running')
    await carillon(['runs', 'cancel', started.runId])
    await eventually('it is cancelled again', async () => (await get()).state === 'cancelled')
    const ended = await carillon(['runs', 'cancel', started.runId])
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, /^error RUN_ENDED/)
    const flaky = (await carillon(['run', 'flaky', '--json'])).json<RunView>()
    assert.equal(flaky.state, 'failed')
    const waited = await carillon(['runs', 'retry', flaky.runId, '--wait', '--json'])
    assert.deepEqual([waited.code, waited.json<RunView>().state, waited.json<RunView>().attempt], [1, 'failed', 2])
  })

  test('logs shows what is stored; logs -f goes on live until the run ends', async () => {
    const run = (await carillon(['run', 'slow', '{"ms":5000}', '-d', '--json'])).json<RunView>()
    const following = startCli(cleanup, ['logs', run.runId, '-f', '--nats', up.url])
    await following.shows(/taking my time/)
    assert.doesNotMatch(following.stdout(), /done/, 'the line is shown while it runs')
    assert.deepEqual(await following.exited, { code: 0, signal: null })
    assert.match(following.stdout(), /done/)
    const lines = await eventually('both lines are stored', async () => {
      const found = (await carillon(['logs', run.runId, '--json'])).json<LogView[]>()
      return found.length === 2 ? found : undefined
    })
    assert.deepEqual(
      lines.map(({ message, level, seq }) => [message, level, seq]),
      [
        ['taking my time', 'info', 1],
        ['done', 'info', 2],
      ],
    )
    assert.match((await carillon(['logs', run.runId])).stdout, /taking my time.*\n.*done/)
    const unknown = await carillon(['logs', '0000000000000000000000zzzz'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /^error RUN_NOT_FOUND/)
  })

  test('prune says what it would remove, or removes it', async () => {
    await carillon(['run', 'hello', '--json'])
    const dry = await carillon(['prune', '--dry-run', '--older-than', '0', '--keep', '0', '--json'])
    const { dryRun, removed } = dry.json<{ dryRun: boolean; removed: { runs: number } }>()
    assert.ok(dryRun && removed.runs >= 1, dry.stdout)
    assert.match((await carillon(['prune', '--older-than', '300d'])).stdout, /^removed 0 runs, 0 tasks, 0 steps\n$/)
    assert.match((await carillon(['prune', '--keep', '-1'])).stderr, /--keep/)
  })

  test('Ctrl-C of a waiting run leaves the run alone and says how to go on', async () => {
    const waiting = startCli(cleanup, ['run', 'slow', '{"ms":60000}', '--nats', up.url])
    await waiting.shows(/taking my time/)
    waiting.signal('SIGINT')
    assert.deepEqual(await waiting.exited, { code: 130, signal: null })
    const [, runId = ''] = /carillon runs cancel (\S+)/.exec(waiting.stderr()) ?? []
    // A log line may arrive before the start is stored: executors report a start only after a short while.
    const state = async () => (await carillon(['runs', 'get', runId, '--json'])).json<RunView>().state
    await eventually('it still runs', async () => (await state()) === 'running')
    await carillon(['runs', 'cancel', runId])
  })

  test('instances list; a broadcast and its tasks', async () => {
    const [demo, ...more] = (await carillon(['instances', 'list', '--json'])).json<InstanceView[]>()
    assert.equal(demo?.version, VERSION)
    assert.deepEqual([demo?.service, [...(demo?.handlers ?? [])].sort(), more.length], ['demo', ['flaky', 'hello', 'report', 'slow'], 0])
    assert.match((await carillon(['instances', 'list'])).stdout, /INSTANCE.*\n.*demo.*hello/s)
    const second = startCli(cleanup, ['demo', '--nats', up.url])
    await second.shows(/offers hello/)
    const run = (await carillon(['run', 'hello', '--broadcast', '--json'])).json<RunView>()
    assert.equal(run.state, 'succeeded')
    const tasks = (await carillon(['runs', 'tasks', run.runId, '--json'])).json<TaskView[]>()
    assert.deepEqual(
      tasks.map(({ state }) => state),
      ['succeeded', 'succeeded'],
    )
    second.signal('SIGTERM')
    assert.deepEqual(await second.exited, { code: 0, signal: null })
    assert.equal((await carillon(['instances', 'list', '--json'])).json<InstanceView[]>().length, 1, 'it said goodbye')
  })

  test('instances cordon, uncordon, drain', async () => {
    const [demo] = (await carillon(['instances', 'list', '--json'])).json<InstanceView[]>()
    assert.ok(demo)
    const name = demo.instance
    const { runId } = (await carillon(['run', 'slow', '--detach', '--json'])).json<RunView>()
    await eventually('it runs', async () => (await carillon(['runs', 'get', runId, '--json'])).json<RunView>().state === 'running')
    assert.match((await carillon(['instances', 'cordon', name, '--note', 'new disk'])).stdout, /is cordoned; it still runs 1|is cordoned\n/)
    assert.match((await carillon(['instances', 'list'])).stdout, /CORDONED.*\n.* by \S+:/s)
    assert.equal((await carillon(['instances', 'list', '--json'])).json<InstanceView[]>()[0]?.cordoned?.note, 'new disk')
    assert.match((await carillon(['doctor'])).stdout, new RegExp(`✓ executors: .*; cordoned: ${name}\n`))
    const tooShort = await carillon(['instances', 'drain', name, '--wait', '1ms'])
    assert.deepEqual([tooShort.code, tooShort.stdout], [1, ''])
    assert.match(tooShort.stderr, /^error DRAIN_INCOMPLETE: .*not empty after 1 ms/m)
    const draining = carillon(['instances', 'drain', name, '--wait', '1m'])
    await carillon(['runs', 'cancel', runId])
    const { code, stdout, stderr } = await draining
    assert.equal(code, 0, stderr)
    assert.match(stdout, new RegExp(`^${name} is empty, and stays cordoned\n$`))
    assert.match((await carillon(['instances', 'uncordon', name])).stdout, /is given tasks again/)
    const unknown = await carillon(['instances', 'cordon', 'nobody'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, new RegExp(`^error INSTANCE_UNKNOWN: .*nobody.*These live: ${name}`, 's'))
  })

  test('runs signal, runs signals: of a run that is not there, and of one that has ended', async () => {
    const runId = 's'.repeat(26)
    const first = await carillon(['runs', 'signal', runId, 'paid', '{"ref":1}', '--id', 'm-1', '--ttl', '1h'])
    assert.match(first.stdout, /^Signal paid is kept: there is no run s+ so far\. .*runs signals s+/)
    const again = (await carillon(['runs', 'signal', runId, 'paid', '2', '--id', 'm-1', '--json'])).json<SignalSent>()
    assert.deepEqual([again.created, again.state], [false, 'unclaimed'])
    assert.match((await carillon(['runs', 'signals', runId])).stdout, /SIGNAL.*STATE.*\npaid +unclaimed .*\{"ref":1\}/)
    const hello = (await carillon(['run', 'hello', '--json'])).json<RunView>()
    const late = await carillon(['runs', 'signal', hello.runId, 'paid'])
    assert.equal(late.code, 1)
    assert.match(late.stderr, /^error RUN_ENDED: /)
    assert.equal((await carillon(['runs', 'signal', runId, 'no name'])).code, 2)
  })

  test('doctor finds everything well', async () => {
    const { code, stdout } = await carillon(['doctor'])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /All is well\.\n$/)
    for (const part of ['broker', 'stream WORK', 'coordinator', 'registry', 'logger', 'executors', 'clock'])
      assert.match(stdout, new RegExp(`✓ ${part}: `))
    const found = (await carillon(['doctor', '--json'])).json<{ ok: boolean; findings: { ok: boolean }[] }>()
    assert.ok(found.ok && found.findings.every(({ ok }) => ok))
  })

  test('health and rebuild', async () => {
    for (const service of ['coordinator', 'registry', 'logger']) assert.equal((await carillon(['health', service])).code, 0)
    assert.deepEqual((await carillon(['rebuild', '--json'])).json(), { published: 0 })
  })

  test('the address comes from CARILLON_NATS_URL as well', async () => {
    const plain = cliFor(cleanup, undefined)
    const { code } = await plain(['jobs', 'list'], { env: { CARILLON_NATS_URL: up.url } })
    assert.equal(code, 0)
  })

  test('help is there, and a wrong word is met with the right one', async () => {
    const plain = cliFor(cleanup, undefined)
    const help = await plain(['--help'])
    assert.equal(help.code, 0)
    for (const command of ['up', 'run', 'jobs', 'runs', 'logs', 'instances', 'doctor', 'coordinator', 'registry', 'logger'])
      assert.match(help.stdout, new RegExp(`^ +${command}\\b`, 'm'))
    const typo = await plain(['rnu', 'hello'])
    assert.equal(typo.code, 2)
    assert.match(typo.stderr, /error INVALID_REQUEST: unknown command.*rnu.*\n.*run/)
    assert.equal((await plain(['--version'])).stdout, `${VERSION}\n`)
  })
})

describe('a mesh that is not well', { concurrency: true }, () => {
  test('no broker: each command says so, names the address, and exits with 3; doctor with 1', async (context) => {
    const cleanup = new Cleanup(context)
    const url = `nats://127.0.0.1:${await freePort()}`
    const carillon = cliFor(cleanup, url)
    for (const args of [
      ['run', 'hello'],
      ['jobs', 'list'],
      ['instances', 'list'],
    ]) {
      const { code, stderr } = await carillon(args)
      assert.equal(code, 3)
      assert.match(stderr, new RegExp(`^error NATS_UNAVAILABLE: .*${url}`))
      assert.match(stderr, /hint: .*carillon up/)
    }
    const json = (await carillon(['jobs', 'list', '--json'])).json<{ error: { code: string } }>()
    assert.equal(json.error.code, 'NATS_UNAVAILABLE')
    const doctor = await carillon(['doctor'])
    assert.equal(doctor.code, 1)
    assert.match(doctor.stdout, /✗ broker: .*\n.*→ .*carillon up/)
  })

  test('a broker without JetStream', async (context) => {
    const cleanup = new Cleanup(context)
    const broker = await startBroker(cleanup, { jetStream: false })
    const carillon = cliFor(cleanup, broker.url)
    const doctor = await carillon(['doctor'])
    assert.equal(doctor.code, 1)
    assert.match(doctor.stdout, /✗ broker: .*JetStream.*\n.*→ .*-js/)
    for (const service of ['coordinator', 'registry', 'logger']) {
      const started = startCli(cleanup, [service, '--nats', broker.url, ...(service === 'registry' ? [] : ['--store', 'sqlite::memory:'])])
      const { code } = await started.exited
      assert.equal(code, 3, started.stderr())
      assert.match(started.stderr(), /^error JETSTREAM_MISSING: .*\n(.*\n)*.*hint: .*-js/)
    }
  })

  test('services one a process: doctor says which is missing, and when all are there without an executor', async (context) => {
    const cleanup = new Cleanup(context)
    const broker = await startBroker(cleanup)
    const store = `sqlite:${join(cleanup.folder(), 'carillon.db')}`
    const carillon = cliFor(cleanup, broker.url)
    const start = async (service: string) => {
      const started = startCli(cleanup, [service, '--nats', broker.url, ...(service === 'registry' ? [] : ['--store', store])])
      await eventually(`${service} is well`, async () => (await carillon(['health', service])).code === 0, { everyMs: 200 })
      return started
    }
    const services = [await start('registry'), await start('coordinator')]
    const without = await carillon(['doctor'])
    assert.equal(without.code, 1)
    assert.match(without.stdout, /✗ logger: none answers\n.*→ .*carillon logger/)
    assert.match(without.stdout, /✓ coordinator: /)
    const logs = await carillon(['logs', '0000000000000000000000zzzz'])
    assert.equal(logs.code, 3)
    assert.match(logs.stderr, /^error NO_SERVICE/)
    services.push(await start('logger'))
    const idle = await carillon(['doctor'])
    assert.equal(idle.code, 1)
    assert.match(idle.stdout, /✗ executors: none is connected/)
    assert.match(idle.stdout, /Wrong: executors\n$/)
    const demo = startCli(cleanup, ['demo', '--nats', broker.url])
    await demo.shows(/offers hello/)
    const well = await carillon(['doctor'])
    assert.equal(well.code, 0, well.stdout)
    assert.equal((await carillon(['run', 'hello'])).code, 0)
    for (const service of [demo, ...services.reverse()]) {
      service.signal('SIGTERM')
      assert.deepEqual(await service.exited, { code: 0, signal: null }, service.stderr())
    }
    assert.deepEqual(await broker.connections(), [])
  })
})
