import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { CarillonError, messageOf, printable } from '@carillon/contracts'
import { endGroup, endWithUs } from '../nats-server/own-children.ts'

const LINES_KEPT = 20

/** The executor under test, as a child process. */
export interface ExecutorProcess {
  /** Resolves with its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>
  /** The last lines that it wrote. */
  readonly lines: readonly string[]
  kill(): void
}

/** Starts the executor; its environment has the address of the broker. @throws CarillonError INVALID_REQUEST when there is no such program */
export async function startExecutorProcess(
  command: readonly string[],
  place: { url: string; namespace: string },
): Promise<ExecutorProcess> {
  const [program = '', ...words] = command
  const environment = { ...process.env, CARILLON_NATS_URL: place.url, CARILLON_NAMESPACE: place.namespace }
  const child = spawn(program, words, { detached: true, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? '')))
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.splice(0, lines.length - LINES_KEPT + 1)
      lines.push(line)
    })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(notStarted(program, error)))
  })
  endWithUs(child)
  return { exited, lines, kill: () => endGroup(child, 'SIGKILL') }
}

const notStarted = (program: string, error: unknown) =>
  new CarillonError('INVALID_REQUEST', `${program} cannot be started: ${messageOf(error)}`, { field: 'command', value: printable(program) })
