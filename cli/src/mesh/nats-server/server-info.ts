import { connect } from 'node:net'

/** The fields used of the INFO line that a nats-server sends to each client that connects. */
export interface ServerInfo {
  readonly server_name: string
  readonly version: string
}

/** An INFO line is 500 bytes. */
const MAX_INFO_BYTES = 65_536

/** Connects once; undefined when nothing listens there or the listener is no nats-server. */
export function readServerInfo(host: string, port: number, timeoutMs: number): Promise<ServerInfo | undefined> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect({ host, port })
    const finish = (info?: ServerInfo): void => {
      socket.destroy()
      resolve(info)
    }
    socket.setTimeout(timeoutMs, () => finish())
    socket.once('error', () => finish())
    socket.once('close', () => finish())
    socket.setEncoding('utf8').on('data', (piece: string) => {
      received += piece
      if (received.includes('\r\n')) finish(parseServerInfo(received))
      else if (received.length > MAX_INFO_BYTES) finish()
    })
  })
}

function parseServerInfo(received: string): ServerInfo | undefined {
  const [, body] = /^INFO (\{.*\})\s*\r\n/.exec(received) ?? []
  if (body === undefined) return undefined
  try {
    return JSON.parse(body) as ServerInfo
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
