import type { IndexDescription } from 'mongodb'

const EXPIRING: IndexDescription = { name: 'expiring', key: { expiresAt: 1, _id: 1 } }

/** Who may sign in, and what they have changed. */
export const accounts: Readonly<Record<string, readonly IndexDescription[]>> = {
  users: [],
  sessions: [EXPIRING],
  tokens: [EXPIRING, { name: 'listed', key: { namespace: 1, _id: 1 } }],
  links: [EXPIRING],
  audit: [
    { name: 'listed', key: { namespace: 1, at: -1, _id: -1 } },
    { name: 'of-actor', key: { namespace: 1, actor: 1, at: -1, _id: -1 } },
    { name: 'of-action', key: { namespace: 1, action: 1, at: -1, _id: -1 } },
    { name: 'by-age', key: { at: 1, _id: 1 } },
  ],
}
