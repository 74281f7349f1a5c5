import { resolve } from 'node:path'
import { CarillonError } from '@carillon/contracts'
import { every, pause } from '../clock.ts'
import { reportFailure } from '../failure.ts'
import { type Interrupt, interruptible } from '../following/interrupt.ts'
import { killChildren } from './nats-server/own-children.ts'
import type { MeshOptions } from './up/mesh-options.ts'
import { readyText } from './up/ready-text.ts'
import { Stack } from './up/stack.ts'
import { startMesh } from './up/start-mesh.ts'

const START_ENDS_WITHIN_MS = 5_000
const STOP_ENDS_WITHIN_MS = 20_000

/**
 * Runs the whole mesh until a signal comes, and leaves nothing running.
 * @throws CarillonError DATA_FOLDER_IN_USE, PORT_IN_USE, NATS_SERVER_NOT_FOUND, and what else keeps a part from starting
 */
export async function runMesh(options: MeshOptions): Promise<void> {
  const { terminal } = options
  const interrupt = interruptible()
  const started = new Stack()
  process.on('unhandledRejection', (error) => terminal.note(`an unhandled rejection: ${String(error)}`))
  const giveUp = endStartSoon(interrupt)
  try {
    const mesh = await startMesh({ ...options, data: resolve(options.data) }, { started, say: terminal.print, signal: interrupt.signal })
    giveUp.abort()
    for (const line of readyText(mesh, options)) terminal.print(line)
    await untilInterrupted(interrupt)
    terminal.print('Stopping; Ctrl-C again ends it at once.')
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
  } finally {
    giveUp.abort()
    endStopSoon(started, interrupt)
    await started.stop((name, error) => terminal.note(`${name} did not stop in order: ${String(error)}`))
    interrupt.done()
  }
  terminal.print('Carillon has stopped.')
  // A connection to a suspended broker would keep the process alive.
  process.exitCode ??= 0
}

/** With a broker or a store that hangs, each part of a stop would wait for its time limit. What was started is then killed. */
function endStopSoon(started: Stack, interrupt: Interrupt): void {
  every(STOP_ENDS_WITHIN_MS, () => {
    const message = `${started.stopping} did not stop within ${STOP_ENDS_WITHIN_MS / 1_000} s; what is left is killed`
    reportFailure(new CarillonError('STOP_TIMED_OUT', message), process)
    killChildren()
    process.exit(interrupt.exitCode)
  })
}

/** A start that waits for a store may do so for long: a request to stop need not wait. What was started is asked to stop at the exit. */
function endStartSoon(interrupt: Interrupt): AbortController {
  const started = new AbortController()
  const end = async () => {
    if (await pause(START_ENDS_WITHIN_MS, started.signal)) process.exit(interrupt.exitCode)
  }
  interrupt.signal.addEventListener('abort', () => end().catch(() => process.exit(interrupt.exitCode)), { once: true })
  return started
}

function untilInterrupted({ signal }: Interrupt): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
