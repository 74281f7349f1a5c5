import { CarillonError, checkName, type ErrorCode } from '@carillon/contracts'
import type { NatsSettings } from '@carillon/wire/internal'
import type { Command } from 'commander'
import type { Client } from './client/client.ts'
import { natsSettingsOf, repeatedNatsOptions } from './nats-options.ts'
import { createTerminal, type Terminal } from './output/terminal.ts'

/** The argument of every command: where the mesh is and where to write. */
export interface Invocation {
  readonly nats: NatsSettings
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
    namespace: checkName('namespace', options.namespace),
    terminal,
    environment: process.env,
    repeated: repeatedNatsOptions(command) + (isNamespaceGiven ? ` --namespace ${options.namespace}` : ''),
  }
}

/** Connects, does the work, and closes the connection in any case. */
export async function withClient<Result>(invocation: Invocation, work: (client: Client) => Promise<Result>): Promise<Result> {
  // Loaded here: `--help` and wrong input need no broker.
  const { connectClient } = await import('./client/connect-client.ts')
  const client = await connectClient(invocation)
  try {
    return await work(client)
  } catch (error) {
    throw isSilence(error) ? await explained(error, invocation) : error
  } finally {
    await client.close()
  }
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
