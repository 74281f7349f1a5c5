import { freshSecret } from '@carillon/runtime'
import type { LinkRecord } from '@carillon/store'
import type { AccessParts } from './access-parts.ts'
import { hashOf } from './secrets.ts'

const VALID_MS = 24 * 3_600_000
const SECRET_BYTES = 24

/** A link as it is shown, once. */
export interface MadeLink {
  /** Behind the origin of the gateway. The secret is in the fragment, which no server and no log is sent. */
  readonly path: string
  readonly expiresAt: string
}

type Asked = Pick<LinkRecord, 'purpose' | 'userId' | 'userEpoch' | 'namespace' | 'role' | 'createdBy'> & { readonly payloads: boolean }

/** Makes one-time links. */
export class MakeLink {
  readonly #parts: Pick<AccessParts, 'accounts' | 'clock'>

  constructor(parts: Pick<AccessParts, 'accounts' | 'clock'>) {
    this.#parts = parts
  }

  async execute({ payloads, ...asked }: Asked): Promise<MadeLink> {
    const { accounts, clock } = this.#parts
    const secret = freshSecret(SECRET_BYTES).toString('base64url')
    const createdAt = clock.now()
    const expiresAt = createdAt + VALID_MS
    await accounts.insertLink({ ...asked, id: hashOf(secret), payloads: payloads ? 1 : 0, createdAt, expiresAt, usedAt: null })
    return { path: `/#/welcome?secret=${secret}`, expiresAt: new Date(expiresAt).toISOString() }
  }
}
