import { CarillonError, type ErrorCode, printable } from '@carillon/contracts'

/** What openid-client says of a failure, as far as it is decided by. */
interface Failure {
  readonly code?: unknown
  /** Of OAuth 2.0: what the provider answered. */
  readonly error?: unknown
  readonly error_description?: unknown
  readonly status?: unknown
  readonly message?: unknown
  readonly cause?: unknown
}

/** The person did not sign in, or may not. */
const BY_PERSON = new Set(['access_denied', 'login_required', 'consent_required', 'interaction_required', 'account_selection_required'])
const PASSING = new Set(['server_error', 'temporarily_unavailable'])

/** A failure of the provider, or of its answer, as an error of ours. Tokens and codes are in none of its texts. */
export function providerRefusal(thrown: unknown): CarillonError {
  if (CarillonError.is(thrown)) return thrown
  const failure = (thrown ?? {}) as Failure
  const { code, field, what } = described(failure)
  return new CarillonError(code, what, { ...(field === undefined ? {} : { field }), cause: thrown })
}

interface Described {
  readonly code: ErrorCode
  readonly what: string
  readonly field?: string | undefined
}

function described(failure: Failure): Described {
  const { code, error, error_description: text, message } = failure
  if (typeof error === 'string') {
    const what = `The provider answers ${printable(error)}${typeof text === 'string' ? `: ${printable(text)}` : ''}`
    if (BY_PERSON.has(error)) return { code: 'SIGN_IN_REFUSED', what }
    // Of a code that is wrong, was used, or has expired.
    if (error === 'invalid_grant') return { code: 'SIGN_IN_EXPIRED', what, field: 'code' }
    return { code: PASSING.has(error) || isServerFault(failure.status) ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_ANSWER_INVALID', what }
  }
  if (!isAnswer(failure)) return { code: 'PROVIDER_UNAVAILABLE', what: 'The provider cannot be reached, or does not answer in time' }
  const field = claimOf(failure.cause)
  const which = field === undefined ? '' : ` (${field})`
  const why = typeof message === 'string' ? message : String(code)
  return { code: 'PROVIDER_ANSWER_INVALID', what: `The answer of the provider does not hold: ${why}${which}`, field }
}

const isServerFault = (status: unknown): boolean => typeof status === 'number' && status >= 500

/** Whether there was an answer at all, by which the gateway could do something. */
function isAnswer({ code, cause }: Failure): boolean {
  if (typeof code !== 'string' || !code.startsWith('OAUTH_')) return false
  if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT') return false
  return !(code === 'OAUTH_RESPONSE_IS_NOT_CONFORM' && isServerFault((cause as Failure | undefined)?.status))
}

/** The claim that is wrong: openid-client has it in the cause of the cause. */
function claimOf(cause: unknown): string | undefined {
  for (let depth = 0, at = cause; depth < 3 && typeof at === 'object' && at !== null; depth++, at = (at as Failure).cause) {
    const { claim, attribute } = at as { claim?: unknown; attribute?: unknown }
    if (typeof claim === 'string') return claim
    if (typeof attribute === 'string') return attribute
  }
  return undefined
}
