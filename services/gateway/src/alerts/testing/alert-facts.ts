import { type AlertRuleInput, alertRuleInputSchema } from '@carillon/contracts'
import type { AlertRuleRecord } from '@carillon/store'
import { ruleOf } from '../rules/definitions.ts'
import type { Fact } from '../rules/facts.ts'
import type { Place } from '../rules/incident.ts'

export const NOW = 1_767_225_600_000

export const ruleWith = (fields: Omit<AlertRuleInput, 'name'>): AlertRuleRecord =>
  ruleOf(alertRuleInputSchema.parse({ name: 'rule', ...fields }), { namespace: 'default', by: undefined, now: NOW }, undefined)

/** The n-th failure of job `report`, n seconds after NOW. */
export const failure = (n: number, fields: Partial<Fact> = {}): Fact => ({
  scene: 'run-failed',
  namespace: 'default',
  cause: { kind: 'job', name: 'report' },
  id: `run-${n}`,
  at: NOW + n * 1_000,
  example: { at: new Date(NOW + n * 1_000).toISOString(), what: 'failed', runId: `run-${n}` },
  job: 'report',
  handler: 'hello',
  ...fields,
})

export const place = (before?: Place['before']): Place => ({ prefix: 'icause', cause: { kind: 'job', name: 'report' }, before })
