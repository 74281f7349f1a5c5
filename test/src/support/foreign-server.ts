import { createServer, type Socket } from 'node:net'
import type { Cleanup } from './cleanup.ts'

/** A server that accepts connections and stays silent. Answers its address. */
export const silentServer = (cleanup: Cleanup): Promise<string> => serve(cleanup, 'silent server', () => undefined)

/** Speaks as little NATS as a client needs to read its version. Answers its address. */
export const oldBroker = (cleanup: Cleanup): Promise<string> =>
  serve(cleanup, 'old broker', (socket) => {
    const info = {
      server_id: 'OLD',
      server_name: 'old',
      version: '2.9.25',
      proto: 1,
      headers: true,
      jetstream: true,
      max_payload: 1_048_576,
    }
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    socket.on('data', (chunk) => {
      for (const _ of chunk.toString('latin1').matchAll(/^PING\r$/gm)) socket.write('PONG\r\n')
    })
  })

async function serve(cleanup: Cleanup, name: string, greet: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    greet(socket)
  })
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
  cleanup.add(name, () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `nats://127.0.0.1:${port}`
}
