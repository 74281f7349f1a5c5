import type { AdminLink } from '@carillon/contracts'
import type { MakeLink } from './make-link.ts'
import { EVERYWHERE } from './rules/roles.ts'
import type { Users } from './users.ts'

interface Parts {
  readonly users: Users
  readonly makeLink: MakeLink
  /** Where people reach the gateway. */
  readonly url: () => string
}

/** Lets someone become an admin of everything: for who has the broker, and with it everything already. */
export class MakeAdminLink {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async execute(by: string): Promise<AdminLink> {
    const { users, makeLink, url } = this.#parts
    const purpose = (await users.haveAdmin()) ? 'admin' : 'first-admin'
    const { path, expiresAt } = await makeLink.execute({
      ...{ purpose, userId: null, userEpoch: null, namespace: EVERYWHERE, role: 'admin', payloads: true, createdBy: by },
    })
    return { url: `${url()}${path}`, expiresAt }
  }
}
