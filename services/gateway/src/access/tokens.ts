import { CarillonError, printable } from '@carillon/contracts'
import { freshSecret } from '@carillon/runtime'
import type { TokenRecord } from '@carillon/store'
import type * as z from 'zod'
import type { AccessParts } from './access-parts.ts'
import { type Acting, refuseTokens } from './members.ts'
import type { newTokenSchema, pageSchema } from './rules/account-input.ts'
import { EVERYWHERE, hasRole } from './rules/roles.ts'
import { hashOf, TOKEN_BYTES, tokenText } from './secrets.ts'

const DAY_MS = 86_400_000

type Parts = Pick<AccessParts, 'accounts' | 'trail' | 'clock' | 'announce'>

/** API tokens of a namespace. */
export class Tokens {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async list(namespace: string, { cursor, limit }: z.output<typeof pageSchema>) {
    const page = await this.#parts.accounts.listTokens({ namespace, cursor, limit })
    return { items: page.items.map(viewOf), ...(page.cursor === undefined ? {} : { next: page.cursor }) }
  }

  /** Answers the token itself, this once. @throws CarillonError FORBIDDEN: it would do more than its maker */
  async create(asked: z.output<typeof newTokenSchema>, acting: Acting) {
    const { accounts, clock } = this.#parts
    const { principal, namespace } = acting
    refuseTokens(principal)
    if (namespace === EVERYWHERE) throw forbidden('A token is of one namespace')
    if (!hasRole(principal.roleIn(namespace), asked.role)) throw forbidden(`${principal.name} is no ${asked.role} of ${namespace}`)
    if (asked.payloads && !principal.seesPayloads(namespace)) throw forbidden(`${principal.name} may not see payloads of ${namespace}`)
    const { id, secret, text } = tokenText(freshSecret(TOKEN_BYTES.id), freshSecret(TOKEN_BYTES.secret))
    const createdAt = clock.now()
    const expiresAt = asked.expiresInDays === undefined ? null : createdAt + Math.ceil(asked.expiresInDays * DAY_MS)
    const { name, role } = asked
    const made = { createdBy: principal.id, createdByName: principal.name, createdAt, expiresAt, usedAt: null }
    const token: TokenRecord = { id, namespace, name, hash: hashOf(secret), role, payloads: asked.payloads ? 1 : 0, ...made }
    await accounts.insertToken(token)
    await this.#keep('tokens.create', token, acting)
    return { ...viewOf(token), token: text }
  }

  /** @throws CarillonError TOKEN_NOT_FOUND */
  async remove(id: string, acting: Acting): Promise<void> {
    const { accounts, announce } = this.#parts
    refuseTokens(acting.principal)
    const token = await accounts.token(id)
    const outcome = await accounts.removeToken({ id, namespace: acting.namespace })
    announce()
    if (token === undefined || outcome === 'refused')
      throw new CarillonError('TOKEN_NOT_FOUND', `There is no token ${printable(id)} here`, { field: 'id', value: printable(id) })
    await this.#keep('tokens.remove', token, acting)
  }

  #keep(action: string, { id, name, role, payloads }: TokenRecord, { principal, namespace, from }: Acting): Promise<void> {
    const details = { name, role, payloads: payloads === 1 }
    const who = { actorId: `user/${principal.id}`, actor: principal.name, via: 'http' }
    return this.#parts.trail.keep({ action, resource: id, namespace, details, outcome: 'done', ...who, ...from })
  }
}

function viewOf({ id, name, role, payloads, createdBy, createdByName, createdAt, expiresAt, usedAt }: TokenRecord) {
  const time = (at: number) => new Date(at).toISOString()
  return {
    ...{ id, name, role, payloads: payloads === 1, createdBy: { id: createdBy, name: createdByName }, createdAt: time(createdAt) },
    ...(expiresAt === null ? {} : { expiresAt: time(expiresAt) }),
    ...(usedAt === null ? {} : { usedAt: time(usedAt) }),
  }
}

const forbidden = (message: string) => new CarillonError('FORBIDDEN', message)
