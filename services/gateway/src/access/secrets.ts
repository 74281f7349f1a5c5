import { createHash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** `_` is part of a word: a double click selects all of a token. */
const TOKEN = /^car_([0-9A-Za-z]{12})_([0-9A-Za-z]{33})([0-9A-Za-z]{6})$/
/** Bytes that 12 and 33 such digits hold. */
export const TOKEN_BYTES = { id: 8, secret: 24 } as const

/** What the store keeps of a secret that is random: a slower hash would protect nothing more. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Compared in the same time, wherever they differ. */
export function isSameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A token as its owner is shown it, once. The checksum lets a typing error be refused without the store, and scanners for leaked secrets find it. */
export function tokenText(id: Buffer, secret: Buffer): { readonly id: string; readonly secret: string; readonly text: string } {
  const parts = { id: base62(id, 12), secret: base62(secret, 33) }
  const body = `car_${parts.id}_${parts.secret}`
  return { ...parts, text: `${body}${checksum(body)}` }
}

/** Undefined: no token of ours, or one with a typing error. */
export function parseToken(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret, sum] = TOKEN.exec(text) ?? []
  if (id === undefined || secret === undefined || checksum(`car_${id}_${secret}`) !== sum) return undefined
  return { id, secret }
}

const checksum = (body: string): string => digitsOf(BigInt(crc32(body)), 6)
const base62 = (bytes: Buffer, length: number): string => digitsOf(BigInt(`0x${bytes.toString('hex')}`), length)

function digitsOf(value: bigint, length: number): string {
  let [rest, text] = [value, '']
  for (; rest > 0n; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text
  return text.padStart(length, '0').slice(-length)
}
