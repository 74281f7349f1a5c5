import type { GateSeal, RunHead, StreamPlace } from '@carillon/store'
import type { Coalescing } from './coalescing.ts'

/** What decides which of several triggers is the first, or the last. */
export type Ordered = Pick<RunHead, 'id' | 'gateOrder' | 'terms'>

/**
 * Whether a stream has stored one message before another, as far as that is certain: the numbers of a stream that is made again begin at 1, and its times are those
 * of several clocks. Where it is not certain, that one comes first which arrives first.
 */
function isBefore(one: StreamPlace, other: StreamPlace): boolean {
  return one.stream === other.stream && one.sequence < other.sequence && one.at <= other.at
}

const isBehind = (place: StreamPlace | undefined, newest: readonly StreamPlace[]) =>
  place !== undefined && newest.some((other) => isBefore(place, other))

/** The newest message of each stream, after one more. */
function withNewer(newest: readonly StreamPlace[], place: StreamPlace | undefined): readonly StreamPlace[] {
  if (!place || isBehind(place, newest)) return newest
  return [...newest.filter(({ stream }) => stream !== place.stream), place]
}

/** A run has started for later messages: it stands for this one, too, because what is older is not to run after what is newer. */
export function isOvertaken(
  { terms }: Pick<RunHead, 'terms'>,
  { rule, seal }: { rule: Coalescing | undefined; seal: GateSeal | undefined },
) {
  if (!rule || rule.rule === 'batch' || rule.payload !== 'last') return false
  return isBehind(terms?.published, seal?.newest ?? [])
}

/**
 * The run that starts for all of these, which are given in the order of their arrival. Several coordinators may take messages in another order than their stream has
 * them: of messages that one is the last which none of those that arrived before it follows in the stream, and that one the first which none precedes.
 * @param before the newest messages for which runs have started
 */
export function leaderOf(
  runs: readonly Ordered[],
  { payload, before }: { payload: 'first' | 'last'; before: readonly StreamPlace[] },
): { readonly leader: Ordered | undefined; readonly newest: readonly StreamPlace[] } {
  let newest = before
  let [first] = runs
  let last: Ordered | undefined
  for (const run of runs) {
    const { published } = run.terms ?? {}
    if (published && first?.terms?.published && isBefore(published, first.terms.published)) first = run
    if (!isBehind(published, newest)) last = run
    newest = withNewer(newest, published)
  }
  return { leader: payload === 'first' ? first : last, newest }
}
