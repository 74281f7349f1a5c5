import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cleanup } from './cleanup.ts'

const PRELOAD = new URL('./shifted-clock.js', import.meta.url)

/** A clock for processes that are started with `environment`. */
export interface ShiftedClock {
  readonly environment: Readonly<Record<string, string>>
  /** From now on it is off by so much. */
  shift(byMs: number): void
}

export function shiftedClock(cleanup: Cleanup, byMs = 0): ShiftedClock {
  const file = join(cleanup.folder(), 'clock')
  const shift = (ms: number) => writeFileSync(file, String(ms))
  shift(byMs)
  return { environment: { NODE_OPTIONS: `--import ${fileURLToPath(PRELOAD)}`, CLOCK_FILE: file }, shift }
}
