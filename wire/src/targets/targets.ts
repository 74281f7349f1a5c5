import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/** The kind of an address where no request may go; undefined for any other. */
export type RangeOf = (address: string) => string | undefined

/** A host that is not in the internet, or not only. */
export class TargetRefused extends Error {
  constructor(host: string, address: string, range: string) {
    const leads = host === address ? '' : ` leads to ${address}, which`
    super(`${host}${leads} is no public address (${range})`)
    this.name = 'TargetRefused'
  }
}

/** Checks a host that is an address: nobody looks that one up. `URL` has already written every form of IPv4 (`0x7f.1`, `2130706433`) as four numbers. */
export function checkLiteral({ hostname }: URL, rangeOf: RangeOf): void {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0) return
  const range = rangeOf(host)
  if (range !== undefined) throw new TargetRefused(host, host, range)
}

/**
 * Looks up a name for a connection, and refuses it if any of its addresses is not public. The connection is made to the addresses that were checked, so
 * a name that leads elsewhere the next moment (DNS rebinding) gains nothing.
 */
export function guardedLookup(lookup: LookupFunction, rangeOf: RangeOf): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const addresses = found as LookupAddress[]
      for (const { address } of addresses) {
        const range = rangeOf(address)
        if (range !== undefined) return callback(new TargetRefused(hostname, address, range), [])
      }
      const [first] = addresses
      if (first === undefined) return callback(new Error(`${hostname} has no address`), [])
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}
