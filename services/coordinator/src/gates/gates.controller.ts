import { liveGateSchema, parseInput } from '@carillon/contracts'
import type { ControllerOf } from '@carillon/runtime'
import type { GateHints } from './gate-hints.ts'
import { checkRulesName } from './rules/requested-rules.ts'

export const gatesController = ({ gateHints }: { gateHints: GateHints }) =>
  ({
    receives: {
      // Every coordinator receives it; the owner of a gate checks it.
      'live.gate.*.changed': async ({ namespace, tokens, body }) => {
        const job = tokens[1] ?? ''
        const { gates } = parseInput(liveGateSchema, body)
        for (const rules of new Set(gates.map(({ rules }) => rules))) if (rules !== undefined) checkRulesName(rules)
        gateHints.noticed(gates.map(({ id, key = '', ended, rules = job }) => ({ id, namespace, job: rules, key, ended: new Set(ended) })))
      },
    },
  }) satisfies ControllerOf<'coordinator'>
