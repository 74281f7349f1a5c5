import type { Beat } from '@carillon/contracts'
import type { ConnectionRequest } from '@carillon/wire/internal'
import type { LastMessage } from '../connection/confirmed-publisher.ts'

/** The part of the load that only the main thread knows. */
export type MainLoad = Pick<Beat, 'running' | 'stuck' | 'stuckTasks' | 'cordoned' | 'holds' | 'eventLoopDelayMs'>

/** Where a process is heard, and hears. */
export interface LivenessSubjects {
  readonly beat: string
  readonly report: string
  /** On which a registry asks whether this process lives. */
  readonly session: string
  readonly control: string
}

/** What the thread is started with: plain data, for it is copied. */
export interface ThreadSettings {
  readonly connection: Omit<ConnectionRequest, 'clock'>
  readonly subjects: LivenessSubjects
  readonly session: string
  readonly beatMs: number
  /** The memory of its `Activity`. */
  readonly activity: SharedArrayBuffer
}

/** What is published when the process ends, in this order. */
export interface FinalMessages {
  /** Messages that must get into their streams. */
  readonly stored: readonly LastMessage[]
  /** Acknowledgement subjects of work that has not begun. */
  readonly giveBack: readonly string[]
  readonly goodbye: LastMessage
}

/** From the main thread. */
export type ToThread =
  | { readonly type: 'segment'; readonly memory: SharedArrayBuffer }
  /** Every `beatMs`, to be sent at once; from the first one on beats are expected, also when none comes any more. */
  | { readonly type: 'load'; readonly load: MainLoad }
  /** Prefix of the subjects on which work arrives: the thread keeps deliveries alive while the main thread is blocked. */
  | { readonly type: 'inbox'; readonly inbox: string }
  /** No work may arrive any more: answered once the broker knows that the thread has unsubscribed. */
  | { readonly type: 'unwatch' }
  | ({ readonly type: 'final'; readonly done: SharedArrayBuffer } & FinalMessages)
  | { readonly type: 'stop' }

/** From the thread: whether it is connected, so that either thread sends heartbeats; that it has unsubscribed from work. */
export type FromThread = { readonly isUp: boolean } | { readonly isUnwatched: true }
