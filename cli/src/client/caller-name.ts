import { hostname, userInfo } from 'node:os'
import { LIMITS } from '@carillon/contracts'

/** Who gives commands, as far as this machine knows. */
export function callerName(): string {
  return `${userName()}${hostname()}`.replaceAll(/\p{Cc}/gu, '').slice(0, LIMITS.byLength)
}

function userName(): string {
  try {
    return `${userInfo().username}@`
  } catch {
    // A user without an entry in the system's list, as in containers.
    return ''
  }
}
