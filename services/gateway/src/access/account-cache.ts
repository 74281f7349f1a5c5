import type { Clock } from '@carillon/runtime'
import type { AccountStore, SessionRecord, TokenRecord, UserRecord } from '@carillon/store'

/** How long what was changed through another gateway may go on to count where its signal was lost. */
const KEPT_MS = 5_000
/** Of 200 bytes and a user's memberships each. */
const ENTRIES = 20_000

interface Entry {
  readonly readAt: number
  readonly value: Promise<unknown>
}

/** What the store says of accounts, as of a few seconds ago: every request needs it. */
export class AccountCache {
  readonly #accounts: AccountStore
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor({ accounts, clock }: { accounts: AccountStore; clock: Clock }) {
    this.#accounts = accounts
    this.#clock = clock
  }

  session(id: string): Promise<SessionRecord | undefined> {
    return this.#read(`session ${id}`, () => this.#accounts.session(id))
  }

  token(id: string): Promise<TokenRecord | undefined> {
    return this.#read(`token ${id}`, () => this.#accounts.token(id))
  }

  user(id: string): Promise<UserRecord | undefined> {
    return this.#read(`user ${id}`, async () => (await this.#accounts.users([id]))[0])
  }

  /** Something of accounts has changed: they change seldom. */
  drop(): void {
    this.#entries.clear()
  }

  #read<Value>(key: string, read: () => Promise<Value>): Promise<Value> {
    const found = this.#entries.get(key)
    if (found && this.#clock.monotonic() - found.readAt < KEPT_MS) return found.value as Promise<Value>
    const value = read()
    this.#entries.delete(key)
    this.#entries.set(key, { readAt: this.#clock.monotonic(), value })
    // What could not be read is read again.
    value.catch(() => this.#entries.delete(key))
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES) break
      this.#entries.delete(oldest)
    }
    return value
  }
}
