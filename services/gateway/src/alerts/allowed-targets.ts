import { BlockList, isIP } from 'node:net'
import { CarillonError, printable } from '@carillon/contracts'
import { type RangeOf, rangeOf } from '@carillon/runtime'

const SETTING = 'CARILLON_ALERT_PRIVATE_TARGETS'

/**
 * Which addresses channels may not send to: all that are not public, but for networks that are allowed.
 * @param text networks such as `10.0.0.0/8`, addresses, or `*` for all, with commas between them
 * @throws CarillonError INVALID_CONFIG
 */
export function allowedTargets(text: string): RangeOf {
  const networks = text.split(',').flatMap((part) => part.trim() || [])
  if (networks.includes('*')) return () => undefined
  const allowed = new BlockList()
  for (const network of networks) add(allowed, network)
  return (address) => {
    const range = rangeOf(address)
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    return range === undefined || (isIP(address) !== 0 && allowed.check(address, family)) ? undefined : range
  }
}

function add(list: BlockList, network: string): void {
  const [address = '', prefix, ...rest] = network.split('/')
  const version = isIP(address)
  const bits = version === 6 ? 128 : 32
  const length = prefix === undefined ? bits : Number(prefix)
  if (version === 0 || rest.length > 0 || !/^\d+$/.test(prefix ?? '0') || length > bits)
    throw new CarillonError('INVALID_CONFIG', `${SETTING} is wrong: ${printable(network)}`, {
      field: SETTING,
      value: printable(network),
      hint: 'Use networks such as 10.0.0.0/8 and addresses such as 127.0.0.1, with commas between them, or * for all.',
    })
  list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4')
}
