import { CarillonError, checkName, type ErrorCode } from '@carillon/contracts'
import type { NatsSettings } from '@carillon/wire/internal'
import type { Command } from 'commander'
import type { Client } from './client/client.ts'
import { type HttpTarget, httpTargetOf, isUrlGiven, repeatedHttpOptions } from './http/http-options.ts'
import { natsSettingsOf, repeatedNatsOptions } from './nats-options.ts'
import { createTerminal, type Terminal } from './output/terminal.ts'

/** The argument of every command: where the mesh is and where to write. */
export interface Invocation {
  readonly nats: NatsSettings
  /** The gateway that stands in for the broker, if one is given. */
  readonly http: HttpTarget | undefined
  readonly namespace: string
  readonly terminal: Terminal
  /** For what is configured by it beside the options. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The global options as they must be repeated in a command that we advise, such as ` --namespace shop`. */
  readonly repeated: string
}

interface GlobalOptions {
  readonly namespace: string
  readonly json?: true
}

/** Reads the global options of a command that is about to run. @throws CarillonError INVALID_NAME for the namespace */
export function invocationOf(command: Command): Invocation {
  const options = command.optsWithGlobals<GlobalOptions>()
  const terminal = createTerminal({ ...process, json: options.json === true, environment: process.env })
  const isNamespaceGiven = rootOf(command).getOptionValueSource('namespace') === 'cli'
  return {
    // Read on use: `carillon up` has a broker of its own, whatever the environment sets.
    get nats() {
      return natsSettingsOf(command, process.env)
    },
    get http() {
      return httpTargetOf(command, process.env)
    },
    namespace: checkName('namespace', options.namespace),
    terminal,
    environment: process.env,
    repeated: repeatedNatsOptions(command) + repeatedHttpOptions(command) + (isNamespaceGiven ? ` --namespace ${options.namespace}` : ''),
  }
}

/**
 * The same of a command that works with the broker itself, whatever the environment says of a gateway.
 * @throws CarillonError NEEDS_BROKER when the command line names a gateway
 */
export function brokerInvocationOf(command: Command): Invocation {
  if (!isUrlGiven(command)) return invocationOf(command)
  throw new CarillonError('NEEDS_BROKER', `carillon ${command.name()} works with the broker, not with a gateway`, { field: '--url' })
}

/** Connects, does the work, and closes the connection in any case. */
export async function withClient<Result>(invocation: Invocation, work: (client: Client) => Promise<Result>): Promise<Result> {
  const { http } = invocation
  const client = http ? await overHttp(http, invocation) : await overNats(invocation)
  try {
    return await work(client)
  } catch (error) {
    throw isSilence(error) && http === undefined ? await explained(error, invocation) : error
  } finally {
    await client.close()
  }
}

/** Loaded here and below: `--help` and wrong input need no connection. */
async function overNats(invocation: Invocation): Promise<Client> {
  const { connectClient } = await import('./client/connect-client.ts')
  return connectClient(invocation)
}

async function overHttp(target: HttpTarget, { namespace, terminal }: Invocation): Promise<Client> {
  if (target.isReadable && target.token !== undefined)
    terminal.note(terminal.paint('warning', `warning: everyone on the way to ${target.url} can read the token; use https.`))
  // A title hides the command line, and with it the token, from the list of processes.
  if (process.argv.some((word) => word === '--token' || word.startsWith('--token='))) process.title = 'carillon'
  const { connectHttp } = await import('./http/connect-http.ts')
  return connectHttp(target, namespace)
}

const SILENCE: readonly ErrorCode[] = ['NO_SERVICE', 'CALL_TIMEOUT']
const isSilence = (error: unknown): boolean => CarillonError.is(error) && SILENCE.includes(error.code)

async function explained(error: unknown, { nats }: Invocation): Promise<unknown> {
  // Loaded here: it imports the services' view of the broker.
  const { explainSilence } = await import('./mesh/explain-silence.ts')
  return await explainSilence(error, nats)
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent)
}
