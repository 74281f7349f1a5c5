import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { locateCommand } from './installed-binary.ts'
import { PINNED_VERSION } from './version.ts'

/** A machine with nothing on its PATH but a few tools, in a folder that is removed after the test. */
export interface Machine {
  readonly home: string
  /** The only folder on PATH. */
  readonly bin: string
  readonly cacheDir: string
  readonly environment: Record<string, string>
  /** Puts a script there that answers `-v` as nats-server does; returns the path. */
  addServer(path: string, version: string): Promise<string>
  /** Puts a shell script on PATH. */
  addScript(name: string, lines: readonly string[]): Promise<void>
}

const TOOLS = ['sh', 'tar', 'gzip', 'chmod', 'mkdir', 'touch', 'grep']

export async function prepareMachine(t: TestContext): Promise<Machine> {
  const home = await mkdtemp(join(tmpdir(), 'carillon-machine-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const bin = join(home, 'bin')
  await mkdir(bin)
  for (const tool of TOOLS) {
    const path = await locateCommand(tool, process.env)
    if (path === undefined) throw new Error(`this machine has no ${tool}`)
    await symlink(path, join(bin, tool))
  }
  return {
    home,
    bin,
    cacheDir: join(home, 'cache'),
    environment: { PATH: bin, HOME: home },
    addServer: async (path, version) => {
      await writeScript(path, [`echo nats-server: v${version}`])
      return path
    },
    addScript: (name, lines) => writeScript(join(bin, name), lines),
  }
}

async function writeScript(path: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'))
  await chmod(path, 0o755)
}

export type ReleaseKind = 'good' | 'bad sum' | 'unlisted' | 'missing' | 'truncated' | 'stalled' | 'silent' | 'not an archive'

export interface ReleaseServer {
  readonly url: string
  requests(): number
  /** Resolves with the first request. */
  readonly whenRequested: Promise<unknown>
}

/** Serves a release as GitHub does, or goes wrong in the way named. */
export async function releaseServer(t: TestContext, machine: Machine, kind: ReleaseKind): Promise<ReleaseServer> {
  const name = `nats-server-v${PINNED_VERSION}-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const archive = kind === 'not an archive' ? Buffer.from('hello') : await makeArchive(machine, name)
  const sum = kind === 'bad sum' ? '0'.repeat(64) : createHash('sha256').update(archive).digest('hex')
  const sums = `${'1'.repeat(64)}  another.zip\n${kind === 'unlisted' ? '' : `${sum}  ${name}.tar.gz\n`}`
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    if (kind === 'silent') return
    if (kind === 'missing') response.writeHead(404).end()
    else if (request.url === '/SHA256SUMS') response.end(sums)
    else if (request.url === `/${name}.tar.gz`) sendArchive(response, archive, kind)
    else response.writeHead(500).end()
  })
  const whenRequested = once(server, 'request')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests, whenRequested }
}

function sendArchive(response: ServerResponse, archive: Buffer, kind: ReleaseKind): void {
  response.writeHead(200, { 'content-length': archive.length })
  if (kind !== 'truncated' && kind !== 'stalled') {
    response.end(archive)
    return
  }
  response.write(archive.subarray(0, archive.length / 2), () => {
    if (kind === 'truncated') response.destroy()
  })
}

async function makeArchive(machine: Machine, name: string): Promise<Buffer> {
  const folder = join(machine.home, 'release')
  await machine.addServer(join(folder, name, 'nats-server'), PINNED_VERSION)
  await promisify(execFile)('tar', ['-czf', join(folder, 'archive.tar.gz'), '-C', folder, name])
  return await readFile(join(folder, 'archive.tar.gz'))
}
