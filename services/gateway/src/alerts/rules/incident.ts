import { type AlertTerms, type IncidentPhrase, LIMITS, SCENE_TRAITS, type Transition, termsOf } from '@carillon/contracts'
import { type AlertRuleRecord, type IncidentRecord, type Occurrence, shareOf } from '@carillon/store'
import type { Cause, Fact } from './facts.ts'
import { phrase } from './phrases.ts'
import { quietUntil } from './quiet-hours.ts'

/** What is counted is remembered, so that what is delivered again is not counted again: more than the broker has under way at once. */
const REMEMBERED = 300
const EXAMPLES = 10
/** Runs of a cause that are read to find how many failed in a row. */
export const ROW_READ = 2 * LIMITS.failuresInRow
/** Between the opening and what is said about it: what has one cause comes together. */
const GROUP_WAIT_MS = 2_000
/** How often an open incident is compared with what came after it: sooner in the beginning. */
const [SOONEST_CHECK_MS, LATEST_CHECK_MS] = [2_000, 15_000]
const SEQUENCE_LETTERS = 6
/** What may become an incident is forgotten when it was not compared for so long: its rule was removed, or nobody could say whether it still lasts. */
const FORGET_AFTER_MS = 60_000

type Rule = Pick<AlertRuleRecord, 'namespace' | 'name' | 'rule'>

/** What a rule makes of an incident. `undefined`: it stays as it is. */
export type Change = { readonly write: IncidentRecord } | { readonly remove: IncidentRecord } | undefined

/** Of a rule and a cause: `prefix` is derived from both. @param before the latest incident of both, over or not */
export interface Place {
  readonly prefix: string
  readonly cause: Cause
  readonly before: IncidentRecord | undefined
}

/** Things happened. @param inRow of those that count in a row: how many there are */
export function countFacts(
  { rule, place, facts, inRow }: { rule: Rule; place: Place; facts: readonly Fact[]; inRow?: number },
  now: number,
): Change {
  const { before } = place
  const known = new Set(before?.counted.map(({ id }) => id))
  const fresh = facts.filter(({ id }, i) => !known.has(id) && facts.findIndex((other) => other.id === id) === i)
  if (fresh.length === 0) return undefined
  const terms = termsOf(rule.rule)
  const current = currentOf(rule, before) ?? newIncident(rule, place, fresh[0]?.at ?? now)
  const added = withFacts(current, fresh)
  if (current.isShown === 0 && !fresh.some(({ at }) => at > now - terms.windowMs)) return undefined
  if (current.isShown === 1) return { write: { ...added, goneAt: null, count: countOf(current, { fresh: fresh.length, inRow }) } }
  const isWithin = ({ at }: { at: number }) => inRow !== undefined || at > now - terms.windowMs
  const counted = added.counted.filter(isWithin)
  const count = current.counted.filter(isWithin).length + fresh.filter(isWithin).length
  if ((inRow ?? count) >= terms.threshold) return { write: opened({ ...added, counted }, { count: inRow ?? count, now }) }
  const oldest = Math.min(...counted.map(({ at }) => at), now)
  const wakeAt = inRow === undefined ? oldest + terms.windowMs : now + terms.windowMs
  return { write: { ...added, counted, count, wakeAt } }
}

/** In a row those count that the store has: some of them may not have been announced so far. */
function countOf({ count }: IncidentRecord, { fresh, inRow }: { fresh: number; inRow: number | undefined }): number {
  return inRow === undefined || inRow >= ROW_READ ? count + fresh : Math.max(count, inRow)
}

/** What lasts is seen, or, without facts, is not seen any more. */
export function holdFacts({ rule, place, facts }: { rule: Rule; place: Place; facts: readonly Fact[] }, now: number): Change {
  const { before } = place
  const { graceMs, recoverAfterMs } = termsOf(rule.rule)
  const current = currentOf(rule, before)
  if (facts.length > 0) return heldFor(current ?? newIncident(rule, place, Math.min(...facts.map(({ at }) => at))), { facts, graceMs, now })
  if (current === undefined) return undefined
  if (current.isShown === 0) return { remove: current }
  const goneAt = current.goneAt ?? now
  if (now - goneAt >= recoverAfterMs) return { write: recovered({ ...current, goneAt }, { recovery: phrase('over'), now }) }
  return current.goneAt === null ? { write: { ...current, goneAt } } : undefined
}

