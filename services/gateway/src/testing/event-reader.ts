import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { eventually } from '@carillon/runtime/testing'

export interface ReadEvent {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as into any JSON
  readonly data: any
}

/** A client of server-sent events that reads as slowly as a test wants. */
export class EventReader {
  readonly response: IncomingMessage
  readonly events: ReadEvent[] = []
  /** The last `retry` field. */
  retryMs: number | undefined
  heartbeats = 0
  hasEnded = false
  #text = ''

  constructor(response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    const end = () => {
      this.hasEnded = true
    }
    response.on('end', end).on('close', end).on('error', end)
  }

  get status(): number {
    return this.response.statusCode ?? 0
  }

  get lastId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id
  }

  read(): this {
    this.response.on('data', (text: string) => this.#take(text))
    return this
  }

  /** The whole body of a refusal. */
  async problem(): Promise<Record<string, unknown>> {
    let text = ''
    for await (const part of this.response) text += part
    return JSON.parse(text)
  }

  until(what: string, found: (events: readonly ReadEvent[]) => boolean | ReadEvent | undefined) {
    return eventually(what, () => found(this.events))
  }

  of(event: string): ReadEvent[] {
    return this.events.filter((one) => one.event === event)
  }

  close(): void {
    this.response.destroy()
  }

  #take(text: string): void {
    this.#text += text
    const blocks = this.#text.split('\n\n')
    this.#text = blocks.pop() ?? ''
    for (const block of blocks) this.#block(block)
  }

  #block(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const),
    )
    if (fields.has('')) this.heartbeats++
    if (fields.has('retry')) this.retryMs = Number(fields.get('retry'))
    const data = fields.get('data')
    if (data !== undefined) this.events.push({ id: fields.get('id'), event: fields.get('event') ?? 'message', data: JSON.parse(data) })
  }
}

/** Opens a stream, or gets a refusal. Nothing is read before `read`. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const sent = request(url, { headers })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return new EventReader(response)
}
