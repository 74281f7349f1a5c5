import { createHash } from 'node:crypto'

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24)

/** Who has a password. Names that look the same to people are one. */
export const idOfName = (name: string): string => `local-${digest(name.normalize('NFKC').trim().toLowerCase())}`

/** Who signs in through a provider. Never by e-mail address: that may change hands, and another provider may vouch for the same. */
export const idOfSubject = (issuer: string, subject: string): string => `oidc-${digest(JSON.stringify([issuer, subject]))}`
