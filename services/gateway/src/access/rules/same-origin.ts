import { CarillonError, printable } from '@carillon/contracts'
import { ownOrigin, type ReachedAt } from './cookies.ts'

/** Of GET and HEAD nothing is changed. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

interface Sender extends ReachedAt {
  readonly method: string
  /** The header of that name. */
  readonly site: string | undefined
  /** The `Origin` header. */
  readonly from: string | undefined
}

/**
 * Refuses what a page of another origin sends with the cookie of the user. Browsers say so in `Sec-Fetch-Site`, but not to plain http in a local
 * network: there `Origin` decides. @param mayBeProgram neither header is needed: there is no cookie that could be misused
 * @throws CarillonError FOREIGN_REQUEST
 */
export function refuseForeign({ method, site, from, ...at }: Sender, mayBeProgram: boolean): void {
  if (SAFE.has(method)) return
  if (site === 'same-origin') return
  if (site === undefined && from === ownOrigin(at)) return
  if (site === undefined && from === undefined && mayBeProgram) return
  const [field, value] = site === undefined ? ['origin', from] : ['sec-fetch-site', site]
  throw new CarillonError('FOREIGN_REQUEST', `The request comes from a page that is none of ${ownOrigin(at)}`, {
    field,
    value: printable(value ?? 'none'),
  })
}
