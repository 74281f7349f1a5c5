import {
  type AlertChannel,
  type AlertRule,
  CarillonError,
  type ChannelTarget,
  NEEDED_SECRETS,
  printable,
  SCENE_TRAITS,
  SECRET_FIELDS,
} from '@carillon/contracts'
import { type AlertChannelRecord, type AlertRuleRecord, shareOf } from '@carillon/store'
import { alertId, secretsOf } from './views.ts'

interface Change {
  readonly namespace: string
  readonly by: string | undefined
  readonly now: number
}

/** A rule as it is stored. */
export function ruleOf({ name, ...rule }: AlertRule, { namespace, by, now }: Change, before: AlertRuleRecord | undefined): AlertRuleRecord {
  const id = alertId(namespace, name)
  return {
    ...{ id, namespace, name, rule, by: by ?? null },
    revision: (before?.revision ?? 0) + 1,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
    share: shareOf(id),
    wakeAt: rule.enabled && !SCENE_TRAITS[rule.scene].isCounted ? now : null,
  }
}

/**
 * A channel as it is stored. A secret that is left out stays as it was, unless it would go to someone else then.
 * @throws CarillonError INVALID_ALERT
 */
export function channelOf(input: AlertChannel, { namespace, by, now }: Change, before: AlertChannelRecord | undefined): AlertChannelRecord {
  const { name, target, ...channel } = input
  const { kind } = target
  const [shown, given] = split(target)
  const kept = before?.target.kind === kind ? secretsOf(before) : {}
  if ('password' in kept && !('password' in given) && isElsewhere(before as AlertChannelRecord, target)) {
    throw wrong('target.password', 'The password of another mail server is not sent to this one: give it again, or another one.')
  }
  const secrets = { ...kept, ...given }
  for (const field of NEEDED_SECRETS[kind])
    if (!(field in secrets)) throw wrong(`target.${field}`, `A channel of the kind ${kind} needs it. It is never shown again.`)
  return {
    ...{ id: alertId(namespace, name), namespace, name, channel, target: shown, by: by ?? null },
    secrets: Object.keys(secrets).length === 0 ? null : JSON.stringify(secrets),
    // What its receiver has refused, a new setting may repair.
    state: { sentAt: before?.state.sentAt ?? [], ...(before?.state.last ? { last: before.state.last } : {}) },
    revision: (before?.revision ?? 0) + 1,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  }
}

function split(target: ChannelTarget): [shown: AlertChannelRecord['target'], secrets: Record<string, unknown>] {
  const entries = Object.entries(target).filter(([, value]) => value !== undefined)
  const isSecret = ([field]: [string, unknown]) => SECRET_FIELDS[target.kind].includes(field)
  const shown = Object.fromEntries(entries.filter((entry) => !isSecret(entry)))
  return [shown as AlertChannelRecord['target'], Object.fromEntries(entries.filter(isSecret))]
}

/** A password must not be had by naming another server. */
function isElsewhere({ target: before }: AlertChannelRecord, target: ChannelTarget): boolean {
  const of = (one: object) => (['host', 'port', 'security', 'user'] as const).map((field) => (one as Record<string, unknown>)[field])
  return JSON.stringify(of(before)) !== JSON.stringify(of(target))
}

const wrong = (field: string, hint: string) =>
  new CarillonError('INVALID_ALERT', `${field} is missing`, { field, value: printable(undefined), hint })
