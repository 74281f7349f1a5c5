import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { CarillonError, VERSION } from '@carillon/contracts'
import {
  AllowList,
  commandHandler,
  commandRunner,
  countShare,
  HttpRequests,
  type HttpSettings,
  httpHandler,
  rangeOf,
  Secrets,
  shardingDemo,
} from '@carillon/handlers'
import { connect, type Mesh } from '@carillon/sdk'
import { fromFile, systemClock } from '@carillon/wire/internal'
import type { Invocation } from '../invocation.ts'
import { stopAndExit } from '../stop-and-exit.ts'
import { checkOptions, type ExecutorOptions, variableNames } from './executor-options.ts'

type Environment = Invocation['environment']

/** A handler that is ready to be offered. */
interface Offer {
  readonly name: string
  to(mesh: Mesh): void
}

const INIT_HINT = `This process is number 1 of its container, and waits for no process that a program leaves behind: start the container with an init,
such as docker run --init.`

/** Offers the built-in handlers until a signal comes. @throws CarillonError INVALID_REQUEST for options that do not fit, before it connects */
export async function runExecutor({ nats, namespace, terminal, environment }: Invocation, options: ExecutorOptions): Promise<void> {
  checkOptions(options)
  const offers = [httpOffer(options, environment), commandOffer(options, environment), shardingOffer(options)].filter(
    (offer) => offer !== undefined,
  )
  const mesh = await connect({ ...nats, service: 'executor', namespace, version: VERSION })
  for (const offer of offers) offer.to(mesh)
  await mesh.start()
  if (options.command !== undefined && process.pid === 1) terminal.note(INIT_HINT)
  terminal.print(`The executor offers ${offers.map(({ name }) => name).join(', ')}. Ctrl-C ends it.`)
  process.once('SIGHUP', () => stopAndExit(mesh))
}

const concurrencyOf = (given: number | true) => (given === true ? {} : { concurrency: given })

function httpOffer({ http, secret, allowPrivate, proxy }: ExecutorOptions, environment: Environment): Offer | undefined {
  if (http === undefined) return undefined
  const names = secret === undefined ? [] : variableNames('--secret', secret)
  const requests = new HttpRequests({
    rangeOf: allowPrivate ? () => undefined : rangeOf,
    secrets: new Secrets(new Map(names.map((name) => [name, fromFile(environment, name) ?? environment[name]])), '--secret'),
    proxy: proxy ? proxyOf(environment) : undefined,
    lookup: lookup as LookupFunction,
    clock: systemClock,
  })
  return { name: httpHandler.name, to: (mesh) => mesh.handle(httpHandler, requests.run, concurrencyOf(http)) }
}

function proxyOf(environment: Environment): HttpSettings['proxy'] {
  const variable = (name: string) => environment[name] || environment[name.toLowerCase()] || ''
  const [http, https] = ['HTTP_PROXY', 'HTTPS_PROXY'].map((name) => {
    const url = variable(name)
    // Its value may have a password.
    if (url !== '' && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new CarillonError('INVALID_REQUEST', `${name} is wrong`, { field: name, hint: 'Give the http or https URL of a proxy.' })
    return url
  }) as [string, string]
  if (http !== '' || https !== '') return { http, https, except: variable('NO_PROXY') }
  throw new CarillonError('INVALID_REQUEST', '--proxy has no proxy', { field: '--proxy', hint: 'Set HTTP_PROXY or HTTPS_PROXY.' })
}

function commandOffer({ command, allow = '', env }: ExecutorOptions, environment: Environment): Offer | undefined {
  if (command === undefined) return undefined
  if (process.platform === 'win32')
    throw new CarillonError('INVALID_REQUEST', '--command needs process groups, which Windows does not have', { field: '--command' })
  const names = env === undefined ? [] : variableNames('--env', env)
  const run = commandRunner({
    allow: AllowList.parse(allow, { field: '--allow', path: environment['PATH'] ?? '', cwd: process.cwd() }),
    env: new Map(names.map((name) => [name, environment[name]])),
    clock: systemClock,
  })
  return { name: commandHandler.name, to: (mesh) => mesh.handle(commandHandler, run, concurrencyOf(command)) }
}

function shardingOffer({ shardingDemo: given }: ExecutorOptions): Offer | undefined {
  if (given === undefined) return undefined
  return { name: shardingDemo.name, to: (mesh) => mesh.handle(shardingDemo, countShare, concurrencyOf(given)) }
}
