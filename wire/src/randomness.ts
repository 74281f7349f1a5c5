import { randomFillSync } from 'node:crypto'
import { createIdSource } from '@carillon/contracts'
import { systemClock } from './clock.ts'

const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'

/** A delay of between half of `ms` and all of it, so that many processes do not come back at the same moment. */
export function jitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}

/** From 0 to less than 1. */
export const randomShare = (): number => Math.random()

/** Random letters that may be part of a name; 16 of them are unique in practice. */
export function randomLetters(count: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => LETTERS[byte & 31]).join('')
}

/** Random bytes for many ids at once: a call of the generator takes as long in an idle process as all the rest of an id. */
const pool = new Uint8Array(1_536)
let taken = pool.length

function fillFromPool(into: Uint8Array): void {
  if (taken + into.length > pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  into.set(pool.subarray(taken, taken + into.length))
  taken += into.length
}

/** A fresh run id: 26 letters that sort by the time they were made. One source a process. */
export const freshRunId = createIdSource(systemClock.now, fillFromPool)
