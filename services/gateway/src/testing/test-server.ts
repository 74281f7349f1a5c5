import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createLogger, systemClock } from '@carillon/runtime'
import { ConsoleFiles } from '../console-files/console-files.ts'
import type { Access, Route } from '../http/http-controller.ts'
import { HttpServer, type HttpServerOptions, type HttpSettings, REQUEST_TIMES } from '../http/http-server.ts'
import { openAccess } from './open-access.ts'

const HTTP_SETTINGS: HttpSettings = {
  host: '127.0.0.1',
  port: 0,
  origin: undefined,
  corsOrigins: [],
  proxies: [],
  maxConnections: 500,
  requestsPerSecond: 10_000,
  anonymousRequestsPerSecond: 10_000,
  consoleFolder: undefined,
  traceUrl: undefined,
}

/** An HTTP server with these routes and no mesh behind it. */
export interface TestServer {
  readonly url: string
  readonly port: number
  /** The lines of its log. */
  readonly logged: string[]
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Sends bytes as they are, and gives all that came back when the server has closed the connection. */
  send(...chunks: (string | Buffer)[]): Promise<string>
}

type Options = Partial<HttpSettings> & { access?: Access; routes?: Route[]; level?: string; times?: HttpServerOptions['times'] }

export async function startTestServer(
  t: TestContext,
  { access = openAccess, routes = [], level = 'error', times = REQUEST_TIMES, ...settings }: Options = {},
): Promise<TestServer> {
  let url = ''
  const logged: string[] = []
  const destination = { write: (line: string) => void logged.push(line) }
  const given = { ...HTTP_SETTINGS, ...settings }
  const server = new HttpServer({
    ...given,
    times,
    id: 'gateway-test',
    clock: systemClock,
    log: createLogger({ name: 'gateway', level, destination }),
    access,
    controllers: [{ name: 'Test', routes }],
    files: new ConsoleFiles({ folder: given.consoleFolder }),
    onListening: (at) => {
      url = at
    },
  })
  await server.start()
  t.after(() => server.stop())
  const port = Number(new URL(url).port)
  return { url, port, logged, fetch: (path, init) => fetch(url + path, init), send: (...chunks) => sendBytes(port, chunks) }
}

function sendBytes(port: number, chunks: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (data) => {
      text += data.toString()
    })
    // A server that refuses a body closes while it is still being sent.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    for (const chunk of chunks) socket.write(chunk)
  })
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-gateway-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
