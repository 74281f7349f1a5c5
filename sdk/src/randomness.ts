import { randomFillSync } from 'node:crypto'
import { createIdSource } from '@carillon/contracts'
import { systemClock } from './clock.ts'

const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'

/** A delay of between half of `ms` and all of it, so that many processes do not come back at the same moment. */
export function jitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}

/** Random letters that may be part of a name; 16 of them never meet again. */
export function randomLetters(count: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => LETTERS[byte & 31]).join('')
}

/** Fresh run ids, one source a process, so that they sort by the time they were made. */
export const nextRunId = createIdSource(systemClock.now, (into) => void randomFillSync(into))
