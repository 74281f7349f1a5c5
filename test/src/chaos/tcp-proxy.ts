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

/** A way to another port of this machine that can be cut. */
export async function startProxy(cleanup: Cleanup, target: number): Promise<TcpProxy> {
  let condition: Condition = 'open'
  const pairs = new Set<readonly [Socket, Socket]>()
  /** What waits for a half-open way to open again: TCP would send it again, too. */
  const stalled = new Set<() => void>()
  const way = () =>
    new Transform({
      transform(chunk, _, done) {
        const pass = () => done(null, chunk)
        if (condition === 'slow') setTimeout(pass, SLOW_MS)
        else if (condition === 'half-open') stalled.add(pass)
        else pass()
      },
    })
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
      for (const pass of wanted === 'half-open' ? [] : stalled) {
        stalled.delete(pass)
        pass()
      }
      return struck
    },
  }
}
