/** Codes of accounts and of who may do what, part of `ERROR_CODES`. */
export const ACCOUNT_ERROR_CODES = {
  NOT_SIGNED_IN: {
    meaning: 'A route of the gateway needs an account or a token, and the request has none that counts.',
    retry: false,
    remedy: 'Sign in, or send the header Authorization: Bearer with a token that has not expired.',
  },
  SIGN_IN_REFUSED: {
    meaning: 'Name or password is wrong, or the provider vouches for nobody who may come in.',
    retry: false,
    remedy:
      'Check both; an admin can make a link that sets another password. Through a provider: ask an admin which of its groups give a role.',
  },
  SIGN_IN_EXPIRED: {
    meaning: 'A sign-in through a provider was not begun in this browser, took more than ten minutes, or is completed already.',
    retry: false,
    remedy: 'Begin again on the page to sign in. When it happens each time, the browser keeps no cookies of this address.',
  },
  PROVIDER_ANSWER_INVALID: {
    meaning:
      'The provider of identities answers what does not hold: another issuer, audience or nonce, a wrong signature, an expired token; or it does not know the client.',
    retry: false,
    remedy:
      'Begin again. When it happens each time, compare CARILLON_OIDC_ISSUER, the id of the client and its secret with the provider, and both clocks.',
  },
  PROVIDER_UNAVAILABLE: {
    meaning: 'The provider of identities cannot be reached, or does not answer in time.',
    retry: true,
    remedy: 'Try again later, or sign in with a password. The log of the gateway says what failed.',
  },
  FOREIGN_REQUEST: {
    meaning: 'A page of another origin sends a change with the cookie of someone who is signed in at the gateway.',
    retry: false,
    remedy: 'Use the console under the address that CARILLON_HTTP_ORIGIN names; programs send a token and no cookie.',
  },
  LINK_INVALID: {
    meaning: 'A one-time link was used, is older than a day, or is none of this mesh.',
    retry: false,
    remedy: 'Get another one: of an admin, or by `carillon admin link`.',
  },
  NAME_TAKEN: {
    meaning: 'Someone else has an account of that name.',
    retry: false,
    remedy: 'Choose another name, or give the password of that account to use the link with it.',
  },
  MEMBER_NOT_FOUND: {
    meaning: 'No member of that id has a role of its own in the namespace.',
    retry: false,
    remedy: 'List the members; those of every namespace are changed where the namespace is `*`.',
  },
  LAST_ADMIN: {
    meaning: 'Without this admin nobody could let anyone in any more.',
    retry: false,
    remedy: 'Make someone else an admin first.',
  },
  TOKEN_NOT_FOUND: { meaning: 'There is no token of that id in the namespace.', retry: false, remedy: 'List the tokens.' },
  FORBIDDEN: {
    meaning: 'The account or token may not do this in that namespace; the message names the role or the right that is needed.',
    retry: false,
    remedy: 'Ask an admin of the namespace for the role, or use a token that has it.',
  },
} as const
