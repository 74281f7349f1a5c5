import { hash } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** An id derived from what makes the thing unique: `prefix`, which begins with a letter, and 25 letters of SHA-256 over the parts. */
export function derivedId(prefix: string, ...parts: readonly (string | number)[]): string {
  const bytes = hash('sha256', JSON.stringify(parts), 'buffer')
  let text = prefix
  for (let i = 0; i < 25; i++) text += ALPHABET[(bytes[i] as number) & 31]
  return text
}

/** The id of the only run that a key may have in a namespace. */
export const runIdOfKey = (namespace: string, key: string): string => derivedId('k', namespace, key)
