import { rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { CarillonError } from '@carillon/contracts'
import { systemCode, unusable } from './outbox-errors.ts'

/** The kernel's `sun_path`, without its end: Linux has 108 bytes, others 104. */
const LONGEST_PATH = 103

/**
 * Shows that the owner of files lives: a socket that it listens on. The system closes it with the process, also on kill -9, and other processes on this machine see that, in
 * whatever container they are, if they share the folder. A process that is stopped, or blocked, still has it.
 */
export class OwnerLock {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** @throws CarillonError OUTBOX_UNUSABLE */
  static async take(folder: string, owner: string): Promise<OwnerLock> {
    const path = socketOf(folder, owner)
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(unusable(path, error)))
      server.listen(path, () => resolve())
    })
    // What comes of it later concerns those who ask.
    server.on('error', () => undefined)
    server.unref()
    return new OwnerLock(server)
  }

  release(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}

/** Whether the owner of files lives. In doubt it does. */
export function isAlive(folder: string, owner: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketOf(folder, owner))
    const answer = (lives: boolean) => {
      socket.destroy()
      resolve(lives)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', (error) => answer(!['ECONNREFUSED', 'ENOENT'].includes(String(systemCode(error)))))
  })
}

/** What a process that is dead has left of its lock. */
export function removeLock(folder: string, owner: string): void {
  if (process.platform !== 'win32') rmSync(socketOf(folder, owner), { force: true })
}

function socketOf(folder: string, owner: string): string {
  const path = process.platform === 'win32' ? `\\\\.\\pipe\\carillon-outbox-${owner}` : join(folder, `${owner}.lock`)
  if (process.platform === 'win32' || Buffer.byteLength(path) <= LONGEST_PATH) return path
  throw new CarillonError('OUTBOX_UNUSABLE', `${path} is too long for a socket: it has ${Buffer.byteLength(path)} bytes`, {
    field: 'outbox.folder',
    value: folder,
    hint: `Choose a folder whose path has at most ${LONGEST_PATH - owner.length - 6} bytes.`,
  })
}
