import { pause } from '../../clock.ts'
import type { NatsServerProcess } from '../nats-server/nats-server-process.ts'
import { storageOf } from '../nats-server/storage.ts'

const WATCH_EVERY_MS = 5_000
/** Below it nothing useful can be kept; above it a server whose disk was full is started again. */
const ENOUGH_BYTES = 64 * 1024 * 1024
/** A ceiling is raised by this factor at least, so that a disk whose free space varies causes no stream of reloads. */
const RAISE_BY = 1.25
const MIB = 1024 * 1024
/** After any of these the server stores nothing more in that stream, or in any, until it is started again, also when there is room. */
const OUT_OF_SPACE = /no space left on device|Critical write error|resources, will be DISABLED/
const NOT_RELOADABLE = /config reload not supported for .*jetstream/

export type WatchedServer = Pick<NatsServerProcess, 'dataDir' | 'newLogText' | 'raiseStorage' | 'stop' | 'ceilingBytes'>

export interface StorageWatchOptions {
  /** The server that runs now. */
  readonly server: () => WatchedServer | undefined
  readonly say: (line: string) => void
  readonly everyMs?: number
}

/**
 * Lets nats-server have what the disk has. Its limit is what was free when it started: as space becomes free the limit is raised, without a
 * restart. A disk that was full leaves the server unable to write for ever: once there is room it is stopped, and the supervisor starts it again.
 */
export class StorageWatch {
  readonly #options: StorageWatchOptions
  readonly #stopping = new AbortController()
  #watching: Promise<void> = Promise.resolve()
  #mustRestart = false
  #isReported = false

  constructor(options: StorageWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#watching = this.#watch()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#watching
  }

  async #watch(): Promise<void> {
    const { everyMs = WATCH_EVERY_MS, say } = this.#options
    do {
      await this.#round().catch((error: unknown) => say(`the disk of nats-server cannot be watched: ${String(error)}`))
    } while (await pause(everyMs, this.#stopping.signal))
  }

  async #round(): Promise<void> {
    const { server: current, say } = this.#options
    const server = current()
    if (!server) return
    const text = await server.newLogText()
    if (OUT_OF_SPACE.test(text) || NOT_RELOADABLE.test(text)) this.#mustRestart = true
    const { freeBytes, ceilingBytes } = await storageOf(server.dataDir)
    if (freeBytes < ENOUGH_BYTES) {
      if (!this.#isReported)
        say(`the disk of ${server.dataDir} is almost full: ${mib(freeBytes)} MiB are free; the broker refuses messages until there is room`)
      this.#isReported = true
      return
    }
    this.#isReported = false
    if (this.#mustRestart) {
      this.#mustRestart = false
      say(`nats-server could not write and stores nothing more; it is started again, ${mib(freeBytes)} MiB are free`)
      await server.stop()
    } else if (ceilingBytes > server.ceilingBytes * RAISE_BY) {
      server.raiseStorage(ceilingBytes)
    }
  }
}

const mib = (bytes: number) => Math.floor(bytes / MIB).toLocaleString('en')
