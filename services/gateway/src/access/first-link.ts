import { type Clock, type Logger, LoopService, pause } from '@carillon/runtime'
import type { MakeAdminLink } from './make-admin-link.ts'
import type { Users } from './users.ts'

interface Parts {
  readonly clock: Clock
  readonly log: Logger
  readonly users: Users
  readonly makeAdminLink: MakeAdminLink
  /** Shows the link to who has started the gateway, and keeps it nowhere: logs are kept and sent on. */
  readonly show: (url: string) => void
}

const AGAIN_MS = 5_000

/**
 * While nobody is an admin of every namespace, a gateway begins with a link by which someone becomes the admin. Each gateway has one of its own, and one of them
 * counts. A store that is full or away keeps no gateway from starting: the link is then made as soon as it can be stored.
 */
export class FirstLink extends LoopService {
  readonly #parts: Parts
  #isDone = false

  constructor(parts: Parts) {
    super()
    this.#parts = parts
  }

  protected override async prepare(): Promise<void> {
    this.#isDone = await this.#isShown()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    while (!this.#isDone && (await pause(this.#parts.clock, AGAIN_MS, signal))) this.#isDone = await this.#isShown()
  }

  async #isShown(): Promise<boolean> {
    const { users, makeAdminLink, show, log } = this.#parts
    try {
      if (!(await users.haveAdmin())) show((await makeAdminLink.execute('gateway')).url)
      return true
    } catch (error) {
      log.warn({ evt: 'accounts.no-first-link', err: error }, 'the link of the first admin could not be stored; trying again')
      return false
    }
  }

  protected onFailure(error: unknown): void {
    this.#parts.log.fatal({ evt: 'accounts.first-link-died', err: error }, 'the link of the first admin is not tried again')
  }
}
