import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@carillon/wire/testing'
import { untilReady } from './server-ready.ts'

/** Redis on loopback with the settings that BullMQ recommends for production. */
export async function startRedis(): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort()
  const data = mkdtempSync(join(tmpdir(), 'carillon-bench-redis-'))
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--save', '']
  const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction']
  const child = spawn('redis-server', [...options, ...durable], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(data, { recursive: true, force: true })
  }
  try {
    await once(child, 'spawn')
  } catch (error) {
    rmSync(data, { recursive: true, force: true })
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error('redis-server is not on PATH; install the package redis-server (apt-get install redis-server)')
  }
  await untilReady(child.stdout, { mark: 'Ready to accept connections', exited }).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return { port, stop }
}
