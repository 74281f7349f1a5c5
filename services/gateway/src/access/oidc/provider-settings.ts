import type { GrantedRole, RolesByValue } from '@carillon/runtime'

/** The provider of identities (OpenID Connect) by which people sign in. */
export interface ProviderSettings {
  /** An https URL, or http on a loopback address. */
  readonly issuer: string
  readonly clientId: string
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined
  /** As people know it. */
  readonly name: string
  readonly scopes: string
  /** Whose values `roles` maps. */
  readonly claim: string
  readonly roles: RolesByValue
  /** Of those whose claim maps to none; undefined: they are refused. */
  readonly defaultRole: GrantedRole | undefined
  /** How long a session lasts that began through the provider. */
  readonly sessionMs: number
}
