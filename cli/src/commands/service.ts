import type { Command, Option } from 'commander'
import { brokerInvocationOf } from '../invocation.ts'
import { isBrokerOption } from '../nats-options.ts'
import { parseStore } from './store-option.ts'

const DESCRIPTIONS = {
  coordinator: 'one coordinator: decides what runs when',
  registry: 'one registry: knows which executors live',
  logger: 'one logger: keeps log lines and answers for them',
  gateway: 'one gateway: HTTP and the console, for those without access to the broker',
} as const

/** A service serves every namespace, and its log lines are JSON anyway. */
const optionsOfServices = ({ parent }: Command): Option[] => parent?.options.filter((option) => isBrokerOption(option)) ?? []

/** `carillon coordinator|registry|logger|gateway`: one service in this process, as in a container. */
export function addServiceCommands(program: Command): void {
  for (const service of ['coordinator', 'registry', 'logger', 'gateway'] as const) {
    const command = program.command(service).description(DESCRIPTIONS[service])
    command.configureHelp({ ...command.configureHelp(), visibleGlobalOptions: optionsOfServices })
    if (service !== 'registry') command.option('--store <url>', 'sqlite:<file> or mongodb://… (env: CARILLON_STORE_URL)', parseStore)
    command.action(async (options: { store?: string }, self: Command) => {
      const invocation = brokerInvocationOf(self)
      // Loaded here: it brings the service.
      const { runService } = await import('../mesh/run-service.ts')
      await runService(service, { nats: invocation.nats, storeUrl: options.store })
    })
  }
}
