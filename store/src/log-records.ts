/** One stored log line. */
export interface LogRecord {
  readonly namespace: string
  readonly runId: string
  readonly taskId: string
  readonly attempt: number
  readonly seq: number
  readonly instance: string
  readonly at: number
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  /** JSON text. */
  readonly fields: string | null
}
