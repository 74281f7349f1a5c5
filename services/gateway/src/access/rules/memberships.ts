import type { Membership, UserRecord } from '@carillon/store'
import { hasRole, membershipOf, type Rights } from './roles.ts'

type Memberships = UserRecord['memberships']

/** With these rights in a namespace, or with more where there were more. */
export function joined(
  memberships: Memberships,
  namespace: string,
  { role, payloads, at }: Omit<Rights, 'approves'> & { at: number },
): Memberships {
  const before = membershipOf(memberships, namespace)
  const after: Membership = {
    role: before && hasRole(before.role, role) ? before.role : role,
    payloads: payloads || (before?.payloads ?? false),
    ...approvalsOf(before),
    since: before?.since ?? at,
  }
  return { ...memberships, [namespace]: after }
}

/** Exactly these rights. The tokens of the member stay: none can do more than its maker. */
export function changed(memberships: Memberships, namespace: string, { role, payloads, approves }: Rights): Memberships {
  const before = membershipOf(memberships, namespace)
  return before ? { ...memberships, [namespace]: { role, payloads, ...approvalsOf({ approves }), since: before.since } } : memberships
}

const approvalsOf = (of: Pick<Rights, 'approves'> | undefined) => (of?.approves?.length ? { approves: of.approves } : {})

export function left(memberships: Memberships, namespace: string): Memberships {
  return Object.fromEntries(Object.entries(memberships).filter(([name]) => name !== namespace))
}
