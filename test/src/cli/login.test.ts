import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startCoordinator } from '@carillon/coordinator'
import { startLogger } from '@carillon/logger'
import { connect, natsSettingsFrom } from '@carillon/sdk'
import { openStore } from '@carillon/store'
import { eventually, PROTECTIONS, type ProtectedServer, type Protection, startProtectedServer, within } from '@carillon/wire/testing'
import { cliFor, startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { refusal } from '../support/clients.ts'
import { connectTo, quietLog } from '../support/mesh.ts'
import { launch } from '../support/processes.ts'
import { findPython } from '../support/python.ts'
import { sqlite } from '../support/stores.ts'

const EXECUTOR = fileURLToPath(new URL('../../../examples/python/main.py', import.meta.url))

async function protectedServer(cleanup: Cleanup, protection: Protection): Promise<ProtectedServer> {
  const broker = await startProtectedServer(protection)
  cleanup.add('the broker', broker.stop)
  return broker
}

/** A whole mesh on it: a registry in a process of its own, the others here. */
async function startServices(cleanup: Cleanup, { right, environment }: ProtectedServer): Promise<void> {
  const store = await openStore(sqlite.fresh(cleanup))
  cleanup.add('store', () => store.close())
  for (const start of [startCoordinator, startLogger]) {
    const service = await start({ nats: right[0] ?? {}, store, log: quietLog })
    cleanup.add('service', () => service.stop())
  }
  const registry = startCli(cleanup, ['registry'], { env: environment })
  await registry.shows(/"service\.ready"/)
}

for (const protection of PROTECTIONS)
  test(`${protection}: services, command line and SDK work on a broker that asks for it`, async (context: TestContext) => {
    const cleanup = new Cleanup(context)
    const broker = await protectedServer(cleanup, protection)
    const { right, environment, secrets } = broker
    await startServices(cleanup, broker)
    const namespace = 'default'
    const executor = await connectTo(cleanup, broker.server.url, { ...natsSettingsFrom(environment), namespace })
    executor.handle('hello', async (task) => {
      task.log.info('greeted')
      return { ok: true }
    })
    await executor.start()
    for (const settings of right) {
      const client = await connectTo(cleanup, broker.server.url, { ...settings, namespace })
      assert.deepEqual(await (await client.client.run('hello', {})).result(), { ok: true })
    }
    const carillon = cliFor(cleanup, undefined)
    const run = await carillon(['run', 'hello', '--json'], { env: environment })
    assert.equal(run.code, 0, run.stderr)
    const { runId } = run.json<{ runId: string }>()
    // Lines are stored a moment after the end of their run.
    const lines = await eventually('its line is stored', async () => {
      const outcome = await carillon(['logs', runId], { env: environment })
      return outcome.stdout.includes('greeted') ? outcome : undefined
    })
    const doctor = await carillon(['doctor'], { env: environment })
    assert.match(doctor.stdout, /All is well/)
    for (const secret of secrets) assert.ok(![run, lines, doctor].some(({ stdout, stderr }) => `${stdout}${stderr}`.includes(secret)))
  })

test('an executor in Python logs in with the credentials of the address', async (context) => {
  const python = await findPython()
  if ('missing' in python) return context.skip(python.missing)
  const cleanup = new Cleanup(context)
  const broker = await protectedServer(cleanup, 'password')
  await startServices(cleanup, broker)
  const executor = launch(cleanup, [python.path, EXECUTOR], { env: broker.environment })
  await executor.shows(/^ready /m)
  const { client } = await connectTo(cleanup, broker.server.url, { ...broker.right[0], namespace: 'default' })
  assert.deepEqual(await (await client.run('py-hello', { name: 'Ada' })).result(), { greeting: 'Hello, Ada!', attempt: 1 })
})

test('who is refused hears at once what was tried, from every command, without the secret', async (context) => {
  const cleanup = new Cleanup(context)
  const { server } = await protectedServer(cleanup, 'password')
  const wrong = [
    { env: { CARILLON_NATS_URL: server.url.replace('//', '//ada:geheim@') }, tried: /user "ada" with a password from CARILLON_NATS_URL/ },
    { env: { CARILLON_NATS_URL: server.url, CARILLON_NATS_TOKEN: 'geheim' }, tried: /a token from CARILLON_NATS_TOKEN/ },
    { env: { CARILLON_NATS_URL: server.url }, tried: /no credentials/ },
  ]
  const commands = [
    ['run', 'hello'],
    ['registry'],
    ['coordinator', '--store', 'sqlite::memory:'],
    ['demo'],
    ['health', 'logger'],
    ['doctor'],
  ]
  for (const [index, { env, tried }] of wrong.entries())
    for (const args of index === 0 ? commands : commands.slice(0, 1)) {
      const cli = startCli(cleanup, args, { env })
      const { code } = await within(60_000, 'it ends', cli.exited)
      const text = cli.stdout() + cli.stderr()
      assert.equal(code, args[0] === 'doctor' ? 1 : 3, text)
      assert.match(text, tried)
      assert.match(text, args[0] === 'doctor' ? /✗ broker: .*refuses/ : /error AUTH_FAILED/)
      assert.doesNotMatch(text, /geheim/)
    }
  const error = await refusal(connect({ servers: server.url, user: 'ada', password: 'geheim', service: 'x' }))
  assert.deepEqual([error.code, error.message.includes('geheim')], ['AUTH_FAILED', false])
})

test('the command wins over the environment, and its secrets come as files', async (context) => {
  const cleanup = new Cleanup(context)
  const { server, environment } = await protectedServer(cleanup, 'credentials')
  const options = ['--nats', server.url, '--creds', environment['CARILLON_NATS_CREDS'] as string]
  const wrong = { CARILLON_NATS_URL: 'nats://ada:geheim@127.0.0.1:1', CARILLON_NATS_TOKEN: 'geheim' }
  const carillon = cliFor(cleanup, undefined)
  const { stderr, code } = await carillon(['jobs', 'list', ...options], { env: wrong })
  // It was let in: what is missing is a mesh.
  assert.deepEqual([code, /NO_SERVICE/.test(stderr)], [3, true], stderr)
  const missing = await carillon(['jobs', 'list', '--nats', server.url, '--creds', '/nonexistent.creds'])
  assert.deepEqual([missing.code, /field: --creds/.test(missing.stderr)], [2, true], missing.stderr)
})

test('credentials that expire: a client warns once and goes on trying', async (context) => {
  const cleanup = new Cleanup(context)
  const { server, right } = await protectedServer(cleanup, 'token')
  const warnings: string[] = []
  let warned: () => void = () => undefined
  const refused = new Promise<void>((resolve) => (warned = resolve))
  const mesh = await connectTo(cleanup, server.url, {
    ...right[0],
    onWarning: ({ code, message }) => {
      warnings.push(`${code} ${message}`)
      if (code === 'auth-failed') warned()
    },
  })
  await server.kill()
  await server.restart({ wipe: false, settings: ['--auth', 'geheim-3'] })
  await refused
  await server.kill()
  await server.restart()
  await mesh.client.runs.list({ limit: 1 }).catch(() => undefined)
  assert.equal(warnings.filter((warning) => warning.startsWith('auth-failed')).length, 1)
  assert.doesNotMatch(warnings.join(), /geheim/)
})
