import { open } from 'node:fs/promises'
import { CarillonError, type Json, LIMITS, parseJson, printable, writeJson } from '@carillon/contracts'

/** More than any payload under the limit can take as text, with generous white space. */
const MAX_TEXT_BYTES = 16 * LIMITS.payloadBytes

/** Where the text of a payload comes from besides the command line. */
export interface PayloadSources {
  readonly stdin: AsyncIterable<Uint8Array>
  /** The bytes of a file. */
  readonly file: (path: string) => AsyncIterable<Uint8Array>
}

const MACHINE_SOURCES: PayloadSources = {
  get stdin() {
    return process.stdin
  },
  async *file(path) {
    const handle = await open(path)
    yield* handle.createReadStream()
  },
}

/**
 * A payload given as JSON text, as `@file`, or as `-` for standard input.
 * @throws CarillonError INVALID_JSON, JSON_TOO_DEEP, INTEGER_TOO_LARGE, PAYLOAD_TOO_LARGE, or INVALID_REQUEST for a file that cannot be read
 */
export async function readPayload(given: string, sources = MACHINE_SOURCES): Promise<Json> {
  const payload = parseJson(await textOf(given, sources), 'payload')
  writeJson(payload, { field: 'payload', maxBytes: LIMITS.payloadBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' })
  return payload
}

async function textOf(given: string, sources: PayloadSources): Promise<string> {
  if (given === '-') return await gather(sources.stdin)
  if (!given.startsWith('@')) return given
  try {
    return await gather(sources.file(given.slice(1)))
  } catch (error) {
    if (CarillonError.is(error)) throw error
    throw new CarillonError('INVALID_REQUEST', `payload file cannot be read: ${(error as Error).message}`, {
      field: 'payload',
      value: printable(given),
      hint: 'Give JSON, @ and the path of a file that holds JSON, or - for standard input.',
      cause: error,
    })
  }
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > MAX_TEXT_BYTES) {
      throw new CarillonError('PAYLOAD_TOO_LARGE', `payload has more than ${MAX_TEXT_BYTES} bytes, the limit is ${LIMITS.payloadBytes}`, {
        field: 'payload',
      })
    }
    parts.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch (error) {
    throw new CarillonError('INVALID_JSON', 'payload is not UTF-8 text', { field: 'payload', cause: error })
  }
}
