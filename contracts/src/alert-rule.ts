import * as z from 'zod'
import { ALERT_SCENES, SCENE_TRAITS } from './alert-scenes.ts'
import { codedField, nameField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { NAME } from './names.ts'
import { TIME_OF_DAY } from './schedule.ts'

const PATTERN_HINT = 'Use a name, or the beginning of names with a "*" behind it, such as "bill-*".'
const patternField = codedField<string>({
  code: 'INVALID_ALERT',
  hint: PATTERN_HINT,
  accepts: (value) => typeof value === 'string' && (value === '*' || NAME.test(value.replace(/\*$/, ''))),
  json: { type: 'string', pattern: '^[A-Za-z0-9_-]{0,64}\\*?$' },
})
const patterns = z.array(patternField).min(1).max(LIMITS.alertPatterns)

const atLeast = (minMs: number, text: string) =>
  codedField<number>({
    code: 'INVALID_DELAY',
    hint: `Use whole milliseconds from ${text} to 30 days.`,
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= minMs && (value as number) <= 2_592_000_000,
    json: { type: 'integer', minimum: minMs, maximum: 2_592_000_000 },
  })

const timeOfDay = codedField<string>({
  code: 'INVALID_ALERT',
  hint: 'Use a time of day such as 22:00.',
  accepts: (value) => typeof value === 'string' && TIME_OF_DAY.test(value) && value.length === 5,
  json: { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' },
})

export const WEEKDAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const

/** When nobody is to be woken: what opens then is announced at the end of it, if it is still open. */
const quietHoursSchema = z.strictObject({
  from: timeOfDay,
  /** Earlier than `from`: on the next day. */
  to: timeOfDay,
  /** An IANA time zone. */
  timezone: z.string().max(64).default('UTC'),
  /** On which days it begins. Default: all. */
  days: z.array(z.enum(WEEKDAYS)).min(1).max(7).exactOptional(),
})
export type QuietHours = z.output<typeof quietHoursSchema>

const ruleFields = {
  description: z.string().max(1_000).optional(),
  scene: z.enum(ALERT_SCENES),
  /** Only of these jobs, handlers, or instances and services: names, or beginnings of names with a `*` behind. */
  jobs: patterns.optional(),
  handlers: patterns.optional(),
  instances: patterns.optional(),
  /** So many within `windowMs`; of `failures-in-row` in a row. Default 1, in a row 3. */
  threshold: z.int().min(1).max(LIMITS.alertThreshold).optional(),
  /** Default: an hour. */
  windowMs: atLeast(1_000, '1,000').optional(),
  /** How long it may last, or how late something may be. */
  graceMs: atLeast(1_000, '1,000').optional(),
  /** Successes in a row after which a job, or a handler, has recovered. Default 1. */
  recoverAfter: z.int().min(1).max(LIMITS.alertThreshold).optional(),
  /** Of what no success ends: how long nothing of it must have happened. */
  recoverAfterMs: atLeast(0, '0').optional(),
  /** How often it is announced again while it is open and nobody has acknowledged it. Default: never. */
  remindEveryMs: atLeast(60_000, '60,000').optional(),
  quietHours: quietHoursSchema.optional(),
  /** `cause`: an incident for each job, handler or service. `rule`: one for all. */
  groupBy: z.enum(['cause', 'rule']).default('cause'),
  /** Names of channels. None: incidents are only listed. */
  channels: z.array(nameField).max(LIMITS.alertChannelsPerRule).default([]),
  enabled: z.boolean().default(true),
}

/** An alert rule as a user writes it. */
export const alertRuleInputSchema = z.strictObject({ name: nameField, ...ruleFields }).superRefine((rule, context) => {
  for (const { field, hint } of conflictsOf(rule))
    context.addIssue({ code: 'custom', message: hint, path: [field], params: { code: 'INVALID_ALERT' } })
})
export type AlertRuleInput = z.input<typeof alertRuleInputSchema>
export type AlertRule = z.output<typeof alertRuleInputSchema>

interface Conflict {
  readonly field: string
  readonly hint: string
}

type WrittenRule = z.output<z.ZodObject<typeof ruleFields>>

/** Fields that mean nothing in the scene of the rule: each would be a mistake that nobody notices. */
function conflictsOf(rule: WrittenRule): Conflict[] {
  const { scene } = rule
  const { filters, isCounted, recoverAfterMs } = SCENE_TRAITS[scene]
  const isGiven = (field: keyof WrittenRule) => rule[field] !== undefined
  const conflicts: Conflict[] = []
  const refuse = (field: keyof WrittenRule, hint: string) => isGiven(field) && conflicts.push({ field, hint })
  for (const field of ['jobs', 'handlers', 'instances'] as const)
    if (!filters.includes(field as never)) refuse(field, `A rule of ${scene} can be restricted by ${filters.join(' or ')}.`)
  if (!isCounted) refuse('threshold', `${scene} lasts, so it is not counted: use graceMs.`)
  if (!isCounted || scene === 'failures-in-row') refuse('windowMs', `${scene} has no window.`)
  else if ((rule.threshold ?? 1) === 1) refuse('windowMs', 'A window needs a threshold of at least 2.')
  if (isCounted) refuse('graceMs', `${scene} is no matter of time: use threshold.`)
  if (recoverAfterMs === undefined) refuse('recoverAfterMs', `${scene} ends with successes: use recoverAfter.`)
  else refuse('recoverAfter', `${scene} does not end with successes: use recoverAfterMs.`)
  if (rule.groupBy === 'rule' && recoverAfterMs === undefined)
    conflicts.push({ field: 'groupBy', hint: `${scene} ends with successes of one job or handler, so it has an incident for each.` })
  if (rule.quietHours && rule.quietHours.from === rule.quietHours.to)
    conflicts.push({ field: 'quietHours', hint: 'It ends when it begins: use two times.' })
  return conflicts
}

/** An alert rule with what it says and what it is by default. */
export interface AlertTerms {
  readonly threshold: number
  readonly windowMs: number
  readonly graceMs: number
  readonly recoverAfter: number
  readonly recoverAfterMs: number
}

export function termsOf(rule: Pick<WrittenRule, 'scene' | keyof AlertTerms>): AlertTerms {
  const traits = SCENE_TRAITS[rule.scene]
  return {
    threshold: rule.threshold ?? (rule.scene === 'failures-in-row' ? 3 : 1),
    windowMs: rule.windowMs ?? 3_600_000,
    graceMs: rule.graceMs ?? traits.graceMs,
    recoverAfter: rule.recoverAfter ?? 1,
    recoverAfterMs: rule.recoverAfterMs ?? traits.recoverAfterMs ?? 0,
  }
}

/** An alert rule as services show it. */
export const alertRuleViewSchema = z.object({
  name: z.string(),
  ...ruleFields,
  /** Incidents of it that are open. */
  createdAt: timeField,
  updatedAt: timeField,
  /** Who changed it last, as that party names itself. */
  by: z.string().exactOptional(),
})
export type AlertRuleView = Readonly<z.output<typeof alertRuleViewSchema>>
