import type { GateHolder } from '@carillon/store'
import type { GateLimits } from './gating.ts'

/** How many more runs of a key may be open. */
export function roomOfKey(key: string, holders: readonly GateHolder[], limits: GateLimits): number {
  if (limits.maxPerKey >= limits.max) return Math.max(0, limits.max - holders.length)
  const held = holders.reduce((count, holder) => count + (holder.key === key ? 1 : 0), 0)
  return Math.max(0, Math.min(limits.maxPerKey - held, limits.max - holders.length))
}

/** Round-robin over the keys, one run of each in turn: however many runs of one key wait, a run of another key waits for one of them at most. */
export function inTurns<Run>(groups: readonly (readonly Run[])[], atMost: number): Run[] {
  const taken: Run[] = []
  const longest = Math.max(0, ...groups.map(({ length }) => length))
  for (let i = 0; i < longest; i++) for (const group of groups) if (i < group.length && taken.length < atMost) taken.push(group[i] as Run)
  return taken
}

/** The keys from the one behind `turn` on, then those before. */
export function fromTurn(keys: readonly string[], turn: string | null): string[] {
  if (turn === null) return [...keys]
  const [before, after] = [keys.filter((key) => isBeforeOrAt(key, turn)), keys.filter((key) => !isBeforeOrAt(key, turn))]
  return [...after, ...before]
}

/** By bytes, as stores compare them: by UTF-16 units emoji would come before some other letters. */
const isBeforeOrAt = (key: string, turn: string) => Buffer.compare(Buffer.from(key), Buffer.from(turn)) <= 0
