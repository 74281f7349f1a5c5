import { parseBody, UnacceptableJson } from '@carillon/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'

type Done = (error: Error | null, body?: unknown) => void

/**
 * Bodies are read as messages are: too deep nesting and integers that cannot be kept exactly are refused. JSON is taken under its own type alone, which
 * no form of another site can send. curl says `x-www-form-urlencoded` of whatever it sends: with a token that is taken for JSON too, since no
 * form can send a token.
 */
export function acceptBodies(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers()
  instance.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done: Done) => {
    if (request.routeOptions.config.room?.body === 'raw') return done(null, body)
    const parsed = parseBody(body, {})
    if (parsed instanceof UnacceptableJson) done(parsed.refusal('body'))
    else done(null, parsed)
  })
}

const JSON_TYPE = /^application\/json\s*(;|$)/i
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i

/** Whether the body of a request, which has not been read so far, may be. */
export function hasAcceptedType({ headers, routeOptions }: FastifyRequest): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  if (!hasBody || routeOptions.config.room?.body === 'raw') return true
  const type = headers['content-type']
  if (type !== undefined && JSON_TYPE.test(type)) return true
  return headers.authorization !== undefined && (type === undefined || FORM_TYPE.test(type))
}
