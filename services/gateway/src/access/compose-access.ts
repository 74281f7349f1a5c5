import { subjects } from '@carillon/contracts'
import type { Broker, Clock, ControllerOf, Logger, Service } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { GatewayTrail } from '../audit/gateway-trail.ts'
import type { HttpController } from '../http/http-controller.ts'
import type { AccessParts } from './access-parts.ts'
import { AccountCache } from './account-cache.ts'
import { accountsController } from './accounts.controller.ts'
import { ChangePassword } from './change-password.ts'
import { CheckAccess } from './check-access.ts'
import { FirstLink } from './first-link.ts'
import { Identify } from './identify.ts'
import { KnownNamespaces } from './known-namespaces.ts'
import { MakeAdminLink } from './make-admin-link.ts'
import { MakeLink } from './make-link.ts'
import { membersController } from './members.controller.ts'
import { Members } from './members.ts'
import { AdmitIdentity } from './oidc/admit-identity.ts'
import { oidcController } from './oidc/oidc.controller.ts'
import { Provider } from './oidc/provider.ts'
import type { ProviderSettings } from './oidc/provider-settings.ts'
import { SignInThroughProvider } from './oidc/sign-in-through-provider.ts'
import { Passwords } from './passwords.ts'
import { RefusalTrail } from './refusal-trail.ts'
import { RemoveExpired } from './remove-expired.ts'
import { sessionController } from './session.controller.ts'
import { Sessions } from './sessions.ts'
import { SignIn } from './sign-in.ts'
import { Throttle } from './throttle.ts'
import { Tokens } from './tokens.ts'
import { UseLink } from './use-link.ts'
import { Users } from './users.ts'

/** Settings of accounts. */
export interface AccessSettings {
  /** Shows the link of the first admin to who has started the gateway; the link must be kept nowhere. */
  readonly showFirstLink: (url: string) => void
  /** By which people may sign in, too; undefined: by password only. */
  readonly provider: ProviderSettings | undefined
}

export interface AccessOptions extends AccessSettings {
  readonly store: Pick<Store, 'accounts' | 'retention'>
  readonly trail: GatewayTrail
  readonly connection: Pick<Broker['connection'], 'publish'>
  readonly clock: Clock
  readonly log: Logger
  /** As it is configured. */
  readonly origin: string | undefined
  /** Where traces are shown; undefined: nowhere. */
  readonly traceUrl: string | undefined
  /** Where people reach the gateway, once it listens. */
  readonly url: () => string
}

/** The room of accounts, put together. */
export interface ComposedAccess {
  readonly access: CheckAccess
  readonly cache: AccountCache
  readonly controllers: readonly HttpController[]
  readonly calls: ReturnType<typeof accountsController> & ControllerOf<'gateway'>
  /** Once the gateway listens. */
  readonly loops: readonly Service[]
}

export function composeAccess(options: AccessOptions): ComposedAccess {
  const { store, trail, connection, clock, log, origin, traceUrl, url, showFirstLink, provider } = options
  const { accounts } = store
  const cache = new AccountCache({ accounts, clock })
  const announce = () => {
    cache.drop()
    connection.publish(subjects.accounts(), '{}')
  }
  const [passwords, throttle] = [new Passwords(), new Throttle(clock)]
  const parts: AccessParts = { accounts, cache, passwords, throttle, trail, clock, log, announce }
  const refusals = new RefusalTrail(parts)
  const access = new CheckAccess({ refusals, identify: new Identify({ ...parts, origin }) })
  const users = new Users(parts)
  const makeLink = new MakeLink(parts)
  const makeAdminLink = new MakeAdminLink({ users, makeLink, url })
  const sessions = new Sessions({ ...parts, origin, providerSessionMs: provider?.sessionMs ?? 0 })
  const session = sessionController({
    ...{ origin, traceUrl, access, users, sessions, provider: provider?.name },
    signIn: new SignIn(parts),
    useLink: new UseLink({ ...parts, users }),
    changePassword: new ChangePassword({ ...parts, users }),
    namespaces: new KnownNamespaces({ store, clock }),
  })
  const members = membersController({ url, refusals, members: new Members({ ...parts, users, makeLink }), tokens: new Tokens(parts) })
  return {
    access,
    cache,
    controllers: [
      session,
      members,
      oidcController({ origin, sessions, signIn: provider && throughProvider({ ...parts, users }, provider) }),
    ],
    calls: accountsController({ makeAdminLink, cache }),
    loops: [new FirstLink({ ...parts, users, makeAdminLink, show: showFirstLink }), new RemoveExpired(parts)],
  }
}

function throughProvider(parts: AccessParts & { readonly users: Users }, settings: ProviderSettings): SignInThroughProvider {
  const admitIdentity = new AdmitIdentity({ ...parts, settings })
  return new SignInThroughProvider({ ...parts, admitIdentity, provider: new Provider({ ...parts, settings }) })
}
