/** A nats-server that was started once to ask its version. */
export interface Binary {
  /** Absolute path. */
  readonly path: string
  /** Such as `2.15.2`. */
  readonly version: string
}

/** A step either has a binary or a reason of one line. */
export type Outcome = Binary | { readonly why: string }

/** How long each thing may take, in milliseconds. */
export interface FindLimits {
  /** Until the first byte of an answer: where there is no internet this is what a user waits for. */
  readonly connectMs: number
  /** Between two pieces of a download. */
  readonly stallMs: number
  readonly downloadMs: number
  /** Modules and compiling: half a minute on two cores, minutes on a small board. */
  readonly goInstallMs: number
  /** A package list is 10 MB, the package 8 MB. */
  readonly aptMs: number
  /** `nats-server -v`, `tar`, `chmod`: local, but perhaps on a cold disk. */
  readonly localMs: number
}

export const FIND_LIMITS: FindLimits = {
  connectMs: 5_000,
  stallMs: 10_000,
  downloadMs: 300_000,
  goInstallMs: 600_000,
  aptMs: 120_000,
  localMs: 10_000,
}

/** What every step of the search needs. */
export interface FindContext {
  readonly environment: NodeJS.ProcessEnv
  readonly cacheFolder: string
  readonly releaseBase: string
  readonly minimum: string
  readonly limits: FindLimits
  readonly say: (line: string) => void
  readonly signal: AbortSignal | undefined
}
