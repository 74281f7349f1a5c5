import type { ControllerOf } from '@carillon/runtime'
import type { AccountCache } from './account-cache.ts'
import type { MakeAdminLink } from './make-admin-link.ts'

interface Parts {
  readonly makeAdminLink: MakeAdminLink
  readonly cache: AccountCache
}

export const accountsController = ({ makeAdminLink, cache }: Parts) =>
  ({
    answers: { accountsLink: ({ by }) => makeAdminLink.execute(by ?? 'nats') },
    receives: { 'accounts.changed': async () => cache.drop() },
  }) satisfies ControllerOf<'gateway'>
