/**
 * Executes commands of `carillon`, one after the other: evaluates the program that the binary runs once for each of them, with arguments, environment,
 * folder and standard input of its own. What it imports is loaded once, which is most of the time of a command.
 */
import { Readable } from 'node:stream'

/** A command, as the parent sends it. */
export interface HostedCommand {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly input?: string
}

/** What is answered. */
export interface HostedOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

class Exit {
  readonly code: number
  constructor(code: number) {
    this.code = code
  }
}

const PROGRAM = new URL('../../../cli/bundled/main.js', import.meta.url).href
const [NODE = '', OWN = ''] = process.argv
// Of npm, which would be watched by each command.
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
const FOLDER = process.cwd()
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let executed = 0

process.exit = (code) => {
  throw new Exit(Number(code ?? process.exitCode ?? 0))
}

function capture(stream: NodeJS.WriteStream): () => string {
  const chunks: string[] = []
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    const done = rest.find((one) => typeof one === 'function')
    if (done !== undefined) queueMicrotask(() => done())
    return true
  }
  return () => chunks.join('')
}

async function execute({ args, env, cwd = FOLDER, input = '' }: HostedCommand): Promise<HostedOutcome> {
  process.argv = [NODE, OWN, ...args]
  process.env = { ...ENVIRONMENT, ...env }
  process.chdir(cwd)
  process.exitCode = undefined
  Object.defineProperty(process, 'stdin', { value: Readable.from(input === '' ? [] : [Buffer.from(input)]), configurable: true })
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)]
  try {
    await import(`${PROGRAM}?${++executed}`)
  } catch (error) {
    if (!(error instanceof Exit)) throw error
    process.exitCode = error.code
  }
  for (const signal of SIGNALS) process.removeAllListeners(signal)
  process.stdout.removeAllListeners('error')
  const code = Number(process.exitCode ?? 0)
  process.exitCode = undefined
  return { code, stdout: stdout(), stderr: stderr() }
}

process.on('message', (command: HostedCommand) => {
  execute(command).then(
    (outcome) => process.send?.(outcome),
    (error: Error) => process.send?.({ code: -1, stdout: '', stderr: `it could not be executed: ${error.stack}` }),
  )
})
