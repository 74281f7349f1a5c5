import type { LoopClock } from '@carillon/wire/internal'

/** Waits for the end of this turn of the event loop. */
export const turnOf = (clock: LoopClock) => new Promise<void>((resolve) => clock.nextTurn(resolve))

/** A promise of its own each time: a shared one would keep everything alive that ever waited for it. */
export const forever = () => new Promise<never>(() => undefined)
