import { LIMITS } from '@carillon/contracts'

/** What a provider says of someone. */
export type Claims = Readonly<Record<string, unknown>>

const NAMES = ['preferred_username', 'name', 'email'] as const
/** Of the rules for names of accounts: what cannot be seen. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The name to show; undefined: the provider says none. It identifies nobody: people change it. */
export function shownName(claims: Claims): string | undefined {
  return NAMES.map((claim) => claims[claim])
    .filter((value) => typeof value === 'string')
    .map((value) => value.replaceAll(INVISIBLE, '').trim().slice(0, LIMITS.byLength))
    .find((value) => value !== '')
}

/** The values of a claim: of that very name, which may contain dots, or else by the path. An e-mail address counts only when it is verified. */
export function valuesOf(claims: Claims, claim: string): readonly string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : claim.split('.').reduce<unknown>(child, claims)
  if (claim === 'email' && claims['email_verified'] !== true) return []
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
}

function child(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined
}
