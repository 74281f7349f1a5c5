import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@carillon/wire/testing'

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
  let text = ''
  const isReady = new Promise<boolean>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (text.length < 10_000) text += String(chunk)
      if (text.includes('Ready to accept connections')) resolve(true)
    })
    void exited.then(() => resolve(false))
  })
  if (await isReady) return { port, stop }
  await stop()
  throw new Error(`redis-server ended before it was ready:\n${text}`)
}
