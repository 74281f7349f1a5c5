import { CarillonError } from '@carillon/contracts'
import { hash, verify } from '@node-rs/argon2'

/** OWASP's first choice below 20 MiB; 20 ms. The algorithm is 2: argon2id. */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
/** Hashes work in the threads that files and names of hosts need, too: of four, two are left to those. */
const AT_ONCE = 2
/** A second of work. */
const WAITING = 40
/** Of a password that nobody has: what is compared where there is no account takes as long. */
const NOBODYS = '$argon2id$v=19$m=19456,t=2,p=1$cWzm+FeMqB++zM5m3yZ2yw$B7gagQyFd//Rr32mJGxAHR8+x0N47TvGcPLZtwiNFwg'

/** Hashes passwords, few at a time. */
export class Passwords {
  #running = 0
  readonly #waiting: (() => void)[] = []

  /** @throws CarillonError RATE_LIMITED */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password.normalize('NFKC'), COST))
  }

  /** @param stored null: there is no account, or one without a password; that takes as long. @throws CarillonError RATE_LIMITED */
  async matches(stored: string | null, password: string): Promise<boolean> {
    const isSame = await this.#inTurn(() => verify(stored ?? NOBODYS, password.normalize('NFKC')))
    return isSame && stored !== null
  }

  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= WAITING)
        throw new CarillonError('RATE_LIMITED', 'Too many sign-ins at once', { hint: 'Send it again in 2 s.', value: '2' })
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
