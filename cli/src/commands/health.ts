import { CALLS, CarillonError, type ServiceHealth } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice } from '../arguments/scalars.ts'
import { localHealth } from '../client/local-health.ts'
import { EXIT } from '../exit-code.ts'
import { invocationOf, withClient } from '../invocation.ts'
import type { Terminal } from '../output/terminal.ts'
import { spanText } from '../output/time-text.ts'

const HEALTH_CALLS = {
  coordinator: CALLS.coordinatorHealth,
  registry: CALLS.registryHealth,
  logger: CALLS.loggerHealth,
  gateway: CALLS.gatewayHealth,
} as const
const SERVICES = ['coordinator', 'registry', 'logger', 'gateway'] as const
type ServiceName = (typeof SERVICES)[number]

/** `carillon health <service>` for containers, and `carillon rebuild`. */
export function addHealthCommands(program: Command): void {
  program
    .command('health')
    .description('ask a service whether it is well; exit code 0 when it is')
    .argument('<service>', SERVICES.join(', '), (text) => parseChoice('service', text, SERVICES))
    .option('--socket <path>', 'ask the process that listens on this socket (its CARILLON_HEALTH_SOCKET), not any one over NATS')
    .action(async (service: ServiceName, { socket }: { socket?: string }, self: Command) => {
      const invocation = invocationOf(self)
      const print = (health: ServiceHealth) => {
        printHealth(invocation.terminal, health)
        if (!health.checks.every((check) => check.ok)) process.exitCode = EXIT.failed
      }
      if (socket === undefined) await withClient(invocation, async (client) => print(await client.call(HEALTH_CALLS[service], {})))
      else print(mustBe(service, await localHealth(socket)))
    })
  program
    .command('rebuild')
    .description('publish again what the broker should hold and does not, as after it was wiped')
    .action(async (_options: unknown, self: Command) => {
      const invocation = invocationOf(self)
      await withClient(invocation, async (client) => {
        const outcome = await client.call(CALLS.coordinatorRebuild, {})
        if (invocation.terminal.json) invocation.terminal.value(outcome)
        else invocation.terminal.print(`published again: ${outcome.published}`)
      })
    })
}

function mustBe(service: ServiceName, health: ServiceHealth): ServiceHealth {
  if (health.service === service) return health
  throw new CarillonError('NO_SERVICE', `A ${health.service} answers there, not a ${service}`, { field: 'service', value: health.service })
}

function printHealth(terminal: Terminal, health: ServiceHealth): void {
  if (terminal.json) {
    terminal.value(health)
    return
  }
  terminal.print(`${health.service} ${health.id} ${health.version}, up ${spanText(health.uptimeMs)}`)
  for (const { name, ok, message } of health.checks)
    terminal.print(`${terminal.paint(ok ? 'good' : 'bad', ok ? '✓' : '✗')} ${name}: ${message}`)
}
