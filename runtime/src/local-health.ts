import { rmSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { CarillonError, type ServiceHealth } from '@carillon/contracts'
import type { Logger } from './logger.ts'
import type { Running } from './process.ts'

/** A service that runs and can report its own health. */
export interface RunningService extends Running {
  health(): Promise<ServiceHealth>
}

/**
 * Answers the health of this process on a Unix socket, while a call over NATS reaches any one of several: each client that connects is sent it as JSON.
 * A socket that a killed process left behind is replaced.
 * @throws CarillonError INVALID_CONFIG when the path cannot be listened on, or another process does
 */
export async function serveHealth(path: string, { health }: Pick<RunningService, 'health'>, log: Logger): Promise<Running> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    health().then(
      (answer) => socket.end(JSON.stringify(answer)),
      (error: unknown) => {
        log.warn({ evt: 'health.failed', err: error }, 'the health of this process could not be read')
        socket.destroy()
      },
    )
  })
  try {
    if (await answers(path)) throw new Error('another process listens there')
    rmSync(path, { force: true })
    await listen(server, path)
  } catch (error) {
    const field = 'CARILLON_HEALTH_SOCKET'
    throw new CarillonError('INVALID_CONFIG', `${field} cannot be used (${path}): ${(error as Error).message}`, { field, value: path })
  }
  return { stop: () => new Promise((resolve) => server.close(() => resolve())) }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      server.on('error', () => undefined)
      resolve()
    })
  })
}
