import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { type CliOutcome, cliFor, sharedCliFor, startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { sqlite } from '../support/stores.ts'

type Way = 'nats' | 'http'
const WAYS: readonly Way[] = ['nats', 'http']
/** Of the token that a mesh of tests gives out. */
const TOKEN_NAME = 'admin of a test'
const NAMESPACE = { nats: 'over-nats', http: 'over-http' } as const

const WORKFLOW = `name: graph
workflow:
  nodes:
    - id: first
      handler: echo
      payload: payload
    - id: second
      handler: echo
      after: [first]
`
const JOBS = `- name: applied
  handler: echo
  schedule: { everyMs: 3600000 }
`

/** Each command's main case, in this order. `{run}` is the run that the last `--json` has named. */
const COMMANDS: readonly (readonly [code: number, ...command: string[]])[] = [
  [0, 'calendars', 'put', 'holidays', '--days', '2030-12-25'],
  [0, 'alerts', 'channels', 'put', 'bus', '{"kind":"nats","subject":"ops.alerts"}', '--language', 'zh-CN'],
  [0, 'alerts', 'rules', 'put', 'failures', '--scene', 'run-failed', '--handler', 'fails', '--channel', 'bus', '--remind', '1h'],
  [0, 'calendars', 'list'],
  [0, 'calendars', 'get', 'holidays'],
  [1, 'calendars', 'get', 'nothing'],
  [0, 'jobs', 'put', 'report', '--handler', 'echo', '--every', '1h', '--calendar', 'skip:holidays', '--payload', '{"day":1}'],
  [2, 'jobs', 'put', 'report', '--handler', 'a.b', '--every', '0'],
  [1, 'jobs', 'put', 'report', '--handler', 'echo', '--if-revision', '0'],
  [1, 'jobs', 'rm', 'report', '--if-revision', '7'],
  [2, 'jobs', 'put', 'report', '--handler', 'echo', '--if-revision', 'first'],
  [0, 'calendars', 'put', 'holidays', '--days', '2030-12-26', '--if-revision', '1'],
  [1, 'calendars', 'rm', 'holidays', '--if-revision', '1'],
  [0, 'jobs', 'list'],
  [0, 'jobs', 'pause', 'report'],
  [0, 'jobs', 'resume', 'report'],
  [0, 'jobs', 'history', 'report'],
  [0, 'jobs', 'preview', '--cron', '0 9 * * *', '--count', '2'],
  [0, 'jobs', 'export'],
  [0, 'jobs', 'apply', '--file', '{folder}/jobs.yaml'],
  [0, 'jobs', 'rm', 'applied'],
  [1, 'jobs', 'get', 'applied'],
  [0, 'run', 'echo', '{"n":1}'],
  [1, 'run', 'fails'],
  [0, 'run', 'report', '--quiet'],
  [2, 'run', 'nothing', '{broken'],
  [0, 'run', 'echo', '{"n":2}', '--key', 'order-1', '--json'],
  [1, 'run', 'echo', '{"n":3}', '--key', 'order-1'],
  [0, 'runs', 'get', '{run}'],
  [0, 'runs', 'why', '{run}'],
  [0, 'runs', 'tasks', '{run}'],
  [0, 'runs', 'steps', '{run}'],
  [0, 'runs', 'list', '--state', 'failed'],
  [0, 'runs', 'list', '--job', 'report'],
  [0, 'runs', 'list', '--limit', '2'],
  [0, 'logs', '{run}'],
  [0, 'logs', '{run}', '-f'],
  [0, 'runs', 'retry', '{run}', '--wait'],
  [0, 'run', 'slow', '--detach', '--json'],
  [0, 'runs', 'cancel', '{run}'],
  [0, 'logs', '{run}', '-f'],
  [1, 'runs', 'cancel', '{run}'],
  [0, 'runs', 'signal', 's'.repeat(26), 'paid', '{"ref":1}', '--id', 'm-1'],
  [0, 'runs', 'signals', 's'.repeat(26)],
  [0, 'runs', 'retry', '--handler', 'fails', '--state', 'failed,timed_out', '--dry-run'],
  [0, 'runs', 'list', '--ended', '--since', '1h', '--text', 'as it must'],
  [0, 'logs', '--level', 'warn', '--text', 'slow'],
  [1, 'runs', 'get', '0'.repeat(26)],
  [0, 'workflows', 'put', '{folder}/graph.yaml'],
  [0, 'workflows', 'list'],
  [0, 'workflows', 'validate', '{folder}/graph.yaml'],
  [0, 'run', 'graph', '{"n":1}', '--json'],
  [0, 'runs', 'tree', '{run}'],
  [0, 'runs', 'watch', '{run}'],
  [0, 'workflows', 'rm', 'graph'],
  [0, 'dead-letters', 'list'],
  [1, 'dead-letters', 'get', '0'.repeat(26)],
  [0, 'instances', 'list'],
  [0, 'instances', 'cordon', 'worker', '--note', 'new disk'],
  [0, 'instances', 'uncordon', 'worker'],
  [0, 'versions', 'list'],
  [0, 'prune', '--dry-run'],
  [0, 'health', 'coordinator'],
  [0, 'alerts', 'channels', 'test', 'bus'],
  [0, 'alerts', 'channels', 'list'],
  [0, 'alerts', 'channels', 'get', 'bus'],
  [1, 'alerts', 'channels', 'rm', 'bus'],
  [2, 'alerts', 'channels', 'put', 'bad', '{"kind":"slack"}'],
  [0, 'alerts', 'rules', 'list'],
  [0, 'alerts', 'rules', 'get', 'failures'],
  [2, 'alerts', 'rules', 'put', 'late', '--scene', 'late', '--threshold', '3'],
  [0, 'alerts', 'incidents', 'list', '--state', 'open'],
  [0, 'alerts', 'incidents', 'ack', '{incident}', '--note', 'on it'],
  [0, 'alerts', 'incidents', 'snooze', '{incident}', '--for', '2h'],
  [0, 'alerts', 'incidents', 'get', '{incident}'],
  [1, 'alerts', 'incidents', 'get', `i${'0'.repeat(25)}-000001`],
  [0, 'alerts', 'rules', 'rm', 'failures'],
  [0, 'alerts', 'channels', 'rm', 'bus'],
  [1, 'alerts', 'channels', 'test', 'bus'],
  [1, 'calendars', 'rm', 'holidays'],
  [0, 'jobs', 'rm', 'report'],
  [0, 'calendars', 'rm', 'holidays'],
]

/** What differs between two runs of the same command: ids, times, and the address that is repeated in advice. */
function comparable({ code, stdout, stderr }: CliOutcome): string {
  const text = `exit code ${code}\n--- stdout\n${stdout}--- stderr\n${stderr}`
  return text
    .replaceAll(/ --(nats|url) \S+/g, '')
    .replaceAll(/over-(nats|http)/g, '<namespace>')
    .replaceAll(`${userInfo().username}@${hostname()}`, '<caller>')
    .replaceAll(TOKEN_NAME, '<caller>')
    .replaceAll(/\b(?=[0-9a-z]*\d)[0-9a-z]{26}(-[0-9a-z-]+)?\b/g, '<run>')
    .replaceAll(/\bmsg_[0-9a-z]+/g, '<message>')
    .replaceAll(/(coordinator)-[0-9a-f]{8}/g, '$1')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '<time>')
    .replaceAll(/(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d(\.\d+)?)?/g, '<time>')
    .replaceAll(/\b(took|up|in|after|left|ends in) ?(about )?[\d.,]+ ?(ms|s|min|h)( [\d.]+ ?(ms|s))?/g, '$1 <span>')
    .replaceAll(/\b[\d.]+ ?(ms|s|min)( ago)?\b|\bnow\b/g, '<span>')
    .replaceAll(/"(took|age|uptime|waited|spent)\w*":[\d.]+/g, '"$1":0')
    .replaceAll(/[\d.]+ ?%|\d+ (MiB|GiB|KiB)/g, '<share>')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/─+|-{3,}/g, '-')
}

