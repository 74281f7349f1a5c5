import { LIMITS } from '@carillon/contracts'
import { type Command, Option } from 'commander'
import { parseWhole } from '../arguments/scalars.ts'
import { invocationOf } from '../invocation.ts'

const HELP = `
docs/EXECUTOR.md has payloads and results, and what is refused.

  carillon executor --sharding-demo 4
  carillon run sharding-demo '{"numbers":1000000}' --shards 8`

/** `carillon executor`: a process that offers the built-in handlers. */
export function addExecutorCommand(program: Command): void {
  program
    .command('executor')
    .description('offer built-in handlers')
    .addOption(handlerOption('--sharding-demo', 'count numbers, each shard its share'))
    .addHelpText('after', HELP)
    .action(async (options: { shardingDemo?: number | true }, self: Command) => {
      const invocation = invocationOf(self)
      const { runExecutor } = await import('../executor/run-executor.ts')
      await runExecutor(invocation, options)
    })
}

/** A handler to offer, with its limit of concurrency. */
function handlerOption(name: string, description: string): Option {
  return new Option(`${name} [n]`, `${description}; n tasks at once (default: 10)`).argParser((text: string) =>
    parseWhole(name, text, { min: 1, max: LIMITS.capacity }),
  )
}
