import type { Terminal } from '../../output/terminal.ts'

/** The options of `carillon up`. */
export interface MeshOptions {
  /** Folder of everything that is kept. */
  readonly data: string
  /** Default: SQLite in the data folder. */
  readonly store?: string
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Of the gateway; 0 picks a free one. */
  readonly httpPort: number
  /** Of metrics for Prometheus; 0 picks a free one. Default: that of the settings, none. */
  readonly metricsPort?: number
  readonly withDemo: boolean
  readonly namespace: string
  readonly terminal: Terminal
}
