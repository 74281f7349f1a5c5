/** A piece of work that is being traced. */
export interface Trace {
  /** For the message that propagates it; undefined when there is nothing to propagate. */
  readonly traceparent: string | undefined
  /** Run `action` with this as the active trace. */
  within<Result>(action: () => Result): Result
  end(failure?: string): void
}

/** Tracing as the SDK needs it, with or without OpenTelemetry. */
export interface Telemetry {
  /** Begin a call to a service, below `traceparent` where it is given, else below what is active. */
  call(name: string, traceparent?: string): Trace
  /** Begin a task, below the trace of the message that brought it. */
  task(task: TracedTask): Trace
}

/** A task, as far as its trace is concerned. */
export interface TracedTask {
  /** Parsed only on use: most tasks are not traced. */
  readonly traceparent: string | undefined
  readonly work: { readonly handler: string; readonly runId: string; readonly taskId: string; readonly attempt: number }
}

/** Without OpenTelemetry a trace context is passed on unchanged. */
export const plainTelemetry: Telemetry = {
  call: (_name, traceparent) => passOn(traceparent),
  task: () => NO_TRACE,
}

/** Nothing is recorded, and nothing is carried beyond what the message brought. */
export const NO_TRACE: Trace = { traceparent: undefined, within: (action) => action(), end: () => undefined }
const passOn = (traceparent: string | undefined): Trace => (traceparent === undefined ? NO_TRACE : { ...NO_TRACE, traceparent })
