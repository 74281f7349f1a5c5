/** How much a turn does. */
export interface Counts {
  readonly runs: number
  readonly calls: number
  readonly leaves: number
  readonly jobs: number
}

/** What one turn of one peer measured. What a peer does not offer is absent. */
export interface Figures {
  readonly singlePerS: number
  readonly bulkPerS: number
  readonly resultPerS?: number
  readonly startP50Ms: number
  readonly startP99Ms: number
  readonly fanOutPerS?: number
  readonly repeatableP99Ms?: number
  readonly peakMiB?: number
}

export type Figure = keyof Figures

/** A system that runs jobs, with servers and a worker process of its own. */
export interface Peer {
  /** What it keeps of a run, and when that is on disk. */
  readonly keeps: string
  /** Its database is not started by the turn: then its memory cannot be compared. Default: false */
  readonly hasForeignServer?: boolean
  start(): Promise<RunningPeer>
}

export interface RunningPeer {
  /** Runs per second of single calls, 64 in flight, until every result is stored. */
  single(count: number): Promise<number>
  /** The same in calls of 500. */
  bulk(count: number): Promise<number>
  /** Single calls per second that wait for their results, 64 in flight. */
  results?(count: number): Promise<number>
  latency(calls: number): Promise<{ startP50Ms: number; startP99Ms: number }>
  /** Leaves per second of one parent. */
  fanOut?(leaves: number): Promise<number>
  /** Schedules so many jobs that are due in the same second; the lateness of each start in ms. */
  repeatable?(jobs: number): Promise<number[]>
  stop(): Promise<void>
}