/** That of another scene is of what the rule was before: it ends by itself. */
const currentOf = ({ rule }: Rule, before: IncidentRecord | undefined): IncidentRecord | undefined =>
  before?.isCurrent === 1 && before.scene === rule.scene ? before : undefined

function heldFor(current: IncidentRecord, { facts, graceMs, now }: { facts: readonly Fact[]; graceMs: number; now: number }): Change {
  const known = new Set(current.counted.map(({ id }) => id))
  const fresh = facts.filter(({ id }) => !known.has(id))
  const next = { ...withFacts(current, facts), goneAt: null }
  if (current.isShown === 0 && now - current.openedAt >= graceMs)
    return { write: opened({ ...next, lastAt: now }, { count: next.counted.length, now }) }
  if (current.isShown === 0) return { write: { ...next, lastAt: now, count: current.count + fresh.length, wakeAt: now + FORGET_AFTER_MS } }
  if (fresh.length === 0 && current.goneAt === null) return undefined
  return { write: { ...next, lastAt: now, count: current.count + fresh.length } }
}

function newIncident({ namespace, name, rule }: Rule, { prefix, cause, before }: Place, at: number): IncidentRecord {
  const sequence = before ? Number(before.id.slice(-SEQUENCE_LETTERS)) + 1 : 1
  const id = `${prefix}-${String(sequence).padStart(SEQUENCE_LETTERS, '0')}`
  return {
    ...{ id, namespace, rule: name, scene: rule.scene, cause, isShown: 0, isCurrent: 1, count: 0, counted: [], examples: [] },
    ...{ openedAt: at, lastAt: at, goneAt: null, recoveredAt: null, recovery: null, acknowledged: null, snoozedUntil: null },
    ...{ reminders: 0, announcedAt: null, owed: [], revision: 0, share: shareOf(id), wakeAt: null },
  }
}

function withFacts(incident: IncidentRecord, facts: readonly Fact[]): IncidentRecord {
  const known = new Set(incident.counted.map(({ id }) => id))
  const fresh = facts.filter(({ id }) => !known.has(id))
  const counted: Occurrence[] = [...incident.counted, ...fresh.map(({ id, at }) => ({ id, at }))]
  return {
    ...incident,
    counted: counted.slice(-REMEMBERED),
    examples: [...incident.examples, ...fresh.map(({ example }) => example)].slice(0, EXAMPLES),
    lastAt: Math.max(incident.lastAt, ...fresh.map(({ at }) => at)),
  }
}

const opened = (incident: IncidentRecord, { count, now }: { count: number; now: number }): IncidentRecord => ({
  ...incident,
  isShown: 1,
  count,
  openedAt: now,
  owed: ['opened'],
  wakeAt: now + GROUP_WAIT_MS,
})

/** Silently where nobody was told that it is open, or nobody is to be told any more. */
function recovered(
  incident: IncidentRecord,
  { recovery, now, silently }: { recovery: IncidentPhrase; now: number; silently?: true },
): IncidentRecord {
  return {
    ...incident,
    isCurrent: 0,
    recoveredAt: now,
    recovery,
    owed: silently ? [] : [...incident.owed.filter((owed) => owed !== 'reminder'), 'recovered'],
    wakeAt: silently ? null : now,
  }
}

/** What is known of the cause of an incident when it is looked at. */
export interface Circumstances {
  /** Undefined: it was removed. */
  readonly rule: Rule | undefined
  /** Why its cause is over, if it is; undefined: it is not, or what lasts is compared elsewhere. */
  readonly recovery: IncidentPhrase | undefined
  /** Its job is paused: it raises nothing, and nobody is reminded. */
  readonly isPaused: boolean
}

