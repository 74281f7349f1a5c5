import { createHash } from 'node:crypto'
import type { Clock, Logger } from '@carillon/runtime'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
} from 'openid-client'
import type { ProviderSettings } from './provider-settings.ts'
import { type Claims, shownName, valuesOf } from './rules/claims.ts'
import type { Flow } from './rules/flow.ts'
import { providerRefusal } from './rules/provider-refusal.ts'

/** Of each request to the provider: someone waits before a browser. */
const DEADLINE_S = 5
/** What was discovered is believed for so long by who begins a sign-in; who completes one discovers again. */
const KEPT_MS = 300_000

interface Parts {
  readonly settings: ProviderSettings
  readonly clock: Clock
  readonly log: Logger
}

/** What is said of someone who has signed in, checked. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly claims: Claims
}

/** The provider of identities. It is asked when somebody signs in, and not before: a gateway starts without it. */
export class Provider {
  readonly #parts: Parts
  #discovered: { readonly at: number; readonly configuration: Promise<Configuration> } | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Where a browser signs in. @throws CarillonError PROVIDER_UNAVAILABLE, PROVIDER_ANSWER_INVALID */
  authorizationUrl({ state, nonce, verifier }: Flow, redirectUri: string): Promise<string> {
    return this.#asking('begin', async () => {
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      const url = buildAuthorizationUrl(await this.#recent(), {
        ...{ redirect_uri: redirectUri, scope: this.#parts.settings.scopes, state, nonce },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
      })
      return url.href
    })
  }

  /**
   * Who has signed in, by the URL under which the browser came back. Keys are read anew each time, so rotated ones count at once.
   * @throws CarillonError PROVIDER_UNAVAILABLE, PROVIDER_ANSWER_INVALID, SIGN_IN_REFUSED, SIGN_IN_EXPIRED
   */
  redeem({ state, nonce, verifier }: Flow, url: URL): Promise<Identity> {
    return this.#asking('complete', async () => {
      const configuration = await this.#discover()
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
      const tokens = await authorizationCodeGrant(configuration, url, checks)
      const signed = tokens.claims() as Claims & { readonly iss: string; readonly sub: string }
      const more = this.#lacks(signed, configuration) ? await fetchUserInfo(configuration, tokens.access_token, signed.sub) : {}
      return { issuer: signed.iss, subject: signed.sub, claims: { ...more, ...signed } }
    })
  }

  /** Many providers leave names and groups out of the ID token. */
  #lacks(claims: Claims, configuration: Configuration): boolean {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return false
    return shownName(claims) === undefined || valuesOf(claims, this.#parts.settings.claim).length === 0
  }

  #recent(): Promise<Configuration> {
    const known = this.#discovered
    const isRecent = known !== undefined && this.#parts.clock.monotonic() - known.at <= KEPT_MS
    return isRecent ? known.configuration : this.#discover()
  }

  #discover(): Promise<Configuration> {
    const { settings, clock } = this.#parts
    const issuer = new URL(settings.issuer)
    const execute = [enableNonRepudiationChecks, ...(issuer.protocol === 'http:' ? [allowInsecureRequests] : [])]
    const configuration = discovery(issuer, settings.clientId, {}, clientAuth(settings.clientSecret), { execute, timeout: DEADLINE_S })
    const discovered = { at: clock.monotonic(), configuration }
    this.#discovered = discovered
    // What failed is tried again by the next one.
    configuration.catch(() => {
      if (this.#discovered === discovered) this.#discovered = undefined
    })
    return configuration
  }

  async #asking<Value>(step: string, ask: () => Promise<Value>): Promise<Value> {
    try {
      return await ask()
    } catch (error) {
      const refusal = providerRefusal(error)
      const { code, message } = refusal
      // Not the error itself: it holds answers of the provider, with tokens.
      const cause = String((error as Error | null)?.message)
      this.#parts.log.warn({ evt: 'oidc.refused', step, code, detail: message, cause }, 'a sign-in through the provider failed')
      throw refusal
    }
  }
}

/** By the header, unless the provider takes it in the body alone. */
function clientAuth(secret: string | undefined): ClientAuth {
  if (secret === undefined) return None()
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const auth = methods.includes('client_secret_basic') ? basic : post
    return auth(server, ...rest)
  }
}
