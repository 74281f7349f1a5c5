import { CarillonError } from '@carillon/contracts'
import { type Clock, KeyedTurns, networkOf } from '@carillon/runtime'
import { delayAfter } from './rules/throttle.ts'

/** After which failures are forgotten. */
const FORGOTTEN_AFTER_MS = 3_600_000
/** Names and addresses that are counted; beyond, the oldest are forgotten, so that made-up names fill no memory. */
const COUNTED = 20_000

interface Failures {
  count: number
  lastAt: number
}

/**
 * Slows down who guesses passwords: by account, and by address. Kept by each gateway for itself: were it in the store, every wrong password of
 * anyone would be a write. Who reaches several gateways has as many times the tries, each of them with the same growing delays.
 */
export class Throttle {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failures>()
  readonly #turns = new KeyedTurns()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Before the provider of identities is asked. There is nothing to guess, so such attempts wait for no other: the provider may be slow.
   * @throws CarillonError RATE_LIMITED
   */
  admitFrom(address: string): void {
    this.#admit(undefined, address)
  }

  failedFrom(address: string): void {
    this.#failed(undefined, address)
  }

  /**
   * Compares a password, and counts whether it was right. Attempts for one account, or from one address, are made one after the other: those that are
   * sent at the same moment would all be admitted before the first of them has failed.
   * @throws CarillonError RATE_LIMITED, and what `matches` throws
   */
  attempt(account: string, ip: string, matches: () => Promise<boolean>): Promise<boolean> {
    const address = networkOf(ip)
    // Always in this order, so that no two attempts wait for each other.
    return this.#turns.take(`address ${address}`, () =>
      this.#turns.take(`account ${account}`, async () => {
        this.#admit(account, address)
        const isRight = await matches()
        if (isRight) this.#succeeded(account)
        else this.#failed(account, address)
        return isRight
      }),
    )
  }

  #admit(account: string | undefined, address: string): void {
    const ofAccount = account === undefined ? 0 : this.#waitMs('account', account)
    const waitMs = Math.max(ofAccount, this.#waitMs('address', address))
    if (waitMs <= 0) return
    const seconds = Math.ceil(waitMs / 1_000)
    throw new CarillonError('RATE_LIMITED', 'Too many failed sign-ins', { hint: `Send it again in ${seconds} s.`, value: String(seconds) })
  }

  #failed(account: string | undefined, address: string): void {
    for (const key of [...(account === undefined ? [] : [`account ${account}`]), `address ${address}`]) {
      const { count = 0 } = this.#read(key) ?? {}
      this.#failures.delete(key)
      this.#failures.set(key, { count: count + 1, lastAt: this.#clock.monotonic() })
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= COUNTED) break
      this.#failures.delete(key)
    }
  }

  /** The address goes on being counted: who has an account of their own could guess others in between. */
  #succeeded(account: string): void {
    this.#failures.delete(`account ${account}`)
  }

  #waitMs(kind: 'account' | 'address', name: string): number {
    const found = this.#read(`${kind} ${name}`)
    return found === undefined ? 0 : found.lastAt + delayAfter(kind, found.count) - this.#clock.monotonic()
  }

  #read(key: string): Failures | undefined {
    const found = this.#failures.get(key)
    if (found && this.#clock.monotonic() - found.lastAt < FORGOTTEN_AFTER_MS) return found
    this.#failures.delete(key)
    return undefined
  }
}
