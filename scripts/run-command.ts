import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export interface CommandOptions {
  /** Added to that of this process, unless it is the whole. */
  environment?: Record<string, string>
  isWholeEnvironment?: boolean
  cwd?: string
  /** It is killed after this. Default 60 s */
  timeoutMs?: number
  /** Gets each line of stderr as it comes; otherwise stderr is kept for the error message. */
  say?: (line: string) => void
}

/** @returns what it wrote to stdout. @throws with the end of its output when it does not end with 0 */
export async function runCommand([command, ...rest]: string[], options: CommandOptions = {}): Promise<string> {
  const { environment = {}, isWholeEnvironment = false, cwd, timeoutMs = 60_000, say } = options
  const child = spawn(command!, rest, {
    env: isWholeEnvironment ? environment : { ...process.env, ...environment },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  if (say !== undefined) child.stderr.on('data', (chunk: Buffer) => chunk.toString().trimEnd().split('\n').forEach(say))
  const ended = new Promise<string | number>((resolve, reject) =>
    child.once('error', reject).once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  )
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code === 0) return output
  const end = `${output}\n${errors}`.trim().split('\n').slice(-15).join('\n')
  throw new Error(`\`${[command, ...rest].join(' ')}\` ends with ${code}: ${end}`)
}
