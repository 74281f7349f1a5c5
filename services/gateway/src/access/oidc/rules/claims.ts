import { LIMITS } from '@carillon/contracts'

/** What a provider says of someone. */
export type Claims = Readonly<Record<string, unknown>>

const NAMES = ['preferred_username', 'name', 'email'] as const
/** What names of accounts have none of: letters that cannot be seen. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}\p{Cs}\u2800]/gu

/** The name to show; undefined: the provider says none. It identifies nobody: people change it. */
export function shownName(claims: Claims): string | undefined {
  return NAMES.map((claim) => claims[claim])
    .filter((value) => typeof value === 'string')
    .map((value) => shortened(value, LIMITS.byLength))
    .find((value) => value !== '')
}

/** A name for the account. @param provider its name, behind that of a person whose name somebody with a password has already */
export function accountName(claims: Claims, subject: string, provider?: string): string {
  const suffix = provider === undefined ? '' : ` (${provider})`
  const name = shownName(claims) ?? shortened(subject, LIMITS.byLength)
  return `${shortened(name === '' ? 'unnamed' : name, LIMITS.byLength - suffix.length)}${suffix}`
}

/** At most so many UTF-16 units, and no half of a pair. */
const shortened = (text: string, length: number): string =>
  text
    .replaceAll(INVISIBLE, '')
    .trim()
    .slice(0, length)
    .replace(/\p{Cs}$/u, '')
    .trim()

/** The values of a claim: of that very name, which may contain dots, or else by the path. An e-mail address counts only when it is verified. */
export function valuesOf(claims: Claims, claim: string): readonly string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : claim.split('.').reduce<unknown>(child, claims)
  if (claim === 'email' && claims['email_verified'] !== true) return []
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
}

function child(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined
}
