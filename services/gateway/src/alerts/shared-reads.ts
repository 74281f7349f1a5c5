import type { Clock } from '@carillon/runtime'
import { LRUCache } from 'lru-cache'

/** Shorter than rules are compared in, so each comparison reads what is new. */
const KEEP_MS = 4_000
/** What is read for a namespace may be hundreds of runs. */
const KEEP = 200

interface Entry {
  readonly value: Promise<unknown>
  /** On the monotonic clock; undefined: it is being read. */
  until: number | undefined
}

/** What several rules need within seconds is read once, and fails once: a service that does not answer is waited for once. */
export class SharedReads {
  readonly #clock: Clock
  readonly #entries = new LRUCache<string, Entry>({ max: KEEP })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param key what is read */
  get<Value>(key: readonly (string | number)[], read: () => Promise<Value>): Promise<Value> {
    const name = JSON.stringify(key)
    const known = this.#entries.get(name)
    if (known && (known.until ?? Number.POSITIVE_INFINITY) > this.#clock.monotonic()) return known.value as Promise<Value>
    const value = read()
    const entry: Entry = { value, until: undefined }
    const settle = () => {
      entry.until = this.#clock.monotonic() + KEEP_MS
    }
    value.then(settle, settle)
    this.#entries.set(name, entry)
    return value
  }
}
