import type { GrantedRole } from '@carillon/runtime'
import type { Membership, UserRecord } from '@carillon/store'
import { hasRole, membershipOf } from '../../rules/roles.ts'
import type { ProviderSettings } from '../provider-settings.ts'

type Memberships = UserRecord['memberships']

/** The roles that values of the claim give; of two in one namespace the higher. */
export function grantsOf(
  values: readonly string[],
  { roles, defaultRole }: Pick<ProviderSettings, 'roles' | 'defaultRole'>,
): GrantedRole[] {
  const granted = new Map<string, GrantedRole>()
  for (const { value, namespace, role, payloads } of roles) {
    if (!values.includes(value)) continue
    const before = granted.get(namespace)
    const higher = before !== undefined && hasRole(before.role, role) ? before.role : role
    granted.set(namespace, { namespace, role: higher, payloads: payloads || (before?.payloads ?? false) })
  }
  if (granted.size === 0 && defaultRole !== undefined) return [defaultRole]
  return [...granted.values()]
}

/**
 * Memberships brought up to date with what the provider grants now: what it granted before and does no more ends. What an admin has given or changed
 * stays as it is.
 */
export function withGrants(before: Memberships, granted: readonly GrantedRole[], now: number): Memberships {
  const ofAdmins = Object.entries(before).filter(([, { byProvider }]) => byProvider !== true)
  const places = new Set(ofAdmins.map(([namespace]) => namespace))
  const ofProvider = granted
    .filter(({ namespace }) => !places.has(namespace))
    .map(({ namespace, role, payloads }): [string, Membership] => {
      const since = membershipOf(before, namespace)?.since ?? now
      return [namespace, { role, payloads, since, byProvider: true }]
    })
  return Object.fromEntries([...ofAdmins, ...ofProvider])
}
