import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The environment variable with the path of the socket that the threads connect to. */
export const PROFILE_SOCKET = 'CARILLON_BENCH_PROFILE_SOCKET'
/** A large allocation profile is written as one text. */
const WITHIN_MS = 60_000
const PRELOAD = new URL('./preload.js', import.meta.url).href

export type ProfileKind = 'cpu' | 'heap'

/** To a thread: begin, or end and write the file. */
export interface Command {
  readonly kind: ProfileKind
  readonly file?: string
}

/** Of a thread: who it is, then one for each command. */
export type Answer =
  | { readonly pid: number; readonly threadId: number; readonly program: string }
  | { readonly done: true }
  | { readonly error: string }

/** A JavaScript thread that can be profiled. */
export interface ProfiledThread {
  readonly pid: number
  /** 0 is the main thread of its process. */
  readonly threadId: number
  /** The path of the program that the process runs. */
  readonly program: string
  /** @throws when it does not answer in time, or cannot */
  order(command: Command): Promise<void>
}

/** The threads of this process and of all node processes that it starts from now on. */
export class ProfiledThreads {
  readonly #server: Server
  readonly #threads = new Set<ProfiledThread>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param folder short: the path of a socket has about 100 letters at most */
  static async open(folder: string): Promise<ProfiledThreads> {
    const path = join(folder, 'bench.sock')
    const server = createServer()
    const threads = new ProfiledThreads(server)
    server.on('connection', (socket) => threads.#add(socket))
    server.listen(path)
    await once(server, 'listening')
    server.unref()
    process.env[PROFILE_SOCKET] = path
    process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --import=${PRELOAD}`.trim()
    await import(PRELOAD)
    return threads
  }

  /** Those that run now. */
  get all(): readonly ProfiledThread[] {
    return [...this.#threads]
  }

  close(): void {
    this.#server.close()
  }

  #add(socket: Socket): void {
    socket.unref()
    socket.on('error', () => undefined)
    const waiting: ((answer: Answer) => void)[] = []
    const order = (command: Command) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`a thread did not answer within ${WITHIN_MS} ms`)), WITHIN_MS)
        waiting.push((answer) => {
          clearTimeout(timer)
          if ('error' in answer) reject(new Error(answer.error))
          else resolve()
        })
        socket.write(`${JSON.stringify(command)}\n`)
      })
    createInterface(socket).on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      if (!('program' in answer)) return waiting.shift()?.(answer)
      const thread = { ...answer, order }
      this.#threads.add(thread)
      socket.once('close', () => this.#threads.delete(thread))
    })
  }
}
