import { crc32 } from 'node:zlib'

/** The version of the format: a file of another one is left to a program that knows it. */
const VERSION = 1
/** Length of the body (4), version (1), CRC-32 of these (4), CRC-32 of the body (4). The length has a sum of its own, because everything behind it depends on it. */
const HEADER_BYTES = 13

/** One record, as it is appended. */
export function recordOf(text: string): Buffer {
  const body = Buffer.from(text)
  const record = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  record.writeUInt32LE(body.length, 0)
  record.writeUInt8(VERSION, 4)
  record.writeUInt32LE(crc32(record.subarray(0, 5)), 5)
  record.writeUInt32LE(crc32(body), 9)
  body.copy(record, HEADER_BYTES)
  return record
}

/** What a file has: texts of whole records, and where the last of them ends. */
export interface FileContent {
  readonly texts: readonly string[]
  readonly end: number
  /** `torn`: the last record was not written to its end; its caller had no answer. `damaged`: records are left out. `version`: the rest cannot be read. */
  readonly rest: 'none' | 'torn' | 'damaged' | 'version'
}

/** Reads the records of a file; what is damaged costs no other record. Never throws: a file may contain anything. */
export function readRecords(file: Buffer): FileContent {
  const texts: string[] = []
  let [at, end] = [0, 0]
  let rest: FileContent['rest'] = 'none'
  while (at < file.length) {
    const wrong = wrongAt(file, at)
    if (wrong === undefined) {
      end = endAt(file, at)
      texts.push(file.toString('utf8', at + HEADER_BYTES, end))
      at = end
    } else {
      const next = wrong === 'version' ? undefined : nextWhole(file, hasHeader(file, at) ? endAt(file, at) : at + 1)
      // Behind what was not written to its end there is nothing.
      if (next === undefined) return { texts, end, rest: rest === 'none' ? wrong : rest }
      rest = 'damaged'
      at = next
    }
  }
  return { texts, end, rest }
}

const endAt = (file: Buffer, at: number) => at + HEADER_BYTES + file.readUInt32LE(at)

/** Whether the length is that which was written. */
const hasHeader = (file: Buffer, at: number) =>
  at + HEADER_BYTES <= file.length && file.readUInt32LE(at + 5) === crc32(file.subarray(at, at + 5))

/** Why no whole record begins here; undefined: one does. */
function wrongAt(file: Buffer, at: number): Exclude<FileContent['rest'], 'none'> | undefined {
  if (file.length - at < HEADER_BYTES) return 'torn'
  if (!hasHeader(file, at)) return isEmpty(file.subarray(at)) ? 'torn' : 'damaged'
  if (file.readUInt8(at + 4) !== VERSION) return 'version'
  const end = endAt(file, at)
  if (end > file.length) return 'torn'
  if (file.readUInt32LE(at + 9) === crc32(file.subarray(at + HEADER_BYTES, end))) return undefined
  // No text ends with a zero: the machine lost its power before that part was on the disk.
  return end === file.length && file.readUInt8(end - 1) === 0 ? 'torn' : 'damaged'
}

/** Where the next whole record begins. It cannot be within another one: JSON text has no byte that is the version. */
function nextWhole(file: Buffer, from: number): number | undefined {
  for (let at = from; at + HEADER_BYTES <= file.length; at++) if (file[at + 4] === VERSION && wrongAt(file, at) === undefined) return at
  return undefined
}

/** After a loss of power a file may be longer than what was written into it. */
const isEmpty = (bytes: Buffer) => bytes.every((byte) => byte === 0)
