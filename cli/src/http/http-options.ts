import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { CarillonError, messageOf } from '@carillon/contracts'
import { type Command, Option } from 'commander'

interface HttpOptions {
  readonly url?: string
  readonly token?: string
  readonly nats?: string
}
type Environment = Readonly<Record<string, string | undefined>>

/** A gateway, and what to show it. */
export interface HttpTarget {
  /** Without a slash at the end. */
  readonly url: string
  readonly token: string | undefined
  /** Whether others on the way can read the token: plain HTTP to another machine. */
  readonly isReadable: boolean
}

const OPTIONS = [
  new Option('--url <url>', 'address of a gateway, instead of a broker (env: CARILLON_URL)'),
  new Option('--token <token>', 'API token to show it (env: CARILLON_TOKEN, or a file: CARILLON_TOKEN_FILE)'),
]
const TOKEN_LETTERS = 1_024

export function addHttpOptions(program: Command): Command {
  for (const option of OPTIONS) program.addOption(option)
  return program
}

/** Whether the command line itself names a gateway. */
export const isUrlGiven = (command: Command): boolean => command.optsWithGlobals<HttpOptions>().url !== undefined

/**
 * The gateway that a command speaks with; undefined: it speaks with a broker. An option wins over a variable.
 * @throws CarillonError INVALID_REQUEST, INVALID_CONFIG of a broker and a gateway at once, of an address or a token that is none
 */
export function httpTargetOf(command: Command, environment: Environment): HttpTarget | undefined {
  const { url, token, nats } = command.optsWithGlobals<HttpOptions>()
  if (url !== undefined && nats !== undefined)
    throw refused('--url', '--url and --nats exclude each other', 'Give the address of a gateway or of a broker.')
  const variable = nats === undefined && url === undefined ? environment['CARILLON_URL'] || undefined : undefined
  if (variable !== undefined && (environment['CARILLON_NATS_URL'] || environment['CARILLON_NATS_URL_FILE'])) {
    throw new CarillonError('INVALID_CONFIG', 'CARILLON_URL and CARILLON_NATS_URL are both set', {
      field: 'CARILLON_URL',
      hint: 'Unset one of them, or give --url or --nats.',
    })
  }
  const given = url ?? variable
  if (given === undefined) {
    if (token !== undefined) throw refused('--token', '--token goes with a gateway', 'Give its address with --url.')
    return undefined
  }
  const address = addressOf(given, url === undefined ? 'CARILLON_URL' : '--url')
  return {
    url: `${address.origin}${address.pathname.replace(/\/+$/, '')}`,
    token: tokenOf(token, environment),
    isReadable: address.protocol === 'http:' && !isLoopback(address.hostname),
  }
}

/** As it must be repeated in a command that we advise; never with the token. */
export function repeatedHttpOptions(command: Command): string {
  const { url } = command.optsWithGlobals<HttpOptions>()
  return url === undefined ? '' : ` --url ${url}`
}

/** The value is not shown: it may hold a password. */
function addressOf(text: string, field: string): URL {
  const hint = 'Use an address such as http://127.0.0.1:8420 or https://carillon.example.org.'
  const fail = (why: string) =>
    new CarillonError(field === '--url' ? 'INVALID_REQUEST' : 'INVALID_CONFIG', `${field} ${why}`, { field, hint })
  const address = URL.canParse(text) ? new URL(text) : undefined
  if (address === undefined) throw fail('is no address')
  if (address.protocol !== 'http:' && address.protocol !== 'https:') throw fail('is no address of HTTP')
  if (address.username || address.password) throw fail('holds a login; a gateway takes a token, with --token or CARILLON_TOKEN')
  if (address.search || address.hash) throw fail('has a query or a fragment')
  return address
}

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'))

/** @throws CarillonError that names where it comes from, and never shows it */
function tokenOf(option: string | undefined, environment: Environment): string | undefined {
  if (option !== undefined) return checkedToken(option, '--token')
  const [variable, file] = [environment['CARILLON_TOKEN'] || undefined, environment['CARILLON_TOKEN_FILE'] || undefined]
  if (variable !== undefined && file !== undefined)
    throw new CarillonError('INVALID_CONFIG', 'CARILLON_TOKEN and CARILLON_TOKEN_FILE are both set', {
      field: 'CARILLON_TOKEN',
      hint: 'Unset one of them.',
    })
  if (file === undefined) return variable === undefined ? undefined : checkedToken(variable, 'CARILLON_TOKEN')
  try {
    return checkedToken(readFileSync(file, 'utf8').trim(), 'CARILLON_TOKEN_FILE')
  } catch (error) {
    if (CarillonError.is(error)) throw error
    const why = `CARILLON_TOKEN_FILE cannot be read: ${messageOf(error)}`
    throw new CarillonError('INVALID_CONFIG', why, { field: 'CARILLON_TOKEN_FILE', value: file, hint: 'Name a file that holds the token.' })
  }
}

/** What is no header would be an error of the HTTP client that shows it. */
function checkedToken(token: string, field: string): string {
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= TOKEN_LETTERS) return token
  const code = field === '--token' ? 'INVALID_REQUEST' : 'INVALID_CONFIG'
  throw new CarillonError(code, `${field} is no token`, {
    field,
    hint: 'Pass it as it was shown: car_ and letters and digits, without spaces.',
  })
}

const refused = (field: string, message: string, hint: string) => new CarillonError('INVALID_REQUEST', message, { field, hint })
