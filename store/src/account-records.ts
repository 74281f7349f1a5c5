import type { Role } from '@carillon/contracts'

/** What a user may do in a namespace. */
export interface Membership {
  readonly role: Role
  /** Whether payloads, results, errors and log lines are shown. */
  readonly payloads: boolean
  /** Roles of approvals: names that workflows give to those who may decide. */
  readonly approves?: readonly string[] | undefined
  /** Tokens that the user made before do not count: of a former membership. */
  readonly since: number
  /** Granted by the provider of identities, and brought up to date at each sign-in; absent: by an admin. */
  readonly byProvider?: true
}

/** Someone who signs in. */
export interface UserRecord {
  /** Follows from the name, or from issuer and subject of a provider: a second insert is a duplicate. */
  readonly id: string
  readonly name: string
  /** Argon2id as PHC string; null: signs in through a provider. */
  readonly passwordHash: string | null
  readonly issuer: string | null
  readonly subject: string | null
  /** By namespace; `*` stands for every one. */
  readonly memberships: Readonly<Record<string, Membership>>
  /** Random. Sessions of another one are over. */
  readonly epoch: string
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** A browser that is signed in. */
export interface SessionRecord {
  /** SHA-256 of the secret that its cookie holds. */
  readonly id: string
  readonly userId: string
  /** Of the user, at the sign-in. */
  readonly epoch: string
  readonly createdAt: number
  /** To a few minutes. */
  readonly seenAt: number
  readonly expiresAt: number
}

/** What a program signs in with. */
export interface TokenRecord {
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** SHA-256 of the secret, which is random: no slower hash is needed. */
  readonly hash: string
  readonly role: Role
  /** 1: payloads, results, errors and log lines are shown. */
  readonly payloads: number
  readonly createdBy: string
  readonly createdByName: string
  readonly createdAt: number
  /** Null: never. */
  readonly expiresAt: number | null
  /** To a minute. */
  readonly usedAt: number | null
}

/** `sign-in`: no link, but a sign-in through a provider that was completed, and is not completed twice. */
export type LinkPurpose = 'first-admin' | 'admin' | 'invite' | 'reset' | 'sign-in'

/** A link that signs someone in once. */
export interface LinkRecord {
  /** SHA-256 of the secret in it. */
  readonly id: string
  readonly purpose: LinkPurpose
  /** Whose password it sets; null: of who uses it. */
  readonly userId: string | null
  /** The epoch that this account had: the link ends with it. Null where there is none. */
  readonly userEpoch: string | null
  /** Where it makes a member: a namespace, or `*`; null: nowhere. */
  readonly namespace: string | null
  readonly role: Role | null
  readonly payloads: number
  readonly createdBy: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt: number | null
}

/** Who has changed what, and what came of it. */
export interface AuditRecord {
  /** A second insert is a duplicate: records are delivered more than once. */
  readonly id: string
  readonly namespace: string
  readonly at: number
  /** As `jobs.put`. */
  readonly action: string
  /** The id of an account or a token that a gateway has verified; null: `actor` is what a client calls itself. */
  readonly actorId: string | null
  readonly actor: string
  /** `nats`, `http` or the way of a sign-in. */
  readonly via: string
  readonly address: string | null
  readonly resource: string | null
  readonly requestId: string | null
  /** `done`, or the code of the refusal. */
  readonly outcome: string
  /** Redacted input, fields before and after, and what else belongs to the action. */
  readonly details: Readonly<Record<string, unknown>> | null
}
