import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'

export interface ServerEvent {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as into any JSON
  readonly data: any
}

/** One connection of server-sent events, until it ends or breaks. @throws Error when there is no answer, or another one than 200 */
export async function* eventsOf(url: string, headers: Record<string, string> = {}, signal?: AbortSignal): AsyncGenerator<ServerEvent> {
  const sent = request(url, { headers, ...(signal ? { signal } : {}) })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`)
  response.setEncoding('utf8')
  let text = ''
  for await (const part of response) {
    text += part
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2)
      const data = field('data')
      if (data !== undefined) yield { id: field('id'), event: field('event') ?? 'message', data: JSON.parse(data) }
    }
  }
}
