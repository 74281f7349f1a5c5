import { type Json, LIMITS, parseJson, writeJson } from '@carillon/contracts'
import { MACHINE_SOURCES, readText, type TextRule } from './text.ts'

/** More than any payload under the limit can take as text, with generous white space. */
const MAX_TEXT_BYTES = 16 * LIMITS.payloadBytes

const PAYLOAD: TextRule = {
  field: 'payload',
  maxBytes: MAX_TEXT_BYTES,
  tooLarge: { code: 'PAYLOAD_TOO_LARGE', message: `payload has more than ${MAX_TEXT_BYTES} bytes, the limit is ${LIMITS.payloadBytes}` },
  notText: 'INVALID_JSON',
  hint: 'Give JSON, @ and the path of a file that holds JSON, or - for standard input.',
}

/**
 * A payload given as JSON text, as `@file`, or as `-` for standard input.
 * @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, INTEGER_TOO_LARGE, PAYLOAD_TOO_LARGE, or INVALID_REQUEST for a file that cannot be read
 */
export async function readPayload(given: string, sources = MACHINE_SOURCES): Promise<Json> {
  const isText = given !== '-' && !given.startsWith('@')
  const text = isText ? given : await readText(given === '-' ? undefined : given.slice(1), PAYLOAD, sources)
  const payload = parseJson(text, 'payload')
  writeJson(payload, { field: 'payload', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' })
  return payload
}
