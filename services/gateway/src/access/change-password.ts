import { CarillonError } from '@carillon/contracts'
import type { UserRecord } from '@carillon/store'
import type { Principal } from '../http/http-controller.ts'
import type { AccessParts } from './access-parts.ts'
import type { Origin } from './sign-in.ts'
import type { Users } from './users.ts'

type Parts = Pick<AccessParts, 'passwords' | 'throttle' | 'trail'> & { readonly users: Users }

/** Someone sets another password, which ends all of their sessions. */
export class ChangePassword {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError SIGN_IN_REFUSED, FORBIDDEN, RATE_LIMITED */
  async execute(principal: Principal, given: { old: string; new: string }, from: Origin): Promise<UserRecord> {
    const { passwords, throttle, trail, users } = this.#parts
    const user = principal.kind === 'user' ? await users.get(principal.id) : undefined
    if (user === undefined || user.passwordHash === null) throw new CarillonError('FORBIDDEN', `${principal.name} has no password here`)
    const isRight = await throttle.attempt(user.id, from.address, () => passwords.matches(user.passwordHash, given.old))
    const entry = { action: 'session.password', actorId: `user/${user.id}`, actor: user.name, via: 'http', resource: user.id, ...from }
    if (!isRight) {
      await trail.keep({ ...entry, outcome: 'SIGN_IN_REFUSED' })
      throw new CarillonError('SIGN_IN_REFUSED', 'The old password is wrong', { field: 'old' })
    }
    const passwordHash = await passwords.hash(given.new)
    const changed = await users.change(user.id, () => ({ passwordHash }))
    await trail.keep({ ...entry, outcome: 'done' })
    return changed ?? user
  }
}
