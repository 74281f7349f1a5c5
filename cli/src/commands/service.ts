import type { Command } from 'commander'
import { invocationOf } from '../invocation.ts'

const DESCRIPTIONS = {
  coordinator: 'one coordinator: decides what runs when',
  registry: 'one registry: knows which executors live',
  logger: 'one logger: keeps log lines and answers for them',
} as const

/** `carillon coordinator|registry|logger`: one service in this process, as in a container. */
export function addServiceCommands(program: Command): void {
  for (const service of ['coordinator', 'registry', 'logger'] as const) {
    const command = program.command(service).description(DESCRIPTIONS[service])
    if (service !== 'registry') command.option('--store <url>', 'sqlite:<file> or mongodb://… (env: CARILLON_STORE_URL)')
    command.action(async (options: { store?: string }, self: Command) => {
      const invocation = invocationOf(self)
      // Loaded here: it brings the service.
      const { runService } = await import('../mesh/run-service.ts')
      await runService(service, { natsUrl: invocation.natsUrl, storeUrl: options.store })
    })
  }
}
