import { type AuditOrigin, CALLS, type CallName, CarillonError, type ErrorBody, LIMITS, subjects, writeJson } from '@carillon/contracts'
import { hadNoResponders, headersOf } from '@carillon/runtime'
import type { GatewayParts } from '../parts.ts'

/** A call as the gateway passes it on; its input is checked. */
export interface MeshCall {
  readonly name: CallName
  readonly namespace: string
  readonly input: unknown
  /** Who makes it, as histories and the audit log keep it. */
  readonly by: string
  /** The request that it comes from, for the audit log. */
  readonly origin: AuditOrigin
  readonly traceparent?: string | undefined
}

/** A payload may be as deep as any value, within the request and the list of a bulk start. */
const REQUEST = {
  field: 'request',
  maxBytes: LIMITS.messageBytes,
  maxDepth: LIMITS.jsonDepth + 4,
  tooLarge: 'INVALID_REQUEST',
  notJson: 'INVALID_REQUEST',
} as const

/** Passes calls on to the services, over the broker. */
export class CallMesh {
  readonly #connection: GatewayParts['broker']['connection']

  constructor({ broker }: Pick<GatewayParts, 'broker'>) {
    this.#connection = broker.connection
  }

  /** @throws CarillonError with the service's code; NO_SERVICE, CALL_TIMEOUT, INVALID_REQUEST of its own */
  async call({ name, namespace, input, by, origin, traceparent }: MeshCall): Promise<unknown> {
    const { noun, verb, service, deadlineMs } = CALLS[name]
    const body = writeJson(input, REQUEST)
    try {
      const options = { timeout: deadlineMs, ...headersOf({ traceparent, by, account: JSON.stringify(origin) }) }
      return outputOf((await this.#connection.request(subjects.api(namespace, noun, verb), body, options)).json())
    } catch (error) {
      if (CarillonError.is(error)) throw error
      const path = `${noun}.${verb}`
      if (hadNoResponders(error)) throw new CarillonError('NO_SERVICE', `No ${service} answers ${path}`, { value: path })
      throw new CarillonError('CALL_TIMEOUT', `${path} had no answer within ${deadlineMs} ms`, { value: path, cause: error })
    }
  }
}

function outputOf(body: unknown): unknown {
  const error = typeof body === 'object' && body !== null && 'error' in body ? (body.error as ErrorBody | undefined) : undefined
  if (!error) return body
  throw CarillonError.fromBody(error)
}
