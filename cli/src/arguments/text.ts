import { open } from 'node:fs/promises'
import { CarillonError, type ErrorCode, printable } from '@carillon/contracts'

/** Where a text comes from besides the command line. */
export interface TextSources {
  readonly stdin: AsyncIterable<Uint8Array>
  /** The bytes of a file. */
  readonly file: (path: string) => AsyncIterable<Uint8Array>
}

export const MACHINE_SOURCES: TextSources = {
  get stdin() {
    return process.stdin
  },
  async *file(path) {
    const handle = await open(path)
    yield* handle.createReadStream()
  },
}

/** What is read, and how its refusals are coded. */
export interface TextRule {
  /** As the user knows it. */
  readonly field: string
  readonly maxBytes: number
  /** What is said of a text that has more. */
  readonly tooLarge: { readonly code: ErrorCode; readonly message: string; readonly hint?: string }
  readonly notText: ErrorCode
  /** For a file that cannot be read. */
  readonly hint: string
}

/**
 * The text of a file, or of standard input where `path` is undefined. No more than `maxBytes` of it are read.
 * @throws CarillonError as the rule says, or INVALID_REQUEST for a file that cannot be read
 */
export async function readText(path: string | undefined, rule: TextRule, sources: TextSources): Promise<string> {
  if (path === undefined) return await gather(sources.stdin, rule)
  try {
    return await gather(sources.file(path), rule)
  } catch (error) {
    if (CarillonError.is(error)) throw error
    const { field, hint } = rule
    throw new CarillonError('INVALID_REQUEST', `${field === 'file' ? 'the' : field} file cannot be read: ${(error as Error).message}`, {
      field,
      value: printable(path),
      hint,
      cause: error,
    })
  }
}

async function gather(chunks: AsyncIterable<Uint8Array>, { field, maxBytes, tooLarge, notText }: TextRule): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new CarillonError(tooLarge.code, tooLarge.message, { field, hint: tooLarge.hint })
    parts.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch (error) {
    throw new CarillonError(notText, `${field} is not UTF-8 text`, { field, cause: error })
  }
}
