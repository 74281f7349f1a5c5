import { CarillonError, parseBody, printable, UnacceptableJson } from '@carillon/contracts'

/** The payload of the run that a delivery starts: its JSON, also where a form has it in its field `payload`, as GitHub may send it. */
export function payloadOf(body: Buffer, contentType: string | undefined): unknown {
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? '')
  const inForm = isForm ? new URLSearchParams(body.toString()).get('payload') : null
  const payload = parseBody(inForm === null ? body : Buffer.from(inForm), null)
  if (!(payload instanceof UnacceptableJson)) return payload
  if (payload.code !== 'INVALID_JSON') throw payload.refusal('body')
  const hint = 'Let the sender send JSON.'
  throw new CarillonError('INVALID_JSON', 'The body of the delivery is not JSON', { field: 'body', value: printable(payload.text), hint })
}
