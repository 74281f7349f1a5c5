import { CarillonError, VERSION } from '@carillon/contracts'
import { AllowList, commandHandler, commandRunner, countShare, shardingDemo } from '@carillon/handlers'
import { connect, type Mesh } from '@carillon/sdk'
import { systemClock } from '@carillon/wire/internal'
import { EXIT } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { checkOptions, type ExecutorOptions, variableNames } from './executor-options.ts'

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
  const offers = [commandOffer(options, environment), shardingOffer(options)].filter((offer) => offer !== undefined)
  const mesh = await connect({ ...nats, service: 'executor', namespace, version: VERSION })
  for (const offer of offers) offer.to(mesh)
  await mesh.start()
  if (options.command !== undefined && process.pid === 1) terminal.note(INIT_HINT)
  terminal.print(`The executor offers ${offers.map(({ name }) => name).join(', ')}. Ctrl-C ends it.`)
  process.once('SIGHUP', () => {
    mesh.stop().then(
      () => process.exit(),
      () => process.exit(EXIT.failed),
    )
  })
}

const concurrencyOf = (given: number | true) => (given === true ? {} : { concurrency: given })

function commandOffer({ command, allow = '', env }: ExecutorOptions, environment: Invocation['environment']): Offer | undefined {
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
