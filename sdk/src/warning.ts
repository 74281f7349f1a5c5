/** A problem that a person may want to know and that the SDK handles by itself. */
export interface Warning {
  /** What kind: stable, for programs. */
  readonly code:
    | 'disconnected'
    | 'auth-failed'
    | 'reconnected'
    | 'registration-delayed'
    | 'instance-taken'
    | 'job-edited'
    | 'job-refused'
    | 'no-thread'
    | 'work-not-understood'
    | 'message-not-understood'
    | 'pull-refused'
    | 'report-delayed'
    | 'claim-delayed'
    | 'logs-delayed'
    | 'listener-failed'
    | 'drain-incomplete'
    | 'handler-stuck'
    | 'outbox'
    | 'program-undeclared'
  readonly message: string
}

export type OnWarning = (warning: Warning) => void

/** Whatever a listener of warnings throws must not reach the code that warned. */
export function guarded(onWarning: OnWarning): OnWarning {
  return (warning) => {
    try {
      onWarning(warning)
    } catch (error) {
      process.emitWarning(`onWarning threw ${String(error)} for: ${warning.message}`, { type: 'CarillonWarning', code: warning.code })
    }
  }
}

/** The default: `process.emitWarning`, so that `--no-warnings` and `process.on('warning')` work as usual. */
export const emitWarning: OnWarning = ({ code, message }) => process.emitWarning(message, { type: 'CarillonWarning', code })
