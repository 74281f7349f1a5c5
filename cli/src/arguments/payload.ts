import { CarillonError, type Json, LIMITS, parseJson, writeJson } from '@carillon/contracts'
import { MACHINE_SOURCES, readText, type TextRule } from './text.ts'

/** More than any payload under the limit can take as text, with generous white space. */
const MAX_TEXT_BYTES = 16 * LIMITS.payloadBytes

const ruleOf = (field: string): TextRule => ({
  field,
  maxBytes: MAX_TEXT_BYTES,
  tooLarge: { code: 'PAYLOAD_TOO_LARGE', message: `${field} has more than ${MAX_TEXT_BYTES} bytes, the limit is ${LIMITS.payloadBytes}` },
  notText: 'INVALID_JSON',
  hint: 'Give JSON, @ and the path of a file that holds JSON, or - for standard input.',
})

/**
 * A payload, or another value, given as JSON text, as `@file`, or as `-` for standard input.
 * @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, INTEGER_TOO_LARGE, PAYLOAD_TOO_LARGE, or INVALID_REQUEST for a file that cannot be read
 */
export async function readPayload(given: string, { field = 'payload', sources = MACHINE_SOURCES } = {}): Promise<Json> {
  const isText = given !== '-' && !given.startsWith('@')
  const text = isText ? given : await readText(given === '-' ? undefined : given.slice(1), ruleOf(field), sources)
  const payload = jsonOf(text, field)
  writeJson(payload, { field, maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' })
  return payload
}

/** What a shell makes of JSON without quotes, or a plain word, is the usual mistake. */
function jsonOf(text: string, field: string): Json {
  try {
    return parseJson(text, field)
  } catch (error) {
    if (!CarillonError.is(error) || error.code !== 'INVALID_JSON') throw error
    const hint = `Give JSON in the quotes of your shell, such as '{"ref":7}', 7 or '"text"'; or @ and the path of a file, or - for standard input.`
    throw new CarillonError(error.code, error.message, { ...error.details, hint, cause: error })
  }
}
