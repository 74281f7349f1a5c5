import { CALLS, type Call, CarillonError, LIMITS, parseSubject } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'
import { Answers } from '../connection/answers.ts'
import type { ClientLink } from '../connection/link.ts'
import type { Coordinator } from './coordinator.ts'

interface Listener {
  readonly tokens: readonly string[]
  readonly onMessage: (message: Msg) => void
}

const CALL_OF: ReadonlyMap<string, Call> = new Map(Object.values(CALLS).map((call) => [`${call.noun}.${call.verb}`, call]))

/** The connection of a client to a mesh in memory: calls go to its coordinator, events come from it. */
export class MemoryLink implements ClientLink {
  readonly isUp = true
  readonly isClosed = false
  readonly server = { id: 'memory', version: 'memory', jetstream: true, maxPayload: LIMITS.messageBytes * 2, address: 'memory' }
  readonly #answers = new Answers('_INBOX.')
  readonly #listeners = new Set<Listener>()
  readonly #coordinator: Coordinator

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator
  }

  publish(subject: string, payload: string | Uint8Array, { reply = '' }: { reply?: string } = {}): void {
    const [noun, verb] = parseSubject(subject)?.rest ?? []
    const call = CALL_OF.get(`${noun}.${verb}`)
    if (call === undefined) return
    this.#coordinator
      .answer(call, JSON.parse(String(payload)) as never)
      .catch((error: unknown) => ({ error: CarillonError.from(error).toBody() }))
      .then((answer) => this.#answers.take(messageOf(reply, answer)))
      .catch((error: unknown) => process.emitWarning(`A test mesh could not answer ${noun}.${verb}: ${String(error)}`))
  }

  expectAnswer: ClientLink['expectAnswer'] = (expectation) => this.#answers.expect(expectation)
  forgetAnswer: ClientLink['forgetAnswer'] = (subject) => this.#answers.forget(subject)
  /** It is always up. */
  onUp: ClientLink['onUp'] = () => () => undefined

  subscribe: ClientLink['subscribe'] = (subject, onMessage) => {
    const listener = { tokens: subject.split('.'), onMessage }
    this.#listeners.add(listener)
    let close: () => void = () => undefined
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    return {
      closed,
      isClosed: () => !this.#listeners.has(listener),
      unsubscribe: () => {
        if (this.#listeners.delete(listener)) close()
      },
    }
  }

  /** An event of the mesh. */
  emit(subject: string, body: unknown): void {
    const tokens = subject.split('.')
    for (const listener of [...this.#listeners])
      if (listener.tokens.every((token, place) => token === '*' || token === tokens[place])) listener.onMessage(messageOf(subject, body))
  }
}

/** The fields of a message that the client reads. */
function messageOf(subject: string, body: unknown): Msg {
  const text = JSON.stringify(body)
  const read: Partial<Msg> = { subject, data: Buffer.from(text), json: <Body>() => JSON.parse(text) as Body, string: () => text }
  return read as Msg
}
