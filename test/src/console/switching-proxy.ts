import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Cleanup } from '../support/cleanup.ts'

/** One address for several gateways, as a load balancer has it. */
export interface SwitchingProxy {
  readonly url: string
  /** Ends every connection without a farewell; later ones go to this port. */
  switchTo(port: number): void
}

export async function startSwitchingProxy(cleanup: Cleanup, first: number): Promise<SwitchingProxy> {
  let port = first
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      const end = () => {
        sockets.delete(socket)
        other.destroy()
      }
      socket.on('error', end).on('close', end)
      socket.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  cleanup.add('proxy', async () => {
    cut()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    switchTo: (next) => {
      port = next
      cut()
    },
  }
}
