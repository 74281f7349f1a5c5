import type { Clock, Logger } from '@carillon/runtime'
import type { AccountStore } from '@carillon/store'
import type { GatewayTrail } from '../audit/gateway-trail.ts'
import type { AccountCache } from './account-cache.ts'
import type { Passwords } from './passwords.ts'
import type { Throttle } from './throttle.ts'

/** The dependencies of the use cases of accounts; each names those that it needs. */
export interface AccessParts {
  readonly accounts: AccountStore
  readonly cache: AccountCache
  readonly passwords: Passwords
  readonly throttle: Throttle
  readonly trail: GatewayTrail
  readonly clock: Clock
  readonly log: Logger
  /** Lets every gateway, this one too, read accounts again. */
  readonly announce: () => void
}
