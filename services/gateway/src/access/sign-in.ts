import { CarillonError } from '@carillon/contracts'
import type { UserRecord } from '@carillon/store'
import type { FastifyRequest } from 'fastify'
import type { AccessParts } from './access-parts.ts'
import { idOfName } from './rules/user-id.ts'

type Parts = Pick<AccessParts, 'accounts' | 'passwords' | 'throttle' | 'trail'>

/** Where a request comes from, as the audit log keeps it. */
export interface Origin {
  readonly address: string
  readonly requestId: string
}

export const originOf = ({ ip, id }: FastifyRequest): Origin => ({ address: ip, requestId: id })

/** By name and password. */
export class SignIn {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The same refusal after the same time, whatever was wrong. @throws CarillonError SIGN_IN_REFUSED, RATE_LIMITED */
  async execute({ name, password }: { name: string; password: string }, from: Origin): Promise<UserRecord> {
    const { accounts, passwords, throttle, trail } = this.#parts
    const id = idOfName(name)
    let user: UserRecord | undefined
    const isRight = await throttle.attempt(id, from.address, async () => {
      user = (await accounts.users([id]))[0]
      return passwords.matches(user?.passwordHash ?? null, password)
    })
    const entry = { action: 'session.begin', actor: name.trim(), via: 'password', resource: null, ...from }
    if (user === undefined || !isRight) {
      await trail.keep({ ...entry, actorId: null, outcome: 'SIGN_IN_REFUSED' })
      throw new CarillonError('SIGN_IN_REFUSED', 'Name or password is wrong')
    }
    await trail.keep({ ...entry, actorId: `user/${user.id}`, actor: user.name, outcome: 'done' })
    return user
  }
}
