import { CarillonError } from '@carillon/contracts'
import { wrong } from '../arguments/scalars.ts'

/** How many tasks of a handler run at once; `true` for the default of the SDK. */
type Concurrency = number | true

/** The options of `carillon executor` as they were given. */
export interface ExecutorOptions {
  readonly http?: Concurrency
  readonly secret?: string
  readonly allowPrivate?: true
  readonly proxy?: true
  readonly command?: Concurrency
  readonly allow?: string
  readonly env?: string
  readonly shardingDemo?: Concurrency
}

/** Options that mean nothing without the handler that they are about. */
const BELONGS_TO = [
  ['--secret', 'secret', 'http'],
  ['--allow-private', 'allowPrivate', 'http'],
  ['--proxy', 'proxy', 'http'],
  ['--allow', 'allow', 'command'],
  ['--env', 'env', 'command'],
] as const

/** @throws CarillonError INVALID_REQUEST for options that do not fit each other: names the option */
export function checkOptions(options: ExecutorOptions): void {
  const { http, command, allow, shardingDemo } = options
  for (const [option, name, handler] of BELONGS_TO)
    if (options[name] !== undefined && options[handler] === undefined)
      throw wrong(option, String(options[name]), `It is about the handler ${handler}: give --${handler}, too.`)
  if (command !== undefined && allow === undefined) {
    const hint = "The handler command runs nothing that is not allowed: give programs, such as --allow 'rsync,/opt/scripts/*'."
    throw new CarillonError('INVALID_REQUEST', '--allow is missing', { field: '--allow', hint })
  }
  if (http === undefined && command === undefined && shardingDemo === undefined)
    throw new CarillonError('INVALID_REQUEST', 'The executor has nothing to offer', { hint: 'Give --http, --command or --sharding-demo.' })
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The names of variables in a list separated by commas. @throws CarillonError INVALID_REQUEST that names option and entry */
export function variableNames(option: string, text: string): string[] {
  return text.split(',').map((part) => {
    const name = part.trim()
    if (!NAME.test(name)) throw wrong(option, part, 'Give names of variables separated by commas, such as HOME,LANG.')
    // Among them is the login to the broker.
    if (name.startsWith('CARILLON_')) throw wrong(option, name, 'Variables of Carillon itself are for no one else.')
    return name
  })
}
