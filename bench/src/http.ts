import { connect, type Socket } from 'node:net'
import { startGateway } from './gateway-process.ts'
import { percentile } from './percentile.ts'

const CONNECTIONS = 64
const WARM_UP = 5_000

interface Load {
  readonly port: number
  readonly request: Buffer
  /** Requests that are still to be sent. */
  left: number
  readonly tookMs: number[]
}

/** Starts of runs over HTTP by a program with a token, over connections that are kept, each with one request under way. */
export async function measureHttp(natsUrl: string, count: number): Promise<Record<string, number>> {
  const gateway = await startGateway(natsUrl)
  try {
    const { host, port } = new URL(gateway.url)
    const body = JSON.stringify({ payload: { a: 1 } })
    const head = [
      'POST /api/v1/namespaces/bench/jobs/noop/runs HTTP/1.1',
      ...[`Host: ${host}`, `Authorization: Bearer ${await tokenOf(gateway)}`, 'Content-Type: application/json'],
      `Content-Length: ${body.length}`,
    ]
    const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
    await run({ port: Number(port), request, left: WARM_UP, tookMs: [] })
    const load = { port: Number(port), request, left: count, tookMs: [] }
    const begun = performance.now()
    await run(load)
    const perSecond = Math.round(load.tookMs.length / ((performance.now() - begun) / 1_000))
    return { perSecond, p50Ms: percentile(load.tookMs, 0.5), p99Ms: percentile(load.tookMs, 0.99) }
  } finally {
    await gateway.stop()
  }
}

async function tokenOf({ url, cookie }: { url: string; cookie: string }): Promise<string> {
  const answered = await fetch(`${url}/api/v1/namespaces/bench/tokens`, {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', role: 'operator', payloads: true }),
  })
  return ((await answered.json()) as { token: string }).token
}

async function run(load: Load): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => connection(load)))
}

/** Cheaper than a client of Node.js, which would take the processor from what is measured. */
function connection(load: Load): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(load.port, '127.0.0.1')
    let sentAt = 0
    let text = ''
    const next = () => {
      if (load.left-- <= 0) return void socket.end(resolve)
      sentAt = performance.now()
      socket.write(load.request)
    }
    socket.setNoDelay(true).once('connect', next).once('error', reject)
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (!isWhole(text)) return
      if (!text.startsWith('HTTP/1.1 201')) return refuse(socket, reject, text)
      load.tookMs.push(performance.now() - sentAt)
      text = ''
      next()
    })
  })
}

function refuse(socket: Socket, reject: (error: Error) => void, text: string): void {
  socket.destroy()
  reject(new Error(text))
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  const length = /content-length: (\d+)/i.exec(text)?.[1]
  return end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)
}
