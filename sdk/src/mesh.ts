import type { Caller } from './client/caller.ts'
import { Client } from './client/client.ts'
import type { Link } from './connection/link.ts'

/** A process's place in the mesh. */
export class Mesh {
  /** Asks the mesh for things. */
  readonly client: Client
  readonly #link: Link

  constructor(link: Link, caller: Caller) {
    this.#link = link
    this.client = new Client(link, caller)
  }

  async stop(): Promise<void> {
    await this.#link.close()
  }
}
