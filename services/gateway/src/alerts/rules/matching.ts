import type { AlertRuleRecord } from '@carillon/store'
import type { Cause, Fact } from './facts.ts'

/** Whether a rule is about this. What a rule is restricted by, a fact has to have. */
export function matches({ namespace, rule }: Pick<AlertRuleRecord, 'namespace' | 'rule'>, fact: Fact): boolean {
  if (!rule.enabled || rule.scene !== fact.scene || namespace !== fact.namespace) return false
  const { jobs, handlers, instances } = rule
  return isAmong(jobs, fact.job) && isAmong(handlers, fact.handler) && isAmong(instances, fact.instance, fact.service)
}

/** The cause that an incident of this rule has. */
export const causeOf = ({ name, rule }: Pick<AlertRuleRecord, 'name' | 'rule'>, { cause }: Pick<Fact, 'cause'>): Cause =>
  rule.groupBy === 'rule' ? { kind: 'all', name } : cause

function isAmong(patterns: readonly string[] | undefined, ...names: readonly (string | undefined)[]): boolean {
  if (patterns === undefined) return true
  return patterns.some((pattern) =>
    names.some((name) => name !== undefined && (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern)),
  )
}
