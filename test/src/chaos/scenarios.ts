import type { Scenario } from './scenario.ts'
import { clockJump } from './scenarios/clocks.ts'
import { INTERRUPTION_SCENARIOS } from './scenarios/interruptions.ts'
import { logFlood } from './scenarios/logs.ts'
import { neighbours } from './scenarios/neighbours.ts'

/** In this order. */
export const SCENARIOS: readonly Scenario[] = [...INTERRUPTION_SCENARIOS, logFlood, neighbours, clockJump]

export function scenarioCalled(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name)
  if (!found) throw new Error(`there is no scenario "${name}"; there are ${SCENARIOS.map((one) => one.name).join(', ')}`)
  return found
}
