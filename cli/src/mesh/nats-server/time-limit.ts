import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after `ms`. The timers of this folder are all in this file. */
export async function wait(ms: number): Promise<void> {
  await sleep(ms)
}

/** Whether the promise settled within `ms`; a rejection is passed on. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const done = new AbortController()
  try {
    return await Promise.race([promise.then(() => true), sleep(ms, false, { signal: done.signal })])
  } finally {
    done.abort()
  }
}

/** A deadline that can be moved while work goes on; `signal` aborts with an error that says what took too long. */
export class TimeLimit {
  readonly #controller = new AbortController()
  #timer: NodeJS.Timeout | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** From now on there are `ms` left; `reason` is the message when they are over. */
  renew(ms: number, reason: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#controller.abort(new Error(reason)), ms)
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}

/** "5 s" or "300 ms". */
export function duration(ms: number): string {
  return ms >= 1000 ? `${Math.round(ms / 1000)} s` : `${ms} ms`
}
