/** A real mongod as a replica set of one, on a folder of its own. */
import { spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EngineRecord, writeRecord } from './records.ts'

type MongodRecord = Extract<EngineRecord, { kind: 'mongod' }>

/** What is used of the driver; it is a dependency of the store, not of the repository's root. */
interface Driver {
  MongoClient: new (
    url: string,
    options: object,
  ) => {
    connect(): Promise<unknown>
    db(name: string): { command(command: object): Promise<Record<string, unknown>> }
    close(): Promise<void>
  }
}

const { MongoClient }: Driver = createRequire(new URL('../../store/package.json', import.meta.url))('mongodb')

/** A cold start on a slow disk takes seconds; a minute means that it hangs. */
const START_MS = 60_000
const ALREADY_INITIATED = 23

/** @throws when there is none */
export async function findMongodOnPath(): Promise<string> {
  const name = process.platform === 'win32' ? 'mongod.exe' : 'mongod'
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const binary = join(folder, name)
    try {
      accessSync(binary, constants.X_OK)
      return binary
    } catch {
      // Not in this folder; look in the next.
    }
  }
  throw new Error('there is none')
}

/** @returns the URL, once the replica set has a primary. @throws with the end of the log when it does not start */
export async function startMongod({ binary, port }: { binary: string; port: number }): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-mongod-'))
  try {
    return await resumeMongod({ kind: 'mongod', port, binary, folder, pid: 0 })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** Starts it on its folder unless it runs. @returns the URL */
export async function resumeMongod(record: MongodRecord): Promise<string> {
  const { port } = record
  const url = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`
  if (isAlive(record.pid)) return url
  const child = launch(record)
  const failed = new AbortController()
  child.once('error', (error) => failed.abort(error))
  child.once('exit', (code, signal) => failed.abort(new Error(`${record.binary} ends with ${code ?? signal}: ${endOfLog(record.folder)}`)))
  const late = setTimeout(() => failed.abort(new Error(`${record.binary} is not ready after ${START_MS / 1000} s`)), START_MS)
  try {
    await becomePrimary(port, failed.signal)
  } catch (error) {
    if (child.pid !== undefined) await endMongod({ ...record, pid: child.pid }, 'SIGKILL')
    throw error
  } finally {
    clearTimeout(late)
  }
  child.unref()
  writeRecord({ ...record, pid: child.pid! })
  return url
}

/** Ends it and waits until it is gone; SIGTERM is its clean shutdown. */
export async function endMongod({ pid, port }: MongodRecord, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (isAlive(pid)) process.kill(pid, signal)
  for (let waited = 0; isAlive(pid); waited += 20) {
    if (waited > START_MS) throw new Error(`mongod on port ${port} (process ${pid}) does not end`)
    await sleep(20)
  }
}

function launch({ binary, folder, port }: MongodRecord) {
  const log = openSync(join(folder, 'mongod.log'), 'a')
  const memory = ['--wiredTigerCacheSizeGB', '0.5', '--oplogSize', '128']
  const options = ['--replSet', 'rs0', '--dbpath', folder, '--bind_ip', '127.0.0.1', '--port', String(port), ...memory]
  return spawn(binary, options, { detached: true, stdio: ['ignore', log, log] })
}

async function becomePrimary(port: number, signal: AbortSignal): Promise<void> {
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
  for (;;) {
    signal.throwIfAborted()
    const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, { serverSelectionTimeoutMS: 500 })
    try {
      await client.connect()
      const admin = client.db('admin')
      await admin.command({ replSetInitiate: { _id: 'rs0', members } }).catch((error: Error & { code?: number }) => {
        if (error.code !== ALREADY_INITIATED) throw error
      })
      if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) return
    } catch (error) {
      // Not listening yet is what we wait for; a refusal of the command is final.
      if ((error as { code?: number }).code !== undefined) throw error
    } finally {
      await client.close()
    }
    await sleep(100, undefined, { signal }).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function endOfLog(folder: string): string {
  return readFileSync(join(folder, 'mongod.log'), 'utf8').trim().split('\n').slice(-2).join(' ').slice(-400)
}
