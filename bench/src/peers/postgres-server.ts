import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from '@carillon/wire/testing'
import { untilReady } from './server-ready.ts'

const MISSING = 'PostgreSQL is not on this machine; install the package postgresql (apt-get install postgresql)'

/**
 * PostgreSQL on loopback with the settings of its package, in a temporary folder.
 * @param settings more of them, such as `synchronous_commit=off`
 * @throws when there is none on this machine
 */
export async function startPostgres(settings: readonly string[] = []): Promise<{ url: string; stop(): Promise<void> }> {
  const binaries = findBinaries()
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-postgres-'))
  const user = unprivileged()
  if (user) chownSync(folder, user.uid, user.gid)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const made = spawnSync(join(binaries, 'initdb'), ['-D', folder, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale', 'C'], {
    ...user,
    cwd: '/',
    encoding: 'utf8',
  })
  if (made.status !== 0) {
    remove()
    throw new Error(`initdb failed: ${made.stderr || made.error?.message}`)
  }
  const options = ['-D', folder, '-p', String(port), '-h', '127.0.0.1', '-k', folder]
  const server = spawn(join(binaries, 'postgres'), [...options, ...settings.flatMap((setting) => ['-c', setting])], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(server, 'exit')
  const stop = async () => {
    // "Fast": open connections are closed.
    if (server.exitCode === null) server.kill('SIGINT')
    await exited
    remove()
  }
  await untilReady(server.stderr, { mark: 'ready to accept connections', exited }).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, stop }
}

/** On PATH, or where Debian puts the servers of each version: the newest. */
function findBinaries(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...globSync('/usr/lib/postgresql/*/bin').sort().reverse()]
  const found = folders.find((folder) => folder !== '' && globSync(join(folder, 'initdb')).length > 0)
  if (found === undefined) throw new Error(MISSING)
  return found
}

/** PostgreSQL refuses to run as root: then as the user of its package. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim() || Number.NaN)
  const [uid, gid] = [id('-u'), id('-g')]
  if (!uid || !gid) throw new Error('PostgreSQL does not run as root, and there is no user postgres')
  return { uid, gid }
}
