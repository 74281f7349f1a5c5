/** What the runs of a job have left for its next ones. */
export interface RunMemory {
  /** As `ctx.setData` was last given it. */
  readonly data: Readonly<Record<string, unknown>>
  /** What `ctx.nextAt` has last chosen, RFC 3339. */
  readonly nextAt: string | undefined
}
