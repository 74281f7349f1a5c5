import { now } from '../clock.ts'
import { EXIT } from '../exit-code.ts'

/** What a command that waits does about Ctrl-C. */
export interface Interrupt {
  /** Aborts at the first signal; the second ends the process at once. */
  readonly signal: AbortSignal
  /** What the process exits with once it was interrupted. */
  readonly exitCode: number
  /** Leaves the signals to others again, unless one has come. */
  done(): void
}

const CODES: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: 129 }
/** Below npm and npx one Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 400

/** From now on a signal aborts instead of ending the process. */
export function interruptible(): Interrupt {
  const controller = new AbortController()
  let exitCode: number = EXIT.interrupted
  let pressedAt = 0
  const heard = (signal: NodeJS.Signals) => {
    // A terminal or a wrapper that goes away says so once more than a person does.
    if (controller.signal.aborted && signal !== 'SIGHUP' && now() - pressedAt > SAME_PRESS_MS) process.exit(exitCode)
    if (controller.signal.aborted) return
    pressedAt = now()
    exitCode = CODES[signal] ?? EXIT.interrupted
    controller.abort()
  }
  for (const signal of Object.keys(CODES) as NodeJS.Signals[]) process.on(signal, heard)
  const done = () => {
    if (controller.signal.aborted) return
    for (const signal of Object.keys(CODES) as NodeJS.Signals[]) process.off(signal, heard)
  }
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    done,
  }
}
