import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import type { Cleanup } from '../support/cleanup.ts'

/** What becomes of the bytes: they pass, arrive late, go nowhere on connections that stay open, or there is no connection. */
export type Condition = 'open' | 'slow' | 'half-open' | 'cut'

export interface TcpProxy {
  readonly port: number
  /** Connections that the change struck. */
  set(condition: Condition): number
}

const SLOW_MS = 1_000

/** One direction of a connection: each chunk arrives late by as much as the condition said when it was sent, whatever came before it. */
class Way extends Transform {
  readonly #condition: () => Condition
  readonly #chunks: { readonly chunk: Buffer; readonly dueAt: number }[] = []
  #timer: NodeJS.Timeout | undefined
  /** The sender has closed: called when everything has passed. */
  #ended: (() => void) | undefined

  constructor(condition: () => Condition) {
    super()
    this.#condition = condition
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push({ chunk, dueAt: performance.now() + (this.#condition() === 'slow' ? SLOW_MS : 0) })
    done()
    this.pass()
  }

  /** While it is half-open everything waits: TCP would send it again, too. */
  pass(): void {
    clearTimeout(this.#timer)
    if (this.#condition() === 'half-open') return
    for (let next = this.#chunks[0]; next; next = this.#chunks[0]) {
      const waitMs = next.dueAt - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pass(), waitMs)
        return
      }
      this.#chunks.shift()
      this.push(next.chunk)
    }
    this.#ended?.()
    this.#ended = undefined
  }

  override _flush(done: () => void): void {
    this.#ended = done
    this.pass()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    super._destroy(error, done)
  }
}

/** A way to another port of this machine that can be cut. */
export async function startProxy(cleanup: Cleanup, target: number): Promise<TcpProxy> {
  let condition: Condition = 'open'
  const pairs = new Set<readonly [Socket, Socket]>()
  const ways = new Set<Way>()
  const way = () => {
    const made = new Way(() => condition)
    ways.add(made.once('close', () => ways.delete(made)))
    return made
  }
  const server = createServer((near) => {
    if (condition === 'cut') {
      near.resetAndDestroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end)
    near.pipe(way()).pipe(far)
    far.pipe(way()).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy()
      far.destroy()
    }
  }
  cleanup.add('proxy', async () => {
    cutAll()
    server.close()
    await once(server, 'close')
  })
  return {
    port: (server.address() as { port: number }).port,
    set(wanted) {
      condition = wanted
      const struck = pairs.size
      if (wanted === 'cut') cutAll()
      for (const one of ways) one.pass()
      return struck
    },
  }
}