/** Lines whose order is that of the messages that came first are compared as a set. */
const sorted = (text: string) => text.split('\n').sort().join('\n')

describe('the command line over HTTP', () => {
  const cleanup = new Cleanup({ after })
  let mesh: TestMesh
  let folder: string
  /** Environment of a command over HTTP. */
  let signedIn: { readonly CARILLON_TOKEN: string }
  const clients: Partial<Record<Way, Client>> = {}
  before(async () => {
    mesh = await startMesh(cleanup, { store: sqlite, gateways: 1 })
    const { authorization = '' } = await mesh.accounts.token(NAMESPACE.http)
    signedIn = { CARILLON_TOKEN: authorization.replace('Bearer ', '') }
    folder = cleanup.folder()
    writeFileSync(join(folder, 'graph.yaml'), WORKFLOW)
    writeFileSync(join(folder, 'jobs.yaml'), JOBS)
    for (const way of WAYS) {
      const executor = await mesh.connect({ namespace: NAMESPACE[way], instance: 'worker', service: 'workers' })
      executor.handle('echo', async (ctx) => {
        ctx.log.info('echoes', { attempt: ctx.attempt })
        return ctx.payload
      })
      executor.handle('fails', () => Promise.reject(new Error('it fails, as it must')))
      executor.handle('slow', async (ctx) => {
        ctx.log.warn('is slow')
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }))
      })
      await executor.start()
      clients[way] = executor.client
    }
  })

  /** Where a way begins: the options of a command. */
  const optionsOf = (way: Way) => [
    ...(way === 'nats' ? ['--nats', mesh.broker.url] : ['--url', mesh.httpUrls[0] as string]),
    '--namespace',
    NAMESPACE[way],
  ]

  test('every command prints the same, and exits with the same code, as over NATS', async () => {
    const carillon = { nats: sharedCliFor(cleanup, undefined), http: sharedCliFor(cleanup, undefined) }
    const lastRun: Record<Way, string> = { nats: '', http: '' }
    /** Its message has been sent, so that what is shown of it stays the same. */
    const incidentOf = (way: Way) =>
      eventually('an incident is sent', async () => {
        const [incident] = (await mesh.store.incidents.list({ namespace: NAMESPACE[way], limit: 1 })).items
        const deliveries = incident === undefined ? [] : await mesh.store.deliveries.of(incident.id)
        return deliveries[0]?.state === 'sent' ? incident?.id : undefined
      })
    /** What a cancel shows depends on whether the run has begun. */
    const begun = (way: Way) =>
      eventually('it runs', async () => (await mesh.store.runs.heads([lastRun[way]]))[0]?.state === 'running' || undefined)
    /** A heartbeat says what ran some seconds ago. */
    const atRest = (way: Way) =>
      eventually('nothing runs', async () => (await clients[way]?.instances.list())?.items.every(({ load }) => load.running === 0))
    const execute = async (way: Way, command: readonly string[], code: number) => {
      if (command[1] === 'cancel' && code === 0) await begun(way)
      if (command[0] === 'instances') await atRest(way)
      const incident = command[1] === 'incidents' ? await incidentOf(way) : ''
      const args = command.map((word) =>
        word
          .replace('{run}', lastRun[way])
          .replace('{folder}', folder)
          .replace('{incident}', incident ?? ''),
      )
      const outcome = await carillon[way]([...args, ...optionsOf(way)], { env: signedIn })
      if (command.includes('--json')) lastRun[way] = outcome.json<{ runId: string }>().runId
      return outcome
    }
    const differences: string[] = []
    for (const [code, ...command] of COMMANDS) {
      const [overNats, overHttp] = await Promise.all(WAYS.map((way) => execute(way, command, code)))
      const [expected, actual] = [overNats, overHttp].map((outcome) => sorted(comparable(outcome as CliOutcome)))
      if (actual !== expected || overNats?.code !== code)
        differences.push(`${command.join(' ')}\n=== over NATS\n${expected}\n=== over HTTP\n${actual}`)
    }
    assert.deepEqual(differences, [])
  })

  test('a run is followed live: its lines come while it runs, and its end at once', async () => {
    const following = startCli(cleanup, ['run', 'slow', ...optionsOf('http')], { env: signedIn })
    await following.shows(/is slow/)
    const carillon = cliFor(cleanup, undefined)
    const [run] = (await carillon(['runs', 'list', '--state', 'running', '--json', ...optionsOf('http')], { env: signedIn })).json<
      { runId: string }[]
    >()
    await carillon(['runs', 'cancel', run?.runId ?? '', ...optionsOf('http')], { env: signedIn })
    const { code } = await following.exited
    assert.equal(code, 1)
    assert.match(`${following.stdout()}${following.stderr()}`, /cancelled/)
  })

  test('a gateway that goes away while someone waits is waited for, and nothing is lost', async () => {
    const other = await mesh.addGateway()
    const url = mesh.httpUrls.at(-1) as string
    const following = startCli(cleanup, ['run', 'slow', '--url', url, '--namespace', NAMESPACE.http], { env: signedIn })
    await following.shows(/is slow/)
    await other.stop()
    await following.shows(/GATEWAY_UNAVAILABLE|No gateway answers/)
    following.signal('SIGINT')
    const { code } = await following.exited
    assert.equal(code, 130)
  })

  test('without a token, or in a namespace that is not its own, nobody gets in; a viewer reads and changes nothing', async () => {
    const carillon = cliFor(cleanup, undefined)
    const { authorization = '' } = await mesh.accounts.token(NAMESPACE.http, 'viewer')
    const asViewer = { CARILLON_TOKEN: authorization.replace('Bearer ', '') }
    const refused = async (args: readonly string[], expected: RegExp, env: Record<string, string> = {}) => {
      const { code, stderr } = await carillon([...args, '--url', mesh.httpUrls[0] as string], { env })
      assert.match(stderr, expected)
      return code
    }
    assert.equal(await refused(['jobs', 'list'], /^error NOT_SIGNED_IN/), 3)
    assert.equal(await refused(['jobs', 'list', '--namespace', 'other'], /^error FORBIDDEN/, signedIn), 1)
    assert.equal(
      await refused(['calendars', 'rm', 'holidays', '--namespace', NAMESPACE.http], /^error FORBIDDEN: .*developer/, asViewer),
      1,
    )
    assert.equal((await carillon(['jobs', 'list', ...optionsOf('http')], { env: asViewer })).code, 0)
  })

  test('wrong addresses, two addresses, and what needs the broker are refused by name', async () => {
    const carillon = sharedCliFor(cleanup, undefined)
    const refused = async (
      args: readonly string[],
      expected: RegExp,
      { code = 2, env = {} }: { code?: number; env?: Record<string, string> } = {},
    ) => {
      const outcome = await carillon(args, { env })
      assert.match(outcome.stderr, expected, args.join(' '))
      assert.equal(outcome.code, code, outcome.stderr)
      return outcome
    }
    const [url, nats] = [mesh.httpUrls[0] as string, mesh.broker.url]
    await refused(['runs', 'list', '--url', url, '--nats', nats], /^error INVALID_REQUEST: --url and --nats exclude/)
    await refused(['runs', 'list'], /^error INVALID_CONFIG: CARILLON_URL and CARILLON_NATS_URL/, {
      env: { CARILLON_URL: url, CARILLON_NATS_URL: nats },
    })
    await refused(['runs', 'list', '--url', 'localhost:8420'], /^error INVALID_REQUEST: --url is no address/)
    await refused(['runs', 'list', '--url', `${url}?a=b`], /has a query/)
    const login = await refused(['runs', 'list', '--url', 'http://ada:secret1@localhost'], /holds a login/)
    assert.doesNotMatch(login.stderr, /secret1/)
    await refused(['runs', 'list', '--token', 'car_x', '--nats', nats], /--token goes with a gateway/)
    await refused(['runs', 'list', '--url', url.replace('http:', 'https:')], / try http:\/\//, { code: 3 })
    await refused(['runs', 'list', '--url', 'http://127.0.0.1:9'], /^error GATEWAY_UNAVAILABLE: .*127\.0\.0\.1:9/, { code: 3 })
    for (const command of [['up'], ['doctor'], ['demo'], ['coordinator'], ['executor', '--http'], ['conformance', '--executor', 'x']])
      await refused([...command, '--url', url], new RegExp(`^error NEEDS_BROKER: carillon ${command[0]} `))
  })

  test('a token is in no list of processes, and who sends it unencrypted to another machine is warned', async () => {
    const held: ServerResponse[] = []
    const server = createServer((_request, response) => void held.push(response))
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
    cleanup.add('server', async () => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const ask = (host: string, token: readonly string[], env: Record<string, string> = {}) =>
      startCli(cleanup, ['jobs', 'list', '--url', `http://${host}:${port}`, ...token], { env })
    const processes = [
      ask('127.0.0.1', ['--token', 'car_on_the_line']),
      ask('127.0.0.1', ['--token=car_on_the_line']),
      // For the command any address but a loopback one is another machine.
      ask('0.0.0.0', [], { CARILLON_TOKEN: 'car_on_the_line' }),
    ]
    await eventually('all of them ask', () => held.length === processes.length)
    for (const { pid } of processes) assert.doesNotMatch(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /car_on_the_line/)
    for (const response of held)
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"code":"NOT_SIGNED_IN","detail":"no"}')
    await Promise.all(processes.map(({ exited }) => exited))
    const warned = processes.map((one) => /warning: everyone on the way .* can read the token; use https/.test(one.stderr()))
    assert.deepEqual(warned, [false, false, true])
    for (const one of processes) assert.doesNotMatch(one.stdout() + one.stderr(), /car_on_the_line/)
  })

  test('a token is sent as it is, from an option, a variable or a file, and never shown', async () => {
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(request.url?.includes('moved') ? 302 : 401, {
        'content-type': 'application/problem+json',
        location: 'http://127.0.0.1:9/',
      })
      response.end(JSON.stringify({ code: 'SOMETHING_NEW', detail: 'who are you?', retry: false }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.add('server', async () => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const carillon = cliFor(cleanup, undefined)
    const file = join(folder, 'token')
    writeFileSync(file, 'car_from_a_file\n')
    const ways = [
      carillon(['runs', 'list', '--url', url, '--token', 'car_from_an_option']),
      carillon(['runs', 'list', '--url', url], { env: { CARILLON_TOKEN: 'car_from_a_variable' } }),
      carillon(['runs', 'list'], { env: { CARILLON_URL: url, CARILLON_TOKEN_FILE: file } }),
      carillon(['runs', 'list', '--url', `${url}/moved`, '--token', 'car_moved']),
    ]
    for (const { code, stdout, stderr } of await Promise.all(ways)) {
      assert.equal(code, 3)
      assert.doesNotMatch(stdout + stderr, /car_/)
    }
    assert.deepEqual(
      new Set(seen),
      new Set(
        ['option', 'variable', 'file'].map((word) => `Bearer car_from_a${word === 'option' ? 'n' : ''}_${word}`).concat('Bearer car_moved'),
      ),
    )
    const wrong = await carillon(['runs', 'list', '--url', url, '--token', 'car secret2'])
    assert.equal(wrong.code, 2)
    assert.doesNotMatch(wrong.stderr, /secret2/)
    const both = await carillon(['runs', 'list', '--url', url], { env: { CARILLON_TOKEN: 'car_a', CARILLON_TOKEN_FILE: file } })
    assert.match(both.stderr, /^error INVALID_CONFIG: CARILLON_TOKEN and CARILLON_TOKEN_FILE/)
  })

  test('a request whose answer was lost is sent again where that makes no difference, and a limit is waited for', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      const path = `${request.method} ${request.url?.split('?')[0]?.replace(/.*\/namespaces\/default/, '')}`
      const count = asked.filter((one) => one === path).length
      asked.push(path)
      const answer = (status: number, body: object, headers: Record<string, string> = {}) =>
        response
          .writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers })
          .end(JSON.stringify(body))
      if (count === 0 && path !== 'GET /jobs') return void request.socket.destroy()
      if (path === 'GET /jobs' && count === 0)
        return void answer(429, { code: 'RATE_LIMITED', detail: 'slowly', retry: true }, { 'retry-after': '1' })
      answer(200, path === 'GET /runs' || path === 'GET /jobs' ? { items: [], applied: { time: 'created' } } : {})
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.add('server', async () => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const carillon = cliFor(cleanup, undefined)
    const run = (args: readonly string[]) => carillon([...args, '--url', url], { env: { CARILLON_NAMESPACE: 'default' } })
    assert.equal((await run(['runs', 'list'])).code, 0)
    assert.equal((await run(['jobs', 'list'])).code, 0)
    const cancel = await run(['runs', 'cancel', '0'.repeat(26)])
    assert.equal(cancel.code, 3, cancel.stderr)
    assert.deepEqual(
      asked.filter((path) => path.includes('cancel')),
      [`POST /runs/${'0'.repeat(26)}/cancel`],
      'a cancel is not repeated',
    )
    await eventually('each read was repeated once', () => asked.filter((path) => path.startsWith('GET')).length === 4)
  })
})
