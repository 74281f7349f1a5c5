import type { Service } from '@carillon/runtime'
import type { MakeAdminLink } from './make-admin-link.ts'
import type { Users } from './users.ts'

interface Parts {
  readonly users: Users
  readonly makeAdminLink: MakeAdminLink
  /** Shows the link to who has started the gateway, and keeps it nowhere: logs are kept and sent on. */
  readonly show: (url: string) => void
}

/** While nobody can sign in, a gateway begins with a link by which someone becomes the admin. Each gateway has one of its own, and one of them counts. */
export class FirstLink implements Service {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { users, makeAdminLink, show } = this.#parts
    if (!(await users.areThere())) show((await makeAdminLink.execute('gateway')).url)
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}
