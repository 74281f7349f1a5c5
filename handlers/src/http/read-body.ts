import { pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { NonRetryableError } from '@carillon/sdk'

/** What `accept-encoding` asks for. */
export const ENCODINGS = 'gzip, deflate, br'

const UNPACK: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/** The body of a response as far as it was read. */
export interface ReadBody {
  readonly bytes: Buffer
  readonly truncated: boolean
}

/**
 * Reads up to `maxBytes` of a body, counted after it is unpacked: what a small body becomes does not matter, and one without an end has an end here.
 * @throws NonRetryableError for an encoding that was not asked for
 */
export async function readBody(body: Readable, { encoding, maxBytes }: { encoding: string; maxBytes: number }): Promise<ReadBody> {
  const parts: Buffer[] = []
  let size = 0
  // The end of the loop, however it comes, destroys the stream, and with it the connection if the body has not ended.
  for await (const part of unpacked(body, encoding)) {
    parts.push(part)
    size += part.length
    if (size > maxBytes) break
  }
  return { bytes: Buffer.concat(parts).subarray(0, maxBytes), truncated: size > maxBytes }
}

function unpacked(body: Readable, encoding: string): Readable {
  const name = encoding.trim().toLowerCase()
  if (name === '' || name === 'identity') return body
  const create = Object.hasOwn(UNPACK, name) ? UNPACK[name] : undefined
  if (create !== undefined) return pipeline(body, create(), () => undefined)
  body.on('error', () => undefined).destroy()
  throw new NonRetryableError(`The response is packed as ${name}, which was not asked for. Known are ${ENCODINGS}.`)
}
