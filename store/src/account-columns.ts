import type { AuditRecord, LinkRecord, SessionRecord, TokenRecord, UserRecord } from './account-records.ts'
import type { Columns } from './columns.ts'

export const USER_COLUMNS = {
  id: 'text',
  name: 'text',
  passwordHash: 'text',
  issuer: 'text',
  subject: 'text',
  memberships: 'json',
  epoch: 'text',
  revision: 'number',
  createdAt: 'number',
  updatedAt: 'number',
} as const satisfies Columns<UserRecord>

export const SESSION_COLUMNS = {
  id: 'text',
  userId: 'text',
  epoch: 'text',
  createdAt: 'number',
  seenAt: 'number',
  expiresAt: 'number',
} as const satisfies Columns<SessionRecord>

export const TOKEN_COLUMNS = {
  id: 'text',
  namespace: 'text',
  name: 'text',
  hash: 'text',
  role: 'text',
  payloads: 'number',
  createdBy: 'text',
  createdByName: 'text',
  createdAt: 'number',
  expiresAt: 'number',
  usedAt: 'number',
} as const satisfies Columns<TokenRecord>

export const LINK_COLUMNS = {
  id: 'text',
  purpose: 'text',
  userId: 'text',
  userEpoch: 'text',
  namespace: 'text',
  role: 'text',
  payloads: 'number',
  createdBy: 'text',
  createdAt: 'number',
  expiresAt: 'number',
  usedAt: 'number',
} as const satisfies Columns<LinkRecord>

export const AUDIT_COLUMNS = {
  id: 'text',
  namespace: 'text',
  at: 'number',
  action: 'text',
  actorId: 'text',
  actor: 'text',
  via: 'text',
  address: 'text',
  resource: 'text',
  requestId: 'text',
  outcome: 'text',
  details: 'json',
} as const satisfies Columns<AuditRecord>
