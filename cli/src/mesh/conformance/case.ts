/** A conformance case: what is sent to an executor, and what it has to send. In texts `$run`, `$task`, `$instance` and `$session` are filled in. */
export interface Case {
  /** `<file>/<name>`: the file of docs/conformance that it is in. */
  readonly case: string
  readonly about: string
  /** The handler that it needs; without it the case fails, or is skipped if it is optional. */
  readonly needs?: string
  readonly optional?: true
  /** `early`: begins before the registration is answered. `together`: with all others, the default. `alone`: after those, one by one. */
  readonly when?: 'early' | 'together' | 'alone'
  readonly steps: readonly Step[]
}

export type Step = Send | Answer | Expect | Never

/** A message that the executor receives. */
export type Send =
  | {
      readonly send: 'work'
      /** Of the work message; `runId`, `taskId`, `attempt` and `payload` have values of their own. */
      readonly body?: Body
      /** The text of the message, in place of a body. */
      readonly text?: string
      /** It was delivered once, to another executor that released it. */
      readonly deliveredBefore?: true
      /** Of a task whose message of an earlier attempt is still in the stream: that one is removed. */
      readonly replaces?: true
    }
  /** The broker redelivers the task's message, as if it had not been acknowledged. */
  | { readonly send: 'redelivery' }
  | { readonly send: 'offer'; readonly body?: Body; readonly session?: string }
  /** An assignment of one task. Skipped where the executor takes none. */
  | { readonly send: 'assignment'; readonly body?: Body; readonly session?: string }
  /** Offers of further tasks, until one is answered with `busy`: at most as many as the executor has room for, and one. */
  | { readonly send: 'offers-until-busy'; readonly body?: Body }
  | { readonly send: 'control'; readonly body: Body }
  /** The next registration is answered with this: messages up to the last one, and so many further ones, are to be claimed. */
  | { readonly send: 'claim-up-to'; readonly further: number }
  /** The request of a registry whether the process lives. */
  | { readonly send: 'session' }

/** The answer to the next call of that name about this task. Without it: `{"run":true}`, `{"created":n}`, an empty page. */
export interface Answer {
  readonly answer: Kind
  readonly body: Body
}

/** Something that the executor has to send, after what was expected before. */
export interface Expect {
  readonly expect: Kind
  /** It has at least these fields, with these values; a list: it fits one of them. An acknowledgement: `+ACK`, `+WPI`, `-NAK`, `+TERM`. */
  readonly body?: Body | string | readonly Body[]
  /** Default 10,000. */
  readonly withinMs?: number
  /** It may have come before what was expected before. */
  readonly anywhere?: true
}

/** Something that it must not have sent in this case. */
export interface Never {
  readonly never: Kind
  readonly body?: Body | string
  /** More often than this. Default 0. */
  readonly times?: number
  /** Nor in this time from now on. Default 0. */
  readonly forMs?: number
}

export type Body = Readonly<Record<string, unknown>>

/** Messages and calls of an executor, its answers, and the end of its process. */
export type Kind =
  | 'report'
  /** The mesh knows who runs the task: a report of its start or of its progress, or a claim that was answered with yes. */
  | 'start'
  | 'log'
  | 'beat'
  | 'ack'
  | 'offer-answer'
  | 'assignment-answer'
  | 'alive'
  | 'exit'
  | 'instances.register'
  | 'instances.leave'
  | 'tasks.claim'
  | 'tasks.map'
  | 'tasks.results'
  | 'tasks.step'
  | 'tasks.journal'
