import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Answers requests of virtual machines of Azure alone, from a range that looks public. */
const METADATA = ['168.63.129.16']
const NAT64 = ipaddr.IPv6.parse('64:ff9b::')
/** All of IPv6 that is handed out for use in the internet. */
const GLOBAL = ipaddr.IPv6.parse('2000::')

/**
 * The kind of an address that is not public, such as `loopback` or `private`; undefined for one that anyone in the internet may have. Judged by its
 * bytes: forms that carry an IPv4 address (`::ffff:127.0.0.1`, `64:ff9b::7f00:1`) are what that address is, other such forms (6to4, Teredo) are not public.
 */
export function rangeOf(text: string): string | undefined {
  const version = isIP(text)
  if (version === 0) return 'not an address'
  if (version === 4) return rangeOf4(ipaddr.IPv4.parse(text))
  const long = parse6(text)
  if (long.isIPv4MappedAddress() || long.match(NAT64, 96)) return rangeOf4(new ipaddr.IPv4(long.toByteArray().slice(-4)))
  const range = long.range()
  if (range !== 'unicast') return range
  return long.match(GLOBAL, 3) ? undefined : 'not global'
}

/** Bits that a site has of one customer of a provider, in which it chooses addresses as it likes. */
const SITE_BITS = 64

/** What stands for a client where its requests are counted: an IPv4 address, or of IPv6 the network, of which a client has every address. */
export function networkOf(text: string): string {
  if (isIP(text) !== 6) return text
  const long = parse6(text)
  if (long.isIPv4MappedAddress()) return long.toIPv4Address().toString()
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${long}/${SITE_BITS}`)}/${SITE_BITS}`
}

/** The library reads `::127.0.0.1` as `::ffff:127.0.0.1`, which it is not: URL writes both without dots. */
const parse6 = (text: string): ipaddr.IPv6 => ipaddr.IPv6.parse(new URL(`http://[${text.replace(/%.*$/, '')}]`).hostname.slice(1, -1))

function rangeOf4(address: ipaddr.IPv4): string | undefined {
  if (METADATA.includes(address.toString())) return 'metadata'
  const range = address.range()
  return range === 'unicast' ? undefined : range
}
