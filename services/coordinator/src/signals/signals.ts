import type { Clock, RejectedMessages } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { Timers } from '../ports.ts'
import type { Approvers } from '../signal-ports.ts'
import { ReadSignals } from './read-signals.ts'
import { SendSignals } from './send-signals.ts'
import type { SettleWaits } from './settle-waits.ts'
import { TakeSignals } from './take-signals.ts'
import { WakeSignals } from './wake-signals.ts'

/** The use cases of this room. */
export function signalsOf(base: {
  store: Store
  waits: SettleWaits
  approvers: Approvers
  rejected: RejectedMessages
  timers: Timers
  clock: Clock
}) {
  const sendSignals = new SendSignals(base)
  return {
    sendSignals,
    takeSignals: new TakeSignals({ ...base, sendSignals }),
    readSignals: new ReadSignals(base),
    wakeSignals: new WakeSignals(base),
  }
}
