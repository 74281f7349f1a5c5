import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { findNatsServer } from './find-nats-server.ts'
import { type NatsServerProcess, type StartNatsServerOptions, startNatsServer } from './nats-server-process.ts'
import { readServerInfo } from './server-info.ts'
import { runOtherNode } from './testing-node.ts'
import { wait } from './time-limit.ts'

let binary: string
before(async () => {
  binary = await findNatsServer({ say: () => undefined })
})

function dataFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'carillon-nats-')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function start(t: TestContext, options: Partial<StartNatsServerOptions> = {}): Promise<NatsServerProcess> {
  const server = await startNatsServer({ binary, port: 0, dataDir: dataFolder(t), say: () => undefined, ...options })
  t.after(() => server.kill9())
  return server
}

async function isListening(port: number): Promise<boolean> {
  return (await readServerInfo('127.0.0.1', port, 1_000)) !== undefined
}

/** Ends when the port is closed: processes of other processes cannot be awaited. */
async function closed(port: number): Promise<void> {
  while (await isListening(port)) await wait(5)
}

/** For servers whose parent is gone: they may be zombies that nobody collects, or not there at all. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
  }
}

async function listener(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

function failsWith(code: string, message: RegExp, hint: RegExp): (error: CarillonError) => boolean {
  return (error) => {
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    assert.match(error.details.hint ?? '', hint)
    return true
  }
}

const startInOtherNode = (dataDir: string): string => `
  import { startNatsServer } from './nats-server-process.js'
  const server = await startNatsServer(${JSON.stringify({ binary, port: 0, dataDir })})
  console.log(JSON.stringify({ pid: server.pid, port: server.port }))
  process.stdin.once('data', () => process.exit(0))`

describe('startNatsServer', () => {
  it('starts one that answers, in its own process group, and stops it', async (t) => {
    const dataDir = dataFolder(t)
    const server = await start(t, { dataDir, maxPayloadBytes: 2_097_152 })
    assert.equal(server.url, `nats://127.0.0.1:${server.port}`)
    const info = await readServerInfo('127.0.0.1', server.port, 1_000)
    assert.match(info?.server_name ?? '', /^carillon-/)
    assert.equal((info as { max_payload?: number }).max_payload, 2_097_152)
    assert.equal((info as { jetstream?: boolean }).jetstream, true)
    assert.equal(process.kill(-server.pid, 0), true)
    assert.ok(statSync(join(dataDir, 'jetstream')).isDirectory())
    assert.match(readFileSync(join(dataDir, 'nats-server.log'), 'utf8'), /Server is ready/)

    await Promise.all([server.stop(), server.stop()])
    await server.stop()
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    assert.equal(await isListening(server.port), false)
  })

  it('starts again on the same port and folder after kill9', async (t) => {
    const dataDir = dataFolder(t)
    const first = await start(t, { dataDir })
    first.kill9()
    assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' })
    await first.stop()
    const second = await start(t, { dataDir, port: first.port })
    assert.equal(second.port, first.port)
    await second.stop()
  })

  it('gives servers that start at once ports of their own', async (t) => {
    const servers = await Promise.all([1, 2, 3].map(() => start(t)))
    assert.equal(new Set(servers.map(({ port }) => port)).size, 3)
    await Promise.all(servers.map((server) => server.stop()))
  })

  it('names a port that is taken', async (t) => {
    const port = await listener(t)
    await assert.rejects(start(t, { port }), failsWith('PORT_IN_USE', new RegExp(`Port ${port} on 127.0.0.1`), /--port/))
  })

  it('names an address that is not of this machine, and what would be right', async (t) => {
    await assert.rejects(start(t, { host: '192.0.2.1' }), (error) => {
      assert.ok(CarillonError.is(error))
      assert.deepEqual([error.code, error.details.field, error.details.value], ['NATS_SERVER_FAILED', 'host', '"192.0.2.1"'])
      assert.match(error.details.hint ?? '', /address of this machine with --host/)
      return true
    })
  })

  it('shows the last log lines when the server refuses to start', async (t) => {
    await assert.rejects(
      start(t, { configLines: ['authorization {'] }),
      failsWith('NATS_SERVER_FAILED', /ended while starting.*\n.*Parse error/, /nats-server\.log/),
    )
    const monitor = await listener(t)
    const configLines = [`http: "127.0.0.1:${monitor}"`]
    await assert.rejects(start(t, { configLines }), failsWith('NATS_SERVER_FAILED', /address already in use/, /nats-server\.log/))
  })

  it('says so when the binary cannot be started', async (t) => {
    await assert.rejects(
      start(t, { binary: '/nowhere/nats-server' }),
      failsWith('NATS_SERVER_FAILED', /could not be started: .*ENOENT/, /./),
    )
  })

  it('stops the server a killed process left in the folder', async (t) => {
    const dataDir = dataFolder(t)
    const other = await runOtherNode(t, startInOtherNode(dataDir))
    const leftover = JSON.parse(other.firstLine) as { pid: number; port: number }
    t.after(() => killIfThere(leftover.pid))
    await other.kill9()
    assert.equal(await isListening(leftover.port), true)
    const lines: string[] = []
    const server = await start(t, { dataDir, port: leftover.port, say: (line) => lines.push(line) })
    assert.deepEqual(lines, [`stopping nats-server ${leftover.pid}, left over from an earlier run`])
    await server.stop()
  })

  it('leaves a process alone that only has the pid of an earlier server', async (t) => {
    const dataDir = dataFolder(t)
    const other = await runOtherNode(t, "console.log('here'); process.stdin.resume()")
    writeFileSync(join(dataDir, 'nats-server.pid'), String(other.child.pid))
    await (await start(t, { dataDir })).stop()
    assert.equal(other.child.exitCode ?? other.child.signalCode, null)
  })

  it('ends with a process that exits without stopping it', async (t) => {
    const other = await runOtherNode(t, startInOtherNode(dataFolder(t)))
    const { pid, port } = JSON.parse(other.firstLine) as { pid: number; port: number }
    t.after(() => killIfThere(pid))
    other.child.stdin?.write('exit\n')
    await closed(port)
  })
})
