import type { AuditOrigin } from '@carillon/contracts'

/** A call as its handler sees it: checked input and where it came from. */
export interface Request<Input = unknown> {
  readonly namespace: string
  readonly input: Input
  /** Of the message. */
  readonly bytes: number
  readonly traceparent: string | undefined
  /** Who calls, as that party names itself. */
  readonly by: string | undefined
  /** The request to a gateway that the call comes from. */
  readonly origin?: AuditOrigin | undefined
}
