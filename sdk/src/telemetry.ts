/** A piece of work that is being traced. */
export interface Trace {
  /** For the message that carries it on; undefined when there is nothing to carry. */
  readonly traceparent: string | undefined
  /** Run `action` with this as the active trace. */
  within<Result>(action: () => Result): Result
  end(failure?: string): void
}

/** Tracing as the SDK needs it, with or without OpenTelemetry. */
export interface Telemetry {
  /** What is active here: calls with the same may travel in one message. Undefined when nothing is. */
  active(): unknown
  /** Begin a call to a service, below `parent` (from `active`). */
  call(name: string, parent: unknown, traceparent?: string): Trace
  /** Begin a task, below the trace of the message that brought it. */
  task(handler: string, traceparent: string | undefined, attributes: Readonly<Record<string, string | number>>): Trace
}

/** Without OpenTelemetry a trace context is handed on as it came. */
export const plainTelemetry: Telemetry = {
  active: () => undefined,
  call: (_name, _parent, traceparent) => passOn(traceparent),
  task: (_handler, traceparent) => passOn(traceparent),
}

const NO_TRACE: Trace = { traceparent: undefined, within: (action) => action(), end: () => undefined }
const passOn = (traceparent: string | undefined): Trace => (traceparent === undefined ? NO_TRACE : { ...NO_TRACE, traceparent })
