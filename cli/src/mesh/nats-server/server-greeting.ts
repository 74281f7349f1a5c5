import { connect } from 'node:net'

/** What we use of the INFO line a nats-server sends to each client that connects. */
export interface Greeting {
  readonly server_name: string
  readonly version: string
}

/** An INFO line is 500 bytes. */
const MAX_GREETING_BYTES = 65_536

/** Connects once; undefined when nobody listens there or who listens is no nats-server. */
export function readGreeting(host: string, port: number, timeoutMs: number): Promise<Greeting | undefined> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect({ host, port })
    const finish = (greeting?: Greeting): void => {
      socket.destroy()
      resolve(greeting)
    }
    socket.setTimeout(timeoutMs, () => finish())
    socket.once('error', () => finish())
    socket.once('close', () => finish())
    socket.setEncoding('utf8').on('data', (piece: string) => {
      received += piece
      if (received.includes('\r\n')) finish(parseGreeting(received))
      else if (received.length > MAX_GREETING_BYTES) finish()
    })
  })
}

function parseGreeting(received: string): Greeting | undefined {
  const [, body] = /^INFO (\{.*\})\s*\r\n/.exec(received) ?? []
  if (body === undefined) return undefined
  try {
    return JSON.parse(body) as Greeting
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
