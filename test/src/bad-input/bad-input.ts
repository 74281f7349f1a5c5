import type { ErrorCode } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'

/** One piece of bad input, by each way that it can be said; all of them are refused with the same code. */
export interface BadInput {
  readonly what: string
  readonly code: ErrorCode
  /** The offending field as the call names it; the command line may use its own word, such as `--cron`. */
  readonly field: string
  readonly cliField?: string
  /** A call `<noun>.<verb>` and its body, letter for letter. */
  readonly api?: readonly [string, string]
  readonly sdk?: (client: Client) => Promise<unknown>
  readonly cli?: readonly string[]
}

export const json = JSON.stringify
