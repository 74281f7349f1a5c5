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

/** What a file has: texts of whole records, and where they end. */
export interface FileContent {
  readonly texts: readonly string[]
  /** Behind the last record that is whole. */
  readonly end: number
  /** `torn`: the last record was not written to its end; its caller had no answer. `damaged`, `version`: the rest cannot be read. */
  readonly rest: 'none' | 'torn' | 'damaged' | 'version'
}

/** Reads the records of a file. Never throws: a file may contain anything. */
export function readRecords(file: Buffer): FileContent {
  const texts: string[] = []
  for (let at = 0; ; ) {
    const rest = restOf(file, at)
    if (rest !== undefined) return { texts, end: at, rest }
    const end = at + HEADER_BYTES + file.readUInt32LE(at)
    texts.push(file.toString('utf8', at + HEADER_BYTES, end))
    at = end
  }
}

/** Why no whole record begins here; undefined: one does. */
function restOf(file: Buffer, at: number): FileContent['rest'] | undefined {
  const left = file.length - at
  if (left === 0) return 'none'
  if (left < HEADER_BYTES) return 'torn'
  if (file.readUInt32LE(at + 5) !== crc32(file.subarray(at, at + 5))) return isEmpty(file.subarray(at)) ? 'torn' : 'damaged'
  if (file.readUInt8(at + 4) !== VERSION) return 'version'
  const end = at + HEADER_BYTES + file.readUInt32LE(at)
  if (end > file.length) return 'torn'
  if (file.readUInt32LE(at + 9) === crc32(file.subarray(at + HEADER_BYTES, end))) return undefined
  return end === file.length ? 'torn' : 'damaged'
}

/** After a loss of power a file may be longer than what was written into it. */
const isEmpty = (bytes: Buffer) => bytes.every((byte) => byte === 0)
