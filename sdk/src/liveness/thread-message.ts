import type { Beat } from '@carillon/contracts'
import type { ConnectionRequest } from '@carillon/nats'

/** What only the main thread knows of its load. */
export type MainLoad = Pick<Beat, 'running' | 'stuck' | 'stuckTasks' | 'eventLoopDelayMs'>

/** What the thread is started with: plain data, for it is copied. */
export interface ThreadSettings {
  readonly connection: Omit<ConnectionRequest, 'after'>
  readonly beatSubject: string
  readonly sessionSubject: string
  readonly session: string
  readonly beatMs: number
  /** One number, which the main thread changes several times a second. */
  readonly pulse: SharedArrayBuffer
}

/** From the main thread. */
export type ToThread =
  | { readonly type: 'segment'; readonly memory: SharedArrayBuffer }
  /** Every `beatMs`, to be sent at once; from the first one on beats are expected, also when none comes any more. */
  | { readonly type: 'load'; readonly load: MainLoad }
  /** Work comes to subjects that begin so: of what comes while the main thread reads nothing, the thread takes care. */
  | { readonly type: 'inbox'; readonly inbox: string }
  | { readonly type: 'stop' }

/** From the thread: whether it is connected, so that somebody says that this process lives. */
export interface FromThread {
  readonly isUp: boolean
}
