import { LIMITS } from '@carillon/contracts'
import { type Command, Option } from 'commander'
import { parseWhole } from '../arguments/scalars.ts'
import type { ExecutorOptions } from '../executor/executor-options.ts'
import { brokerInvocationOf } from '../invocation.ts'

const HELP = `
Each handler is off until its option is given. n is how many of its tasks run at once here (default: 10).
--allow limits programs, not their effects: one that runs others, such as find or sh, runs anything. docs/EXECUTOR.md has payloads and results.

  carillon executor --http 20 --secret API_TOKEN
  carillon run http '{"url":"https://example.org/health","expect":{"status":200}}'
  carillon executor --command --allow 'rsync,git pull,/opt/scripts/*' --env HOME
  carillon run command '{"command":"rsync","args":["-a","/data/","/backup/"]}'
  carillon executor --sharding-demo 4
  carillon run sharding-demo '{"numbers":1000000}' --shards 8`

/** `carillon executor`: a process that offers the built-in handlers. */
export function addExecutorCommand(program: Command): void {
  program
    .command('executor')
    .description('an executor without code: offers built-in handlers')
    .addOption(handlerOption('--http', 'offer http: sends requests to public addresses'))
    .option('--secret <names>', 'variables that requests may send in a header, by name', joined)
    .option('--allow-private', 'requests also to addresses that are not public')
    .option('--proxy', 'requests through HTTP_PROXY and HTTPS_PROXY, which must refuse what is not public')
    .addOption(handlerOption('--command', 'offer command: runs programs of --allow, without a shell'))
    .option('--allow <programs>', 'names, paths, or a folder and /*; words behind one are its first arguments', joined)
    .option('--env <names>', 'variables that programs have from here, and that a payload may set', joined)
    .addOption(handlerOption('--sharding-demo', 'offer sharding-demo: counts numbers, each shard its share'))
    .addHelpText('after', HELP)
    .action(async (options: ExecutorOptions, self: Command) => {
      const invocation = brokerInvocationOf(self)
      // Loaded here: other commands need no handlers.
      const { runExecutor } = await import('../executor/run-executor.ts')
      await runExecutor(invocation, options)
    })
}

/** A handler to offer, with its limit of concurrency. */
function handlerOption(name: string, description: string): Option {
  return new Option(`${name} [n]`, description).argParser((text: string) => parseWhole(name, text, { min: 1, max: LIMITS.capacity }))
}

/** A list separated by commas, which may be given more than once. */
const joined = (text: string, before: string | undefined) => (before === undefined ? text : `${before},${text}`)
