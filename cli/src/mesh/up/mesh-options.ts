import type { Terminal } from '../../output/terminal.ts'

/** What `carillon up` was asked for. */
export interface MeshOptions {
  /** Folder of everything that is kept. */
  readonly data: string
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly withDemo: boolean
  readonly namespace: string
  readonly terminal: Terminal
}
