import { isName, ROLES, type Role } from '@carillon/contracts'
import { z } from 'zod'

/** What people get of a provider of identities for a value of a claim. */
export interface GrantedRole {
  /** A namespace, or `*` for every one. */
  readonly namespace: string
  readonly role: Role
  readonly payloads: boolean
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const FORM = 'namespace:role, with :payloads behind it for who may see payloads; * is every namespace'

/** Settings of sign-in through a provider of identities (OpenID Connect), part of `SETTINGS`. */
export const OIDC_SETTINGS = {
  CARILLON_OIDC_ISSUER: z
    .string()
    .default('')
    .refine((text) => text === '' || isIssuer(text), 'Use an https URL, or http on a loopback address, without query and fragment.')
    .describe('Issuer of the OpenID Connect provider by which people sign in, such as https://id.example.com; empty: by password only'),
  CARILLON_OIDC_CLIENT_ID: z.string().default('').describe('Id under which the provider knows this mesh'),
  CARILLON_OIDC_CLIENT_SECRET: z
    .string()
    .default('')
    .describe('Secret of that client; CARILLON_OIDC_CLIENT_SECRET_FILE names a file that holds it; empty: a public client, by PKCE alone'),
  CARILLON_OIDC_NAME: z.string().max(60).default('').describe('Name of the provider on the page to sign in; empty: the host of the issuer'),
  CARILLON_OIDC_SCOPES: z
    .string()
    .default('openid profile email')
    .refine((text) => text.split(' ').includes('openid'), 'openid must be one of them.')
    .describe('Scopes that are asked for, with spaces between them'),
  CARILLON_OIDC_CLAIM: z
    .string()
    .min(1)
    .default('groups')
    .describe('Claim that CARILLON_OIDC_ROLES maps: its name, or a path such as realm_access.roles'),
  CARILLON_OIDC_ROLES: z
    .string()
    .default('')
    .transform((text, context) => rolesOf(text, context.issues))
    .describe(`Roles by value of the claim, with ; between them: ops=default:operator;admins=*:admin:payloads. A role is ${FORM}`),
  CARILLON_OIDC_DEFAULT_ROLE: z
    .string()
    .default('')
    .transform((text, context) => (text === '' ? undefined : roleOf(text, context.issues)))
    .describe('Role of those whose claim maps to none, as default:viewer; empty: they are refused'),
  CARILLON_OIDC_SESSION_HOURS: z.coerce
    .number()
    .min(0.05)
    .max(14 * 24)
    .default(12)
    .describe('Hours after which people sign in through the provider again: so long may go on who was disabled there'),
} as const

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, search, hash, username } = new URL(text)
  if (search !== '' || hash !== '' || username !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname))
}

type Issues = z.core.$ZodRawIssue[]
export type RolesByValue = readonly (GrantedRole & { readonly value: string })[]

/** Of `value=role`, split at the last `=`: distinguished names of LDAP have some of their own. */
function rolesOf(text: string, issues: Issues): RolesByValue {
  const parts = text
    .split(/[;\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  return parts.flatMap((part) => {
    const at = part.lastIndexOf('=')
    const granted = at < 1 ? wrong(part, issues) : roleOf(part.slice(at + 1), issues)
    return granted === undefined ? [] : [{ value: part.slice(0, at).trim(), ...granted }]
  })
}

function roleOf(text: string, issues: Issues): GrantedRole | undefined {
  const [namespace = '', role, right, ...rest] = text.trim().split(':')
  const isRight = ROLES.includes(role as Role) && (right === undefined || right === 'payloads') && rest.length === 0
  if (!isRight || !(namespace === '*' || isName(namespace))) return wrong(text, issues)
  return { namespace, role: role as Role, payloads: right === 'payloads' }
}

function wrong(input: string, issues: Issues): undefined {
  issues.push({ code: 'custom', input, message: `${JSON.stringify(input)} is none: a role is ${FORM}; roles are ${ROLES.join(', ')}.` })
}
