/** A message to a run, which may not exist yet: kept until something in the run takes it. */
export interface SignalRecord {
  /** `<runId>.<name>.<hash of the message id>`: a second one with the same message id is a duplicate. */
  readonly id: string
  readonly namespace: string
  readonly runId: string
  readonly name: string
  /** JSON text. */
  readonly payload: string
  /** Of the payload. */
  readonly bytes: number
  /** Who sent it, as that party names itself. */
  readonly by: string | null
  /** When it arrived. */
  readonly at: number
  /** The order of those that arrived in one millisecond. */
  readonly sequence: number
  /** What has taken it: the id of a step, without epoch and try, or of a node's task. */
  readonly takenBy: string | null
  /** When it is removed, unless its run is open then. */
  readonly expiresAt: number
  /** 1: its run was not there when it arrived. */
  readonly unclaimed: number
  readonly share: number
  readonly wakeAt: number
}
