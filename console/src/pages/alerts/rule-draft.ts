import type { AlertRuleInput, AlertRuleView } from '@carillon/contracts'

/** A rule while it is edited. */
export type RuleDraft = Readonly<Record<string, unknown>> & { readonly name: string; readonly scene: AlertRuleInput['scene'] }

const SAID = ['createdAt', 'updatedAt', 'by', 'open']

/** A stored rule as `alertRules.put` takes it. */
export const ruleDraftOf = (rule: AlertRuleView): RuleDraft =>
  Object.fromEntries(Object.entries(rule).filter(([name]) => !SAID.includes(name))) as RuleDraft

/** Names as they are typed, separated by commas; none: the rule is not restricted. */
export function typedPatterns(text: string): readonly string[] | undefined {
  const names = text
    .split(/[\s,]+/)
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return names.length === 0 ? undefined : names
}

/** The draft for another scene: fields that mean nothing there are left out, or it would be refused. */
export function withScene(
  draft: RuleDraft,
  scene: RuleDraft['scene'],
  traits: { readonly filters: readonly string[]; readonly isCounted: boolean; readonly recoverAfterMs?: number },
): RuleDraft {
  const unused = [
    ...['jobs', 'handlers', 'instances'].filter((name) => !traits.filters.includes(name)),
    ...(traits.isCounted ? ['graceMs'] : ['threshold', 'windowMs']),
    ...(scene === 'failures-in-row' ? ['windowMs'] : []),
    ...(traits.recoverAfterMs === undefined ? ['recoverAfterMs'] : ['recoverAfter']),
  ]
  return { ...Object.fromEntries(Object.entries(draft).filter(([name]) => !unused.includes(name))), name: draft.name, scene }
}