/** What becomes of an incident whose time has come, and what is to be announced now. */
export function wakeIncident(
  incident: IncidentRecord,
  { rule, recovery, isPaused }: Circumstances,
  now: number,
): { readonly change: Change; readonly announce: readonly Transition[] } {
  const quiet = (change: Change) => ({ change, announce: [] })
  const why = whyUnwanted(rule, incident)
  if (rule === undefined || why !== undefined) {
    if (incident.isShown === 0) return quiet({ remove: incident })
    const over =
      incident.isCurrent === 1
        ? recovered(incident, { recovery: why ?? phrase('over'), now, silently: true })
        : { ...incident, owed: [], wakeAt: null }
    return quiet({ write: over })
  }
  if (incident.isShown === 0)
    return quiet(SCENE_TRAITS[incident.scene].isCounted ? counting(incident, termsOf(rule.rule), now) : { remove: incident })
  const isOver = incident.isCurrent === 1 && recovery !== undefined
  const next = isOver ? recovered(incident, { recovery, now }) : reminding(incident, { rule, isPaused, now })
  if (next.owed.length === 0) return quiet({ write: { ...next, wakeAt: nextLook(next, rule, now) } })
  const until = quietUntil(rule.rule.quietHours, now)
  if (until === undefined) {
    const said: IncidentRecord = { ...next, owed: [], announcedAt: now }
    return { change: { write: { ...said, wakeAt: nextLook(said, rule, now) } }, announce: next.owed }
  }
  // Nobody has to know of what came and went while nobody was to be woken.
  const owed = next.isCurrent === 0 && next.owed.includes('opened') ? [] : next.owed
  const wakeAt = owed.length === 0 ? null : next.isCurrent === 1 ? Math.min(until, nextCheck(next, now)) : until
  return quiet({ write: { ...next, owed, wakeAt } })
}

function whyUnwanted(rule: Rule | undefined, { scene }: IncidentRecord): IncidentPhrase | undefined {
  if (rule === undefined) return phrase('rule-removed')
  if (!rule.rule.enabled) return phrase('rule-disabled')
  return rule.rule.scene === scene ? undefined : phrase('rule-changed')
}

/** Forgets what has left the window. */
function counting(incident: IncidentRecord, { windowMs }: AlertTerms, now: number): Change {
  const counted = incident.counted.filter(({ at }) => at > now - windowMs)
  if (counted.length === 0) return { remove: incident }
  return { write: { ...incident, counted, count: counted.length, wakeAt: Math.min(...counted.map(({ at }) => at)) + windowMs } }
}

function reminding(incident: IncidentRecord, { rule, isPaused, now }: { rule: Rule; isPaused: boolean; now: number }): IncidentRecord {
  const { snoozedUntil, acknowledged, announcedAt, owed } = incident
  const isSnoozed = snoozedUntil !== null && snoozedUntil > now
  if (incident.isCurrent === 0 || acknowledged || isSnoozed || isPaused || owed.length > 0 || announcedAt === null) return incident
  const every = rule.rule.remindEveryMs
  const isDue = snoozedUntil !== null || (every !== undefined && announcedAt + every <= now)
  if (!isDue || incident.reminders >= LIMITS.alertReminders) return { ...incident, snoozedUntil: null }
  return { ...incident, snoozedUntil: null, owed: ['reminder'], reminders: incident.reminders + 1 }
}

const nextCheck = ({ lastAt }: IncidentRecord, now: number) =>
  now + Math.min(Math.max((now - lastAt) / 10, SOONEST_CHECK_MS), LATEST_CHECK_MS)

function nextLook(incident: IncidentRecord, { rule }: Rule, now: number): number | null {
  if (incident.isCurrent === 0) return null
  const { announcedAt, acknowledged, snoozedUntil } = incident
  const reminder = rule.remindEveryMs !== undefined && announcedAt !== null && !acknowledged ? announcedAt + rule.remindEveryMs : undefined
  const times = [nextCheck(incident, now), reminder, snoozedUntil ?? undefined].filter((at) => at !== undefined && at > now)
  return Math.round(Math.min(...(times as number[])))
}

/** Further ahead no incident is woken: a night, and a day for the zone. */
const [LATEST_WAKE_MS, AHEAD_MS] = [25 * 3_600_000, 60_000]

/** An incident that a clock has written which was ahead, as of now; undefined: there is nothing to repair. */
export function repairedIncident(incident: IncidentRecord, now: number): IncidentRecord | undefined {
  const { wakeAt, openedAt, lastAt, goneAt, announcedAt, counted, isShown, isCurrent } = incident
  const plannedMs = (wakeAt ?? now) - now
  const isPlannedWrong = isShown === 1 && plannedMs > (isCurrent === 1 ? AHEAD_MS : LATEST_WAKE_MS)
  const isAhead = Math.max(openedAt, lastAt, goneAt ?? 0, announcedAt ?? 0) > now + AHEAD_MS
  if (!isPlannedWrong && !isAhead) return undefined
  const past = (at: number) => Math.min(at, now)
  return {
    ...incident,
    ...{ openedAt: past(openedAt), lastAt: past(lastAt), goneAt: goneAt && past(goneAt), announcedAt: announcedAt && past(announcedAt) },
    counted: counted.map(({ id, at }) => ({ id, at: past(at) })),
    revision: incident.revision + 1,
    wakeAt: now,
  }
}
