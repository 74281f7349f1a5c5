import { ROLES, type Role } from '@carillon/contracts'
import type { Membership, TokenRecord, UserRecord } from '@carillon/store'

/** Stands for every namespace. */
export const EVERYWHERE = '*'

/** What someone may do in one namespace. */
export interface Rights {
  readonly role: Role
  readonly payloads: boolean
  /** Roles of approvals, beside the role. */
  readonly approves?: readonly string[] | undefined
}

const rankOf = (role: Role): number => ROLES.indexOf(role)

/** Whether who has `role` may do what needs `needed`. */
export const hasRole = (role: Role | undefined, needed: Role): boolean => role !== undefined && rankOf(role) >= rankOf(needed)

const lower = (one: Role, other: Role): Role => (rankOf(one) < rankOf(other) ? one : other)

type Memberships = UserRecord['memberships']

/** Of exactly this namespace, or of `*`. */
export const membershipOf = (memberships: Memberships, namespace: string): Membership | undefined =>
  Object.hasOwn(memberships, namespace) ? memberships[namespace] : undefined

/** What a user may do in a namespace: the more of what holds there and everywhere. */
export function rightsOf(memberships: Memberships, namespace: string): Rights | undefined {
  const found = [membershipOf(memberships, EVERYWHERE), membershipOf(memberships, namespace)].filter((one) => one !== undefined)
  if (found.length === 0) return undefined
  const role = found.map((one) => one.role).reduce((a, b) => (hasRole(a, b) ? a : b))
  const approves = [...new Set(found.flatMap((one) => one.approves ?? []))].sort()
  return { role, payloads: found.some(({ payloads }) => payloads), ...(approves.length === 0 ? {} : { approves }) }
}

/** The roles by which someone decides about approvals: a role includes those below it. */
export const decidingRoles = (role: Role | undefined, approves: readonly string[]): string[] => [
  ...ROLES.filter((other) => hasRole(role, other)),
  ...approves,
]

/**
 * What a token may do: no more than its maker may now, and nothing once the membership has ended under which it was made, also when its maker has been
 * let in again.
 */
export function rightsOfToken(
  token: Pick<TokenRecord, 'namespace' | 'role' | 'payloads' | 'createdAt'>,
  maker: UserRecord | undefined,
): Rights | undefined {
  if (maker === undefined) return undefined
  const held = Object.entries(maker.memberships).filter(([, { since }]) => since <= token.createdAt)
  const rights = rightsOf(Object.fromEntries(held), token.namespace)
  return rights && { role: lower(token.role, rights.role), payloads: token.payloads === 1 && rights.payloads }
}
