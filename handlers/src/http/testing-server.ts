import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import type { TestContext } from 'node:test'
import type { HttpRequest } from '@carillon/contracts'
import { testMesh } from '@carillon/sdk/testing'
import { rangeOf, systemClock } from '@carillon/wire/internal'
import { httpHandler } from './http-definition.ts'
import { HttpRequests, type HttpSettings } from './http-requests.ts'
import { Secrets } from './secrets.ts'

export interface TestServer {
  readonly url: string
  readonly port: number
  /** What it was asked, in order. */
  readonly requests: IncomingMessage[]
}

/** A server of this machine that ends with the test. */
export async function serve(t: TestContext, answer: RequestListener, host = '127.0.0.1'): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    requests.push(request)
    answer(request, response)
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://${host}:${port}`, port, requests }
}

export const answerWith =
  (status: number, headers: Record<string, string>, body: string | Buffer) => (_: IncomingMessage, to: ServerResponse) =>
    void to.writeHead(status, headers).end(body)

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}

/** For tests 127.0.0.1 is the internet; every other address is what it is. */
export const rangeOfTests = (address: string) => (address === '127.0.0.1' ? undefined : rangeOf(address))

/** Names by their addresses; one after the other, if there are several answers. */
export function namesOf(names: Readonly<Record<string, readonly (readonly string[])[]>>): LookupFunction & { readonly asked: string[] } {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, _options, callback) => {
    const answers = names[hostname] ?? []
    const addresses = answers[Math.min(asked.filter((name) => name === hostname).length, answers.length - 1)] ?? []
    asked.push(hostname)
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return Object.assign(lookup, { asked })
}

/** A mesh whose executor has these settings. */
export function meshWith(t: TestContext, settings: Partial<HttpSettings> = {}) {
  const secrets = new Secrets(new Map(), '--secret')
  const requests = new HttpRequests({
    ...{ rangeOf: rangeOfTests, secrets, proxy: undefined, lookup: namesOf({}), clock: systemClock },
    ...settings,
  })
  t.after(() => requests.close())
  const mesh = testMesh({ now: Date.now() }).handle(httpHandler, requests.run)
  return {
    mesh,
    /** A run of it to its end; in one attempt, unless it says otherwise. */
    run: async (payload: HttpRequest, attempts = 1) => (await mesh.start(httpHandler, payload, { attempts })).ended(),
  }
}
