import type { Clock, RejectedMessages } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { Lives, Timers } from '../ports.ts'
import { ReadSignals } from './read-signals.ts'
import { SendSignals } from './send-signals.ts'
import { SettleWaits } from './settle-waits.ts'
import { TakeSignals } from './take-signals.ts'
import { WakeSignals } from './wake-signals.ts'

/** The parts of this room; `waits` is what others use of it. */
export function signalsOf(base: { store: Store; lives: Lives; rejected: RejectedMessages; timers: Timers; clock: Clock }) {
  const waits = new SettleWaits(base)
  const sendSignals = new SendSignals({ ...base, waits })
  return {
    waits,
    sendSignals,
    takeSignals: new TakeSignals({ ...base, sendSignals }),
    readSignals: new ReadSignals(base),
    wakeSignals: new WakeSignals({ ...base, waits }),
  }
}
