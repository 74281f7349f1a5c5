import type { Command } from 'commander'
import { parseText, parseWhole } from '../arguments/scalars.ts'
import { brokerInvocationOf } from '../invocation.ts'
import { parseStore } from './store-option.ts'

interface UpOptions {
  readonly demo?: true
  readonly data: string
  readonly port: number
  readonly httpPort?: number
  readonly metricsPort?: number
  readonly store?: string
  readonly host: string
}

const HOST_HINT = 'Give an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them.'

const HTTP_PORT = 8420

const HELP = `
Starts a nats-server, registry, coordinator, logger and gateway on this machine, with SQLite in the data folder.
The first Ctrl-C stops everything in order, the second at once. The next start finds everything again.`

/** `carillon up`: the whole mesh on this machine. */
export function addUpCommand(program: Command): void {
  program
    .command('up')
    .description('start the whole mesh on this machine')
    .option('--demo', 'with an executor to try things with: hello, report, flaky, slow')
    .option('--data <folder>', 'where everything is kept', (text) => parseText('--data', text, 'Give a folder.'), '.carillon')
    .option('--port <port>', 'port of the broker; 0 picks a free one', (text) => parseWhole('--port', text, { min: 0, max: 65_535 }), 4222)
    .option('--http-port <port>', 'port of the console and the HTTP API (default: 8420, or a free one if --port is 0)', (text) =>
      parseWhole('--http-port', text, { min: 0, max: 65_535 }),
    )
    .option('--metrics-port <port>', 'port of metrics for Prometheus; 0 picks a free one (default: none)', (text) =>
      parseWhole('--metrics-port', text, { min: 0, max: 65_535 }),
    )
    .option('--store <url>', 'mongodb://… or sqlite:<file> (default: sqlite in the data folder)', parseStore)
    .option('--host <address>', 'address the broker listens on', (text) => parseText('--host', text, HOST_HINT), '127.0.0.1')
    .addHelpText('after', HELP)
    .action(async (options: UpOptions, self: Command) => {
      const invocation = brokerInvocationOf(self)
      // Loaded here: it brings all services.
      const { runMesh } = await import('../mesh/run-mesh.ts')
      const httpPort = options.httpPort ?? (options.port === 0 ? 0 : HTTP_PORT)
      await runMesh({
        ...options,
        httpPort,
        withDemo: options.demo === true,
        namespace: invocation.namespace,
        terminal: invocation.terminal,
      })
    })
}
